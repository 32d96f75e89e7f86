"""The policy: a Hugging Face causal language model that answers prompts and scores what was answered."""

import contextlib
import logging
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

import lightning as L
import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from emlit import pretrained as loading
from emlit import progress
from emlit.answering import Answerer, PromptBatch
from emlit.engines import Engine
from emlit.errors import ConfigError, DataError
from emlit.functional import AnyStats, ScoredTokens, Stat, TokenStats, mapped
from emlit.functional.reduction import flat_positions
from emlit.metrics import CompletionMetrics
from emlit.model_checks import require_causal
from emlit.parallel import Sharding, is_sharded, release
from emlit.policy.loading import Dtype, check_precision, load_policy
from emlit.policy.lora import ALL_LINEAR, LoRA, differences, is_adapter, settings
from emlit.policy.passes import in_passes, shared_prefix
from emlit.policy.scoring import EntropyHead, Scorer
from emlit.predictions import Prediction
from emlit.processes import of_every_process
from emlit.records import Completion, Prompt, ScoredAnswer
from emlit.rollout import LearnsFrom, RolloutDataModule, pad_rows
from emlit.sampled_completions import SampledCompletions
from emlit.strategies import Strategy

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

# What an engine knows of a token is believed where the model says the same to so many nats.
_GAP = 1e-3


