"""What a model's completions show without a label."""

import statistics
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from emlit.records.answer_classes import answer_classes

Same = Callable[[str, str], bool]


@dataclass(frozen=True)
class Answered:
    """One prompt of a probe and its samples.

    Attributes:
        answers: one a sample; None where none was found
        texts: one a sample
        tokens: one list of ids a sample
        entropies: mean token entropy of each sample, nats
        format_ok: one a sample
        truncated: one a sample
        correct: one a sample, of a labelled probe; empty otherwise
    """

    answers: Sequence[str | None]
    texts: Sequence[str]
    tokens: Sequence[Sequence[int]]
    entropies: Sequence[float]
    format_ok: Sequence[bool]
    truncated: Sequence[bool]
    correct: Sequence[bool] = ()


@dataclass(frozen=True)
class Signals:
    """What a probe shows at one step. Shares are of samples unless said otherwise.

    Attributes:
        entropy: mean over tokens, nats
        vote_agreement: mean share of a prompt's most frequent answer
        start_agreement: mean share of samples that give the answer most frequent at the start; None where no prompt had
            one
        unique_answers: mean number of a prompt's different answers, over its samples
        distinct_3: different token trigrams over all of them, mean over completions
        compression: bytes over zlib-compressed bytes of a prompt's completions together
        length: tokens
        truncated: cut at max_tokens
        format: answer where the prompt asked for it
        kl: KL(start || policy), estimated on the start's completions, both at temperature 1, nats a token
        accuracy: of a labelled probe; None otherwise
    """

    entropy: float
    vote_agreement: float
    start_agreement: float | None
    unique_answers: float
    distinct_3: float
    compression: float
    length: float
    truncated: float
    format: float
    kl: float
    accuracy: float | None = None


def votes(answers: Sequence[str | None], same: Same) -> list[tuple[str, int]]:
    """The different answers with how many gave each, most frequent first, ties in order of appearance."""
    firsts = ((answers[members[0]], len(members)) for members in answer_classes(answers, same))
    return sorted(((answer, n) for answer, n in firsts if answer is not None), key=lambda vote: -vote[1])


def is_contested(answers: Sequence[str | None], same: Same) -> bool:
    """Whether the model holds two answers: a second one in a quarter of the samples, the first in less than three.

    One stray answer of four is none.
    """
    counts, n = [count for _, count in votes(answers, same)], len(answers)
    return len(counts) > 1 and 4 * counts[1] >= n and 4 * counts[0] < 3 * n


def measure(probe: Sequence[Answered], start_votes: Sequence[str | None], kl: float, same: Same) -> Signals:
    """The signals of a probe.

    Args:
        probe: one entry a prompt
        start_votes: of each prompt, the answer most frequent at the start; None where nothing was answered
        kl: as in `Signals`
        same: whether two answers mean the same
    """
    tallies = [votes(group.answers, same) for group in probe]
    sizes = [len(group.answers) for group in probe]
    agreements = [
        statistics.fmean(answer is not None and same(answer, vote) for answer in group.answers)
        for group, vote in zip(probe, start_votes, strict=True)
        if vote is not None
    ]
    lengths = [len(tokens) for group in probe for tokens in group.tokens]
    entropies = [entropy for group in probe for entropy in group.entropies]
    labels = [correct for group in probe for correct in group.correct]
    return Signals(
        entropy=statistics.fmean(entropies, weights=lengths),
        vote_agreement=_mean((tally[0][1] if tally else 0) / n for tally, n in zip(tallies, sizes, strict=True)),
        start_agreement=_mean(agreements) if agreements else None,
        unique_answers=_mean(len(tally) / n for tally, n in zip(tallies, sizes, strict=True)),
        distinct_3=_mean(distinct(tokens, 3) for group in probe for tokens in group.tokens),
        compression=_mean(compression("\n".join(group.texts)) for group in probe),
        length=_mean(lengths),
        truncated=_mean(flag for group in probe for flag in group.truncated),
        format=_mean(flag for group in probe for flag in group.format_ok),
        kl=kl,
        accuracy=_mean(labels) if labels else None,
    )


def distinct(tokens: Sequence[int], n: int) -> float:
    """Different n-grams over all n-grams; 1 where there are none (arXiv 1510.03055, distinct-n)."""
    grams = list(zip(*(tokens[i:] for i in range(n)), strict=False))
    return len(set(grams)) / len(grams) if grams else 1.0


def compression(text: str) -> float:
    """Bytes over zlib-compressed bytes: grows with repetition."""
    raw = text.encode("utf-8", errors="surrogatepass")
    return len(raw) / len(zlib.compress(raw)) if raw else 1.0


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return statistics.fmean(values) if values else 0.0
