"""The covariance of log-probability and advantage, which drives a policy's entropy (arXiv 2505.22617)."""

import torch
from torch import Tensor

from emlit.metrics import Answers, Interval, percentile_interval, resampled_counts

_EPS = 1e-6  # of GRPO's advantage


def group_advantages(answers: Answers) -> Tensor:
    """GRPO's advantage of each verdict, (r - mean) / (std + 1e-6) in its problem: (M,), nan for one alone."""
    problem, ones = answers.problem, torch.ones_like(answers.correct)
    n = answers.per_problem(ones)
    centred = answers.correct - (answers.per_problem(answers.correct) / n)[problem]
    std = (answers.per_problem(centred.square()) / (n - 1)).sqrt()
    return (centred / (std[problem] + _EPS)).where(n[problem] > 1, torch.nan)


def covariance(answers: Answers, resamples: int = 1000, seed: int = 0) -> dict[str, Interval]:
    """`covariance`: mean over tokens of (A - mean A)(log p - mean log p), both means over tokens too.

    A is `group_advantages`, the same for all tokens of a completion, so that completions' mean log-probabilities are
    enough. Above 0, policy-gradient steps on verified answers lower the entropy, by about the learning rate times as
    much (Theorem 1); below 0 they raise it.

    Args:
        answers: with labels and log-probabilities
        resamples: of the bootstrap over problems
        seed: of the bootstrap

    Returns:
        Nothing where no problem has two completions
    """
    advantages = group_advantages(answers)
    several = answers.where(~advantages.isnan())
    if not len(several):
        return {}
    tokens, logprob, advantage = several.tokens, several.logprob, advantages[~advantages.isnan()]
    columns = (tokens, tokens * advantage, tokens * logprob, tokens * advantage * logprob)
    sums = torch.stack([several.per_problem(column) for column in columns], dim=1)  # (P, 4)
    value = _covariance(sums.sum(dim=0)).item()
    if several.problems < 2:
        return {"covariance": Interval(value)}
    counts = resampled_counts(several.problems, resamples, seed)
    return {"covariance": percentile_interval(value, _covariance(counts @ sums))}


def _covariance(sums: Tensor) -> Tensor:
    """Of (..., 4) sums over tokens of 1, A, log p and A log p: (...)."""
    n, advantage, logprob, product = sums.unbind(-1)
    return product / n - advantage / n * (logprob / n)