class CausalLM(L.LightningModule):
    """Answers prompts in validate, test and predict; what EM-FT and EM-RL train.

    Args:
        pretrained: "tiny" for the embedded reasoner, a directory, or a Hugging Face id
        trust_remote_code: run the Python code that lies beside the model's weights, for models that need it
        dtype: of the weights; training wants float32 (with `trainer.precision bf16-mixed` to compute in bfloat16)
        score: keep the model beside the engine to measure entropies; without it predictions have those that the engine
            took while it drew, in its own dtype (vLLM's on a GPU takes none)
        scoring_tokens: padded tokens scored in one forward pass
        entropy_head: "torch" goes from hidden states to entropies without holding the logits, "liger" does so with
            Liger's GPU kernels, "logits" holds them
        lora: adapters of low rank on frozen weights, which train, or come out of the checkpoint of a run with the same

    Attributes:
        learns_from: what the data module gives it in training: the model's own samples, or the rows' solutions
        sampling_seconds: how long the engine took for the last batch that was answered
        scored_answers: what the predictions of that batch were made of, one each
        measuring: whether an evaluation or a probe is under way, which changes nothing that is trained
        sampled: keeps completions as they end, for `predict`; None where a batch is not worth keeping in part
    """

    learns_from: ClassVar[LearnsFrom] = "samples"

    def __init__(
        self,
        pretrained: str = "tiny",
        dtype: Dtype = "float32",
        score: bool = True,
        scoring_tokens: int = 8192,
        entropy_head: EntropyHead = "torch",
        lora: LoRA | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        super().__init__()
        loading.resolve(pretrained)
        if scoring_tokens < 1:
            raise ConfigError(f"scoring_tokens is {scoring_tokens}; it must be at least 1")
        self.pretrained, self.trust_remote_code = pretrained, trust_remote_code
        self.dtype_name = dtype
        self.score = score
        self.scoring_tokens = scoring_tokens
        self.scorer = Scorer(entropy_head)
        self.lora = lora
        if lora is not None:
            self.strict_loading = False  # checkpoints hold adapters alone, and on_load_checkpoint compares their names
        self.model: PreTrainedModel | None = None
        self.answers = CompletionMetrics()
        self.sampling_seconds = 0.0
        self.scored_answers: list[ScoredAnswer] = []
        self.measuring = False
        self.sampled: SampledCompletions | None = None
        self._agreed: tuple[int, bool] | None = None  # the weights that were last compared with the engine's

    def configure_model(self) -> None:
        """Load the weights, once; under FSDP2 this process's shards of them."""
        if self.model is None and self.score:
            with progress.phase("loading the model", announce=True):
                self.model = load_policy(
                    self.pretrained, self.dtype_name, self.lora, self.sharding, trust_remote_code=self.trust_remote_code
                )

    @property
    def sharding(self) -> Sharding | None:
        """How the trainer's strategy cuts models over processes; None where each holds a whole one."""
        return None if self._trainer is None else Sharding.of(self._trainer)

    def check_rollouts(self, data: RolloutDataModule) -> None:
        """Raise ConfigError where the model or the rollouts that `data` would make do not suit this module."""
        check_precision(data.trainer.precision)
        trains = data.trainer.state.fn == "fit" and self.lora is None and data.trainer.is_global_zero
        if trains and self.dtype_name == "bfloat16" and data.trainer.precision == "32-true":
            log.warning(
                "model.dtype is bfloat16, which trainer.precision 32-true does not change: weights and optimizer are "
                "bfloat16, which rounds small updates away; float32 with bf16-mixed keeps them"
            )
        if self.score:
            path = loading.resolve(self.pretrained)
            require_causal(path, loading.load_config(path, self.trust_remote_code))
            if self.lora is not None and self.lora.targets() != ALL_LINEAR:
                self.lora.check(loading.skeleton(path, self.trust_remote_code))

    def check_prompts(self, prompts: Sequence[Prompt]) -> None:
        """Raise DataError where this module cannot learn from one of the training prompts; asked in `fit` alone."""

    @contextlib.contextmanager
    def measurement(self) -> Iterator[None]:
        """What is done inside can be given up at any moment."""
        self.measuring = True
        try:
            yield
        finally:
            self.measuring = False

    def keep_completions(self, store: SampledCompletions | None) -> None:
        """Where completions are kept as they end, and those of an earlier run are found; None for nowhere."""
        self.sampled = store

    @property
    def data(self) -> RolloutDataModule:
        return self.trainer.datamodule  # type: ignore[attr-defined]

    @property
    def engine(self) -> Engine:
        return self.data.engine

    def token_stats(
        self,
        tokens: Tensor,
        completion_mask: Tensor,
        temperature: float,
        entropy_temperature: float | None = None,
        model: "PreTrainedModel | None" = None,
        needs: Collection[Stat] = (),
        positions: Tensor | None = None,
        shared: int = 0,
    ) -> AnyStats:
        """Log-probability and entropy of each sampled token, in one forward pass.

        A sampled token is never first in its row: a prompt stands before it.

        Args:
            tokens: (B, T), padded to the right
            completion_mask: (B, T), bool, true on the tokens to score
            temperature: of log p, and of H unless `entropy_temperature` is set
            entropy_temperature: of H
            model: the policy unless given
            needs: what else is wanted of each token, at `temperature`
            positions: (M,), where the mask is true, counted along its rows; found here unless given, which on a GPU
                means to wait for it
            shared: as of `Scorer`

        Returns:
            TokenStats, or MoreStats where more is needed, of (B, T) float32, nats; 0 outside of `completion_mask`
        """

        def compute(scored: ScoredTokens) -> AnyStats:
            stats = scored.stats(temperature)
            if entropy_temperature is not None and entropy_temperature != temperature:
                stats = TokenStats(stats.logprob, scored.stats(entropy_temperature).entropy)
            return scored.with_more(stats, needs, temperature)

        positions = flat_positions(completion_mask) if positions is None else positions
        model = self.model if model is None else model
        assert model is not None
        stats = self.scorer(model, tokens, positions, compute, shared)
        return self.in_place(stats, positions, completion_mask.shape)

    @staticmethod
    def in_place(stats: AnyStats, positions: Tensor, shape: torch.Size) -> AnyStats:
        """The stats (M) of the scored tokens, each where its token is: (B, T), 0 elsewhere."""
        zeros = stats.logprob.new_zeros(shape.numel())
        return mapped(stats, lambda value: zeros.index_copy(0, positions, value.to(zeros.dtype)).view(shape))

    @torch.no_grad()
    def score_completions(
        self, prompts: list[list[int]], completions: list[Completion], temperature: float = 1.0
    ) -> list[TokenStats]:
        """The model's own stats at a temperature, whatever the completions were sampled with: (length,) each.

        Where the model is sharded every process must call it, though it may have nothing to score.
        """
        rows = [(prompt, completion.tokens) for prompt, completion in zip(prompts, completions, strict=True)]
        by_length = sorted(range(len(rows)), key=lambda row: len(rows[row][0]) + len(rows[row][1]))  # little is padded
        assert self.model is not None
        was_training = self.model.training
        self.model.eval()
        # Evaluation inside fit runs in callbacks, outside of the trainer's autocast.
        precision = self._trainer.precision_plugin.forward_context() if self._trainer else contextlib.nullcontext()
        found: list[TokenStats] = []
        with precision, progress.phase("scoring", len(rows), "completions") as phase:
            passes = list(in_passes((rows[row] for row in by_length), self.scoring_tokens))
            spare = self._passes_of_others(len(passes))
            for part in passes:
                tokens, _, completion_mask = (tensor.to(self.device) for tensor in pad_rows(part, pad_token_id=0))
                stats = self.token_stats(
                    tokens, completion_mask, temperature, shared=shared_prefix([p for p, _ in part])
                )
                found.extend(
                    TokenStats(logprob[mask].cpu(), entropy[mask].cpu())
                    for logprob, entropy, mask in zip(
                        stats.logprob.cpu(), stats.entropy.cpu(), completion_mask.cpu(), strict=True
                    )
                )
                phase.advance(len(part))
            nothing = torch.zeros(0, 2, dtype=torch.long, device=self.device)
            for _ in range(spare):
                self.token_stats(nothing, nothing.bool(), temperature=1.0)
        release(self.model)
        self.model.train(was_training)
        return [stats for _, stats in sorted(zip(by_length, found, strict=True), key=itemgetter(0))]

    def score_drawn(
        self, prompts: list[list[int]], completions: list[Completion], temperature: float = 1.0
    ) -> list[TokenStats]:
        """As `score_completions`, of completions that the engine has drawn.

        What it knows of their tokens is not computed again, where it has these weights and both compute in float32; the
        longest completion is, once for all weights, and where the two differ on it all are.
        """
        found = [each.stats if temperature == 1 and each.weights_version is None else None for each in completions]
        known = [place for place, stats in enumerate(found) if stats is not None]
        if known:
            longest = max(known, key=lambda place: len(completions[place].tokens))
            if not self._engine_agrees(prompts[longest], completions[longest]):
                found = [None] * len(found)
        left = [place for place, stats in enumerate(found) if stats is None]
        if left or is_sharded(self.model):
            asked = [prompts[place] for place in left], [completions[place] for place in left]
            scored = iter(self.score_completions(*asked, temperature))
            found = [next(scored) if stats is None else stats for stats in found]
        return [TokenStats(*(value.clone() for value in stats)) for stats in found if stats is not None]

    def _engine_agrees(self, prompt: list[int], completion: Completion) -> bool:
        """Whether the engine has this model's weights, and what it knows of a completion's tokens is what this says."""
        alike = self.engine.float32 and self.dtype_name == "float32" and self.trainer.precision == "32-true"
        version = self.engine.weights_version
        if not alike or version != self.trainer.global_step or is_sharded(self.model):
            return False
        if self._agreed is None or self._agreed[0] != version:
            (own,), theirs = self.score_completions([prompt], [completion]), completion.stats
            assert theirs is not None
            gap = max((float((a - b).abs().max()) for a, b in zip(own, theirs, strict=True) if len(a)), default=0.0)
            if gap > _GAP and (self._agreed is None or self._agreed[1]):
                log.warning(
                    "engine and model differ by up to %.2g nats on a token: completions are scored by the model", gap
                )
            self._agreed = version, gap <= _GAP
        return self._agreed[1]

    def _passes_of_others(self, passes: int) -> int:
        """How many forward passes fewer this process makes than the one with the most, where each is a collective."""
        return max(of_every_process(passes)) - passes if is_sharded(self.model) else 0

    @property
    def answerer(self) -> Answerer:
        """Answers as the data module is set, with its engine; this model scores, where it does."""
        data = self.data
        return Answerer(
            self.engine, data.tokenizer, data.chat, data.sampling, data.longest_context, data.seed,
            policy=self if self.score else None, store=self.sampled,
            on_graded=partial(data.first_grades.look, tell=self.trainer.is_global_zero),
        )  # fmt: skip

    def answer(
        self, batch: PromptBatch, strategy: Strategy | None = None, salt: str = "evaluation"
    ) -> list[Prediction]:
        """Sample, grade and score; one Prediction a wanted sample, in the batch's order.

        Args:
            batch: prompts and the sample numbers wanted of each
            strategy: how to decode; data.sampling unless given
            salt: two calls with the same salt draw the same samples
        """
        answered = self.answerer.answer(batch, strategy or self.data.default_strategy(), salt)
        self.sampling_seconds, self.scored_answers = answered.seconds, answered.answers
        return answered.predictions

    def validation_step(self, batch: PromptBatch) -> list[Prediction]:  # type: ignore[override]
        predictions = self.answer(batch)
        self.answers.update(predictions)
        return predictions

    def on_validation_epoch_end(self) -> None:
        self._log_answers("validation")

    def _log_answers(self, stage: str) -> None:
        # `compute` has summed over processes; the mean of what all of them have is the same, and nobody warns of it.
        values = {f"{stage}/{name}": value for name, value in self.answers.compute().items()}
        self.log_dict(values, sync_dist=True)
        self.answers.reset()

    def test_step(self, batch: PromptBatch) -> list[Prediction]:  # type: ignore[override]
        return self.validation_step(batch)

    def on_test_epoch_end(self) -> None:
        self._log_answers("test")

    def predict_step(self, batch: PromptBatch) -> list[Prediction]:
        return self.answer(batch, batch.strategy)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["emlit"] = {"pretrained": self.pretrained, "lora": settings(self.lora)}
        if not any(isinstance(value, DTensor) for value in checkpoint["state_dict"].values()):
            # A folder of shards is asked for all of the model's names when it is read.
            checkpoint["state_dict"] = self.kept(checkpoint["state_dict"])

    def kept(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """What is worth keeping of a `state_dict()`: all of it, or the adapters."""
        return state if self.lora is None else {name: value for name, value in state.items() if is_adapter(name)}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Raise DataError for the weights of another model, before a single one is copied."""
        emlit = checkpoint.get("emlit", {})
        if reason := differences(emlit.get("lora"), self.lora):
            raise DataError(f"the checkpoint {reason}")
        if "state_dict" not in checkpoint:  # a strategy that shards weights has read them itself
            return
        theirs = {name: tuple(value.shape) for name, value in checkpoint["state_dict"].items()}
        own = {name: tuple(value.shape) for name, value in self.kept(self.state_dict()).items()}
        if theirs == own:
            return
        differing = sorted(name for name in theirs.keys() | own.keys() if theirs.get(name) != own.get(name))
        origin = emlit.get("pretrained", "another model")
        raise DataError(
            f"the checkpoint holds the weights of {origin}, which do not fit {self.pretrained}: {len(differing)} "
            f"tensors differ, {differing[0]} first; set --model.pretrained to the model that it was made from"
        )
