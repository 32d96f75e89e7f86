"""Whether reasoning makes the right answer more certain, step by step (arXiv 2508.20395)."""

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from emlit.predictions import Prediction
from emlit.preflight.token_metrics import Scoring, TokenMetric
from emlit.records import Completion, Group, ScoredAnswer


class AnswerUtility(TokenMetric):
    """Entropy of the label's tokens, as if they were given at once, after no reasoning and after each of its steps.

    A completion is cut behind each `separator`; the model reads the prompt, the completion up to there and `bridge`,
    and the mean entropy of its next-token distributions along the label's tokens is taken, nats.
    `answer_entropy_before` is the mean with no reasoning, `answer_entropy_after` that behind the last step;
    `utility_right` and `utility_wrong`, how much it falls in completions that are right and in those that are wrong. In
    the paper it falls for right ones. (There Qwen3-8B scores what other models wrote; here the model scores itself, at
    temperature 1.)

    It costs a forward pass of each completion and step. Completions of one step, of several turns and of problems
    without a label are left out; what is written behind the last separator, which has the answer, is not read.

    Args:
        separator: between steps
        bridge: what leads from reasoning to an answer
        steps: at most so many of a completion, evenly among all, the last one included
    """

    asks_policy = True

    def __init__(self, separator: str = "\n\n", bridge: str = "\n\\boxed{", steps: int = 8) -> None:
        super().__init__()
        if not separator:
            raise ValueError("separator of AnswerUtility is empty; set it to what stands between steps")
        if steps < 1:
            raise ValueError(f"steps of AnswerUtility is {steps}; it must be at least 1")
        self.separator, self.bridge, self.steps = separator, bridge, steps
        for name in ("before", "after", "right", "wrong", "rights", "wrongs"):
            self.add_state(name, torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Tensor: ...  # of the states

    def update(self, predictions: list[Prediction], answers: Sequence[ScoredAnswer], scoring: Scoring) -> None:
        cut = [
            (prediction, *pieces)
            for prediction, answer in zip(predictions, answers, strict=True)
            if (pieces := self._pieces(prediction, answer, scoring)) is not None
        ]
        if not cut:
            return
        prompts = [prompt for _, prompts, _ in cut for prompt in prompts]
        labels = [Completion(label, None, "stop") for _, prompts, label in cut for _ in prompts]
        entropies = (stats.entropy.double().mean().item() for stats in scoring.score(prompts, labels))
        for prediction, places, _ in cut:
            first, *_, last = itertools.islice(entropies, len(places))
            self.before += first
            self.after += last
            if prediction.correct:
                self.right += first - last
                self.rights += 1
            else:
                self.wrong += first - last
                self.wrongs += 1

    def _pieces(
        self, prediction: Prediction, answer: ScoredAnswer, scoring: Scoring
    ) -> tuple[list[list[int]], list[int]] | None:
        """What is read before the label, without and with more and more reasoning; and the label's tokens."""
        label, tokenizer = answer.prompt.row.answer, scoring.tokenizer
        if prediction.correct is None or not label or len(answer.turns) != 1:
            return None
        reply = answer.turns[0].reply
        ends = [match.end() for match in re.finditer(re.escape(self.separator), reply.text)]
        if not ends:
            return None
        steps = min(self.steps, len(ends))
        chosen = [ends[len(ends) * step // steps - 1] for step in range(1, steps + 1)]

        def decode(tokens: list[int]) -> str:
            return str(tokenizer.decode(tokens, skip_special_tokens=True))

        group = Group(answer.prompt, [reply.completion], [reply.text], decode)
        lengths = [0, *(group.boundary(reply.text[:end], 0) or 0 for end in chosen)]
        bridge, tokens = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (self.bridge, label))
        return [[*reply.prompt, *reply.completion.tokens[:length], *bridge] for length in lengths], tokens

    def compute(self) -> dict[str, Tensor]:
        count = self.rights + self.wrongs  # nan where there is none
        return {
            "answer_entropy_before": self.before / count,
            "answer_entropy_after": self.after / count,
            "utility_right": self.right / self.rights,
            "utility_wrong": self.wrong / self.wrongs,
        }
