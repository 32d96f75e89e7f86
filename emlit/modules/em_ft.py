"""EM-FT: fine-tuning on the entropy of the model's own samples."""

from torch import Tensor

from emlit.functional import KLPenalty, Reduction
from emlit.modules.causal_lm import CausalLM
from emlit.modules.entropy_floor import EntropyFloor
from emlit.modules.lora import LoRA
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.modules.policy import Dtype
from emlit.modules.scoring import EntropyHead
from emlit.rollout import RolloutBatch


class EMFT(EntropyObjectiveMixin, CausalLM):
    """Minimise the entropy of each next-token distribution along the model's own completions.

    The completions are constants: the gradient is that of H alone, with no score-function term (arXiv 2505.15134,
    Sec. 3.1 and Table 1). No reward, no label.

    Args:
        pretrained: "tiny" for the embedded reasoner, a directory, or a Hugging Face id
        trust_remote_code: run the Python code that lies beside the model's weights, for models that need it
        learning_rate: AdamW's
        weight_decay: AdamW's
        warmup_steps: optimiser steps over which the learning rate rises to its value
        reduction: "token_mean" over the round, "sequence_mean", or "sequence_sum" (the paper's Eq. 2, in which long
            completions weigh more)
        entropy_temperature: of H; the sampling temperature unless set
        kl_weight: of the KL divergence to the start; the paper's headline row has none
        kl_estimator: k2, whose gradient is that of KL(policy || start), or k3, whose gradient is that of the reverse
        entropy_floor: keep the entropy from falling below a floor
        dtype: of the weights; training wants float32 (with `trainer.precision bf16-mixed` to compute in bfloat16)
        gradient_checkpointing: recompute activations in the backward pass instead of keeping them
        torch_compile: compile the model but for its head; the first steps then take a minute or more
        scoring_tokens: padded tokens scored in one forward pass of evaluation
        entropy_head: "torch" goes from hidden states to entropies without holding the logits, "liger" does so with
            Liger's GPU kernels, "logits" holds them
        lora: train adapters of low rank on frozen weights, as in `--model.lora.r 16`
    """

    def __init__(
        self,
        pretrained: str = "tiny",
        learning_rate: float = 1e-6,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
        reduction: Reduction = "token_mean",
        entropy_temperature: float | None = None,
        kl_weight: float = 0.0,
        kl_estimator: KLPenalty = "k3",
        entropy_floor: EntropyFloor | None = None,
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
            entropy_temperature=entropy_temperature,
            kl_weight=kl_weight,
            kl_estimator=kl_estimator,
            entropy_floor=entropy_floor,
        )

    def training_step(self, batch: RolloutBatch) -> Tensor:
        loss, stats = self.entropy_loss(batch)
        return self.finish(loss, stats.entropy, self.kl_penalty(stats, batch), stats, batch, {})
