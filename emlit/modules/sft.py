"""SFT: supervised fine-tuning on the rows' solutions, the labelled baseline."""

from typing import ClassVar

from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import Reduction
from emlit.modules.causal_lm import CausalLM
from emlit.modules.lora import LoRA
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.modules.policy import Dtype
from emlit.modules.scoring import EntropyHead
from emlit.rollout import LearnsFrom, RolloutBatch, RolloutDataModule


class SFT(EntropyObjectiveMixin, CausalLM):
    """Minimise the cross-entropy of the solutions' tokens, the end token included (arXiv 2505.15134, Table 2).

    Nothing is sampled in training: a round's completions are its rows' solutions. The prompt is no part of the loss,
    and the temperature is 1, whatever evaluation samples at.

    Args:
        pretrained: "tiny" for the embedded reasoner, a directory, or a Hugging Face id
        trust_remote_code: run the Python code that lies beside the model's weights, for models that need it
        learning_rate: AdamW's
        weight_decay: AdamW's
        warmup_steps: optimiser steps over which the learning rate rises to its value
        reduction: "token_mean" over the round, "sequence_mean" or "sequence_sum"
        dtype: of the weights; training wants float32 (with `trainer.precision bf16-mixed` to compute in bfloat16)
        gradient_checkpointing: recompute activations in the backward pass instead of keeping them
        torch_compile: compile the model but for its head; the first steps then take a minute or more
        scoring_tokens: padded tokens scored in one forward pass of evaluation
        entropy_head: "torch" goes from hidden states to log-probabilities without holding the logits, "liger" does so
            with Liger's GPU kernels, "logits" holds them
        lora: train adapters of low rank on frozen weights, as in `--model.lora.r 16`
    """

    learns_from: ClassVar[LearnsFrom] = "solutions"

    def __init__(
        self,
        pretrained: str = "tiny",
        learning_rate: float = 1e-5,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
        reduction: Reduction = "token_mean",
        dtype: Dtype = "float32",
        gradient_checkpointing: bool = False,
        torch_compile: bool = False,
        scoring_tokens: int = 8192,
        entropy_head: EntropyHead = "torch",
        lora: LoRA | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        super().__init__(
            pretrained, dtype, scoring_tokens=scoring_tokens, entropy_head=entropy_head, lora=lora,
            trust_remote_code=trust_remote_code,
        )  # fmt: skip
        self._set_objective(
            reduction=reduction,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            warmup_steps=warmup_steps,
            gradient_checkpointing=gradient_checkpointing,
            torch_compile=torch_compile,
        )

    def check_rollouts(self, data: RolloutDataModule) -> None:
        super().check_rollouts(data)
        if data.trainer.state.fn == TrainerFn.FITTING and data.samples_per_prompt != 1:
            raise ConfigError(
                f"data.samples_per_prompt is {data.samples_per_prompt}, but SFT learns from the one solution of each "
                "row; set it to 1"
            )

    def training_step(self, batch: RolloutBatch) -> Tensor:
        stats = self.token_stats(batch.tokens, batch.completion_mask, temperature=1.0, positions=batch.positions)
        return self.finish(self.reduce(-stats.logprob, batch), -stats.logprob, None, stats, batch, {})
