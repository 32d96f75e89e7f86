"""The policy: a Hugging Face causal language model that answers prompts and scores what was answered."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from torch import Tensor
from torch.distributed.tensor import DTensor

from emlit import pretrained as loading
from emlit import progress
from emlit.answering import Answerer, PromptBatch
from emlit.errors import DataError, require_at_least
from emlit.metrics import CompletionMetrics
from emlit.model_checks import require_causal
from emlit.modules.scoring import ScoringModule
from emlit.parallel import Sharding
from emlit.policy.loading import Dtype, check_precision, load_policy
from emlit.policy.lora import ALL_LINEAR, LoRA, differences, is_adapter, settings
from emlit.policy.scoring import EntropyHead, Scorer
from emlit.predictions import Prediction
from emlit.records import Prompt, ScoredAnswer
from emlit.rollout import LearnsFrom, RolloutDataModule
from emlit.sampled_completions import SampledCompletions
from emlit.strategies import Strategy

log = logging.getLogger(__name__)


class CausalLM(ScoringModule):
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
        supervised: whether labels or solutions say what is right, and not its own certainty
        sampling_seconds: how long the engine took for the last batch that was answered
        scored_answers: what the predictions of that batch were made of, one each
        measuring: whether an evaluation or a probe is under way, which changes nothing that is trained
        sampled: keeps completions as they end, for `predict`; None where a batch is not worth keeping in part
    """

    learns_from: ClassVar[LearnsFrom] = "samples"
    supervised: bool = False

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
        require_at_least(1, scoring_tokens=scoring_tokens)
        self.pretrained, self.trust_remote_code = pretrained, trust_remote_code
        self.dtype_name = dtype
        self.score = score
        self.scoring_tokens = scoring_tokens
        self.scorer = Scorer(entropy_head)
        self.lora = lora
        if lora is not None:
            self.strict_loading = False  # checkpoints hold adapters alone, and on_load_checkpoint compares their names
        self.answers = CompletionMetrics()
        self.sampling_seconds = 0.0
        self.scored_answers: list[ScoredAnswer] = []
        self.measuring = False
        self.sampled: SampledCompletions | None = None

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
