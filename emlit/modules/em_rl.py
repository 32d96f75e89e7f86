"""EM-RL: reinforcement learning with the model's own confidence as the reward, or any other reward."""

from collections.abc import Sequence

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import KLEstimator, Reduction, sequence_mean
from emlit.modules.causal_lm import CausalLM
from emlit.modules.entropy_floor import EntropyFloor
from emlit.modules.lora import LoRA
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.modules.policy import Dtype
from emlit.modules.policy_update import PolicyUpdate, Reinforce
from emlit.modules.scoring import EntropyHead
from emlit.rewards import RLOO, Advantage, Reward, TokenEntropyReward
from emlit.rollout import Prompt, RolloutBatch, RolloutDataModule


class EMRL(EntropyObjectiveMixin, CausalLM):
    """REINFORCE on a reward that needs no label (arXiv 2505.15134, Sec. 3.2).

    With `TokenEntropyReward` this is EM-RL-token (Eq. 4), with `SequenceLogProbReward` EM-RL-sequence (Eq. 3). One
    forward pass gives the reward and the loss: the reward is read off the detached stats. With `VoteFractionReward` it
    is the paper's SC-RL, with `VerifiedAnswerReward` its labelled baselines RLOO and GRPO, after the advantage.

    Args:
        pretrained: "tiny" for the embedded reasoner, a directory, or a Hugging Face id
        trust_remote_code: run the Python code that lies beside the model's weights, for models that need it
        reward: what a completion is worth
        advantage: what it is worth beside the others of its prompt; the paper uses the leave-one-out baseline
        policy_update: from advantages to the loss: Reinforce, PPO or TruncatedImportanceSampling; a round of several
            updates (data.updates_per_round), or one sampled ahead (data.rounds_ahead), needs one of the latter two
        learning_rate: AdamW's
        weight_decay: AdamW's
        warmup_steps: optimiser steps over which the learning rate rises to its value
        reduction: "token_mean" over the round, "sequence_mean" or "sequence_sum"
        entropy_temperature: of H; the sampling temperature unless set
        kl_weight: of the KL divergence to the start; the paper has 0.001
        kl_estimator: as a penalty, k2 has the gradient of KL(policy || start) and k3 that of the reverse; k1, averaged
            over the completion, is taken off the reward instead; the released code has k3
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
        reward: Reward | None = None,
        advantage: Advantage | None = None,
        policy_update: PolicyUpdate | None = None,
        learning_rate: float = 1e-6,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
        reduction: Reduction = "token_mean",
        entropy_temperature: float | None = None,
        kl_weight: float = 0.001,
        kl_estimator: KLEstimator = "k3",
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
        self.reward = reward if reward is not None else TokenEntropyReward()
        self.self_certainty = self.reward.needs_self_certainty
        self.advantage = advantage if advantage is not None else RLOO()
        self.policy_update = policy_update if policy_update is not None else Reinforce()

    def check_rollouts(self, data: RolloutDataModule) -> None:
        super().check_rollouts(data)
        if data.trainer.state.fn != TrainerFn.FITTING:
            return
        if data.samples_per_prompt < self.advantage.min_samples:
            raise ConfigError(
                f"data.samples_per_prompt is {data.samples_per_prompt}, but {type(self.advantage).__name__} compares "
                f"the completions of a prompt with each other; set it to {self.advantage.min_samples} or more"
            )
        if data.sampling.filtered and self.policy_update.off_policy:
            raise ConfigError(
                "sampling.top_p, top_k or min_p is set, so that the sampler's log-probabilities are not the policy's: "
                f"the importance weights of {type(self.policy_update).__name__} would be wrong; unset it, or set "
                "--model.policy_update to Reinforce"
            )
        for key, stale in (("updates_per_round", data.updates_per_round > 1), ("rounds_ahead", data.rounds_ahead > 0)):
            if stale and not self.policy_update.off_policy:
                raise ConfigError(
                    f"data.{key} is {getattr(data, key)}, but {type(self.policy_update).__name__} is right only for "
                    "completions of the weights that it updates; set --model.policy_update to PPO or "
                    "TruncatedImportanceSampling"
                )

    def check_prompts(self, prompts: Sequence[Prompt]) -> None:
        self.reward.check(prompts)

    def training_step(self, batch: RolloutBatch) -> Tensor:
        stats = self.rollout_stats(batch)
        kl = self.kl_penalty(stats, batch)
        with torch.no_grad():
            detached = type(stats)(*(value.detach() for value in stats))
            rewards, parts = self.reward.score(batch, detached)
            worth = rewards
            if kl is not None and self.kl_estimator == "k1":
                worth = rewards - self.kl_weight * sequence_mean(kl.detach(), batch.completion_mask)
            advantage = self.advantage(worth.view(-1, batch.samples_per_prompt), batch, detached)
        terms, values = self.policy_update(stats, advantage, batch)
        values |= {"reward": rewards, "advantage": advantage.expand_as(stats.logprob)}
        values |= {f"reward/{name}": part for name, part in parts.items()}
        return self.finish(self.reduce(terms, batch), terms, kl, stats, batch, values)
