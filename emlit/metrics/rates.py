"""Accuracies, rates and means of answers, each with its 95 % interval over problems."""

import torch

from emlit.metrics.answer_table import Answers
from emlit.metrics.bootstrap import Interval, interval_of_ratio, resampled_counts
from emlit.metrics.pass_at_k import pass_at_k, powers_up_to
from emlit.metrics.shares import share_interval


def rates(answers: Answers, resamples: int = 1000, seed: int = 0) -> dict[str, Interval]:
    """By name; what could not be measured is left out. The same for the same arguments.

    `accuracy_given_format` is over the completions whose answer stands where it was asked for. `room` is pass@k, with
    every sample, minus pass@1. `token_entropy` weighs each completion by its length, as training plots it;
    `mean_entropy` and `mean_logprob` do not.
    """
    values = _accuracies(answers.where(~answers.correct.isnan()))
    if len(answers):
        counts = resampled_counts(answers.problems, resamples, seed)
        completions = answers.per_problem(torch.ones(len(answers), dtype=torch.float64))
        values["format_rate"] = share_interval(answers.per_problem(answers.format_ok), completions)
        values["mean_length"] = interval_of_ratio(answers.per_problem(answers.tokens), completions, counts)
        values["truncated"] = share_interval(answers.per_problem(answers.truncated), completions)
    return values | _entropies(answers.where(~answers.entropy.isnan()), resamples, seed)


def _accuracies(answers: Answers) -> dict[str, Interval]:
    if not len(answers):
        return {}
    n = answers.per_problem(torch.ones_like(answers.correct))
    correct = answers.per_problem(answers.correct)
    each = torch.ones(answers.problems, dtype=torch.float64)
    values = {"pass@1": share_interval(correct, n)}
    most = int(n.min())
    for k in powers_up_to(most)[1:]:
        values[f"pass@{k}"] = share_interval(pass_at_k(n, correct, k), each, len(answers))
    if most > 1:
        if not answers.vote.isnan().any():
            values[f"maj@{most}"] = share_interval(answers.per_problem(answers.vote) / n, each, len(answers))
        values["room"] = share_interval(pass_at_k(n, correct, most) - correct / n, each, len(answers))
    formatted = answers.per_problem(answers.format_ok)
    if formatted.sum():
        both = answers.per_problem(answers.format_ok * answers.correct)
        values["accuracy_given_format"] = share_interval(both, formatted)
    return values


def _entropies(answers: Answers, resamples: int, seed: int) -> dict[str, Interval]:
    if not len(answers):
        return {}
    counts = resampled_counts(answers.problems, resamples, seed)
    tokens = answers.per_problem(answers.tokens)
    completions = answers.per_problem(torch.ones_like(answers.tokens))
    of_tokens = answers.per_problem(answers.entropy * answers.tokens)
    return {
        "token_entropy": interval_of_ratio(of_tokens, tokens, counts),
        "mean_entropy": interval_of_ratio(answers.per_problem(answers.entropy), completions, counts),
        "mean_logprob": interval_of_ratio(answers.per_problem(answers.logprob), completions, counts),
    }
