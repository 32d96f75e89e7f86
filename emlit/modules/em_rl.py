"""EM-RL: reinforcement learning with the model's own confidence as the reward, or any other reward."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import AnyStats, Normaliser, TokenStats, mapped
from emlit.losses import LossInputs, PolicyUpdate, Reinforce, TokenWeights
from emlit.modules.causal_lm import CausalLM
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.records import Group, Prompt, RolloutBatch
from emlit.rewards import RLOO, Advantage, Reward, TokenEntropyReward
from emlit.rollout import RolloutDataModule, collate


class EMRL(EntropyObjectiveMixin, CausalLM):
    """REINFORCE on a reward that needs no label (arXiv 2505.15134, Sec. 3.2).

    With `TokenEntropyReward` this is EM-RL-token (Eq. 4), with `SequenceLogProbReward` EM-RL-sequence (Eq. 3). One
    forward pass gives the reward and the loss: the reward is read off the detached stats. With `VoteFractionReward` it
    is the paper's SC-RL, with `VerifiedAnswerReward` its labelled baselines RLOO and GRPO, after the advantage.

    Args:
        reward: of each completion; TokenEntropyReward unless set
        advantage: of a completion beside the others of its prompt; RLOO, the paper's leave-one-out baseline, unless set
        policy_update: from advantages to the loss; Reinforce unless set. A round of several updates
            (data.updates_per_round), or one sampled ahead (data.rounds_ahead), needs one that is right for samples of
            older weights, such as PPO or TruncatedImportanceSampling
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
        for key, plug_in in (("data.rollouts", data.rollouts), ("model.advantage", self.advantage)):
            low, high = plug_in.between
            if not low < data.sampling.temperature < high:
                raise ConfigError(
                    f"data.sampling.temperature is {data.sampling.temperature}, and {type(plug_in).__name__} has its "
                    f"temperatures {low} and {high} on either side of it; change it, or set them under --{key}"
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
        if data.rollouts.needs_rewards and (self.reward.needs or self.reward.needs_old):
            raise ConfigError(
                f"data.rollouts is {type(data.rollouts).__name__}, which asks for rewards before training, but "
                f"{type(self.reward).__name__} reads more than log p and H; choose another model.reward"
            )
        update = self.policy_update
        for key, stale in (
            ("updates_per_round", data.updates_per_round > 1 and not update.off_policy),
            ("rounds_ahead", data.rounds_ahead > 0 and not update.takes_earlier_rounds),
        ):
            if stale:
                raise ConfigError(
                    f"data.{key} is {getattr(data, key)}, but {type(update).__name__} is right only for completions of "
                    f"{update.right_for}; set --model.policy_update to PPO or TruncatedImportanceSampling"
                )

    def check_prompts(self, prompts: Sequence[Prompt]) -> None:
        self.reward.check(prompts)
        self.advantage.check(prompts)

    @property
    def supervised(self) -> bool:  # type: ignore[override]
        return self.reward.labelled

    @property
    def plug_ins(self) -> list[Any]:
        return [*super().plug_ins, self.reward, self.advantage, self.policy_update]

    def training_step(self, batch: RolloutBatch) -> Tensor:
        stats = self.rollout_stats(batch)
        inputs = self.loss_inputs(stats, batch)
        batch = inputs.batch
        advantage, rewards = self._judged(inputs, batch)
        inputs = replace(inputs, advantage=advantage)
        terms, values = self.policy_update(stats, advantage, batch)
        terms = self.weighted(terms, inputs)
        values |= {**rewards, "advantage": advantage.expand_as(stats.logprob)}
        return self.finish(self.reduce(terms, batch), terms, inputs, values)

    @torch.no_grad()
    def rewards_of(self, groups: Sequence[Group]) -> list[list[float]]:
        """The rewards of completions before they are trained on, H at the sampling temperature.

        What loss terms add to rewards is left out.

        Where the model is sharded every process must call it, though it may have no group.
        """
        batch = collate(groups, 0, Normaliser(1.0, 1.0), self.data.sampling.temperature, False, 0, 0, 1)
        stats: Any = self._scored(groups, batch) if self.reward.reads_stats else None
        rewards, _ = self.reward.score(batch, stats)
        left = iter(rewards.tolist())
        return [[next(left) for _ in group.completions] for group in groups]

    def _scored(self, groups: Sequence[Group], batch: RolloutBatch) -> AnyStats:
        """Log p and H of the sampled tokens (B, T), on the CPU."""
        asked = [(group.prompt.tokens, c) for group in groups for c in group.completions]
        found = self.score_completions([prompt for prompt, _ in asked], [c for _, c in asked], batch.temperature)
        sampled = [(stats, completion.given) for (_, completion), stats in zip(asked, found, strict=True)]
        nothing = torch.zeros(0)
        flat = TokenStats(
            torch.cat([nothing, *(stats.logprob[given:] for stats, given in sampled)]),
            torch.cat([nothing, *(stats.entropy[given:] for stats, given in sampled)]),
        )
        return self.in_place(flat, batch.positions, batch.tokens.shape)

    @torch.no_grad()
    def _judged(self, inputs: LossInputs, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Advantages (B, 1) or (B, T), and the rewards (B,) behind them: none where the advantages were given."""
        if batch.advantages is not None:
            return batch.advantages.unsqueeze(1), {}
        detached = mapped(inputs.stats, torch.Tensor.detach)
        rewards, parts = self.reward.score(batch, detached)
        shaped = rewards + self.reward_shift(inputs)
        advantage = self.advantage(shaped.view(-1, batch.samples_per_prompt), batch, detached)
        return advantage, {"reward": rewards, **{f"reward/{name}": part for name, part in parts.items()}}
