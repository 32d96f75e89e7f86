"""EM-RL: reinforcement learning with the model's own confidence as the reward, or any other reward."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import mapped
from emlit.losses import PolicyUpdate, Reinforce, TokenWeights
from emlit.modules.causal_lm import CausalLM
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.records import Prompt, RolloutBatch
from emlit.rewards import RLOO, Advantage, Reward, TokenEntropyReward
from emlit.rollout import RolloutDataModule


class EMRL(EntropyObjectiveMixin, CausalLM):
    """REINFORCE on a reward that needs no label (arXiv 2505.15134, Sec. 3.2).

    With `TokenEntropyReward` this is EM-RL-token (Eq. 4), with `SequenceLogProbReward` EM-RL-sequence (Eq. 3). One
    forward pass gives the reward and the loss: the reward is read off the detached stats. With `VoteFractionReward` it
    is the paper's SC-RL, with `VerifiedAnswerReward` its labelled baselines RLOO and GRPO, after the advantage.

    Args:
        reward: what a completion is worth
        advantage: what it is worth beside the others of its prompt; the paper uses the leave-one-out baseline
        policy_update: from advantages to the loss: Reinforce, PPO or TruncatedImportanceSampling; a round of several
            updates (data.updates_per_round), or one sampled ahead (data.rounds_ahead), needs one of the latter two
        token_weights: how much each token counts in that loss, each by its class path
        kl_weight: of the KL divergence to the reference policy, the model before training; the paper has 0.001
    """

    def __init__(
        self,
        *,
        reward: Reward | None = None,
        advantage: Advantage | None = None,
        policy_update: PolicyUpdate | None = None,
        token_weights: list[TokenWeights] | None = None,
        kl_weight: float = 0.001,
        **objective: Any,
    ) -> None:
        super().__init__(kl_weight=kl_weight, **objective)
        self.reward = reward if reward is not None else TokenEntropyReward()
        self.advantage = advantage if advantage is not None else RLOO()
        self.policy_update = policy_update if policy_update is not None else Reinforce()
        self.token_weights = token_weights or []

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
        if data.updates_per_round < self.policy_update.min_updates:
            raise ConfigError(
                f"data.updates_per_round is {data.updates_per_round}, and {type(self.policy_update).__name__} goes by "
                "the distance from the policy before a round's first update, which then is 0; set it to "
                f"{self.policy_update.min_updates} or more"
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

    @property
    def plug_ins(self) -> list[Any]:
        return [*super().plug_ins, self.reward, self.advantage, self.policy_update]

    def training_step(self, batch: RolloutBatch) -> Tensor:
        stats = self.rollout_stats(batch)
        inputs = self.loss_inputs(stats, batch)
        batch = inputs.batch
        with torch.no_grad():
            detached = mapped(stats, torch.Tensor.detach)
            rewards, parts = self.reward.score(batch, detached)
            shaped = rewards + self.reward_shift(inputs)
            advantage = self.advantage(shaped.view(-1, batch.samples_per_prompt), batch, detached)
        inputs = replace(inputs, advantage=advantage)
        terms, values = self.policy_update(stats, advantage, batch)
        terms = self.weighted(terms, inputs)
        values |= {"reward": rewards, "advantage": advantage.expand_as(stats.logprob)}
        values |= {f"reward/{name}": part for name, part in parts.items()}
        return self.finish(self.reduce(terms, batch), terms, inputs, values)
