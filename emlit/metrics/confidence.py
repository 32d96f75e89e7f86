"""Whether a score of a completion tells right from wrong."""

import torch
from torch import Tensor
from torchmetrics.functional import pearson_corrcoef
from torchmetrics.functional.classification import binary_auroc

from emlit.metrics.bootstrap import Interval, percentile_interval
from emlit.metrics.shares import exact_end


def mid_ranks(values: Tensor) -> Tensor:
    """Ranks 1 to M of (M,) values, float64; equal values share the mean of their ranks."""
    _, place, sizes = torch.unique(values, return_inverse=True, return_counts=True)
    return (sizes.cumsum(0) - (sizes - 1) / 2).double()[place]


def auroc(score: Tensor, correct: Tensor) -> float:
    """The chance that a right completion scores above a wrong one, ties counting half; nan if one kind is missing.

    Ranks go to torchmetrics, not scores: it would squeeze scores outside of [0, 1] through a sigmoid, where close ones
    become equal.

    Args:
        score: (M,)
        correct: (M,), 1 for right and 0 for wrong
    """
    if not 0 < correct.sum() < len(correct):
        return float("nan")
    return binary_auroc(mid_ranks(score) / len(score), correct.long(), validate_args=False).item()


def auroc_interval(score: Tensor, correct: Tensor, problem: Tensor, counts: Tensor) -> Interval:
    """AUROC with its interval over problems.

    Where right and wrong ones are wholly apart each resample says so too, and the exact interval is taken of as many
    pairs of a right and a wrong one as can be made without using a problem twice.

    Args:
        score: (M,)
        correct: (M,), 1 or 0
        problem: (M,), which of the P problems each completion belongs to
        counts: (B, P) of `resampled_counts`
    """
    ranks, correct, value = mid_ranks(score), correct.long(), auroc(score, correct)
    if min(value, 1 - value) < 1e-6:
        kinds = [set(problem[correct == kind].tolist()) for kind in (0, 1)]
        gap = exact_end(max(1, min(len(kinds[0]), len(kinds[1]), len(kinds[0] | kinds[1]) // 2)))
        return Interval(value, max(0.0, value - gap), min(1.0, value + gap))
    drawn = counts[:, problem].long()
    replicates = [auroc(ranks.repeat_interleave(each), correct.repeat_interleave(each)) for each in drawn]
    return percentile_interval(value, torch.tensor(replicates, dtype=torch.float64))


def rank_correlation(score: Tensor, value: Tensor) -> float:
    """Spearman's: Pearson's correlation of mid-ranks; nan if either is constant.

    Against a binary value it says nothing that AUROC does not: with c right of M and no ties in the score it is
    (2 AUROC - 1) sqrt(3 c (M - c) / (M^2 - 1)), at most 0.87 however well the score separates. It is right for two
    graded values, as a problem's mean score and the share of its samples that are right. (Kendall's tau-b has the same
    ceiling against a binary value, and takes a pass over all pairs. torchmetrics' own Spearman sums ranks in int32,
    which overflows past 65,535 ties.)

    Args:
        score: (M,)
        value: (M,)
    """
    if len(score) < 2 or score.min() == score.max() or value.min() == value.max():
        return float("nan")
    return pearson_corrcoef(mid_ranks(score), mid_ranks(value)).item()


def concordant_pairs(score: Tensor, correct: Tensor, problem: Tensor, problems: int) -> tuple[Tensor, Tensor]:
    """Pairs of a right and a wrong completion of one problem, and in how many the right one scores higher.

    Their ratio is an AUROC inside problems: what EM-RL sees, whose baseline compares the samples of one prompt.

    Returns:
        (higher (P,), pairs (P,)), float64; a tie counts half
    """
    higher = torch.zeros(problems, dtype=torch.float64)
    pairs = torch.zeros(problems, dtype=torch.float64)
    for index in range(problems):
        mine = problem == index
        right, wrong = score[mine & (correct == 1)], score[mine & (correct == 0)]
        gaps = right[:, None] - wrong[None, :]
        higher[index] = (gaps > 0).sum() + (gaps == 0).sum() / 2
        pairs[index] = gaps.numel()
    return higher, pairs


def equal_bins(values: Tensor, bins: int) -> Tensor:
    """Which of `bins` equally full bins each of (M,) values is in, lowest first; equal values share one."""
    return ((mid_ranks(values) - 0.5) * bins / len(values)).floor().long()
