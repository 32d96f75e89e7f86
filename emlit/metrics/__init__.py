"""What is measured of answered prompts: torchmetrics, and the statistics that they rest on."""

from emlit.metrics.answer_table import Answers, AnswerTable
from emlit.metrics.bootstrap import Interval, interval_of_ratio, percentile_interval, resampled_counts
from emlit.metrics.completions import CompletionMetrics
from emlit.metrics.confidence import auroc, auroc_interval, concordant_pairs, equal_bins, rank_correlation
from emlit.metrics.pass_at_k import pass_at_k, powers_up_to
from emlit.metrics.rates import rates
from emlit.metrics.shares import paired_interval, share_interval
from emlit.metrics.truncation import truncation_sentence
from emlit.metrics.votes import majority_share

__all__ = [
    "AnswerTable", "Answers", "CompletionMetrics", "Interval", "auroc", "auroc_interval", "concordant_pairs",
    "equal_bins", "interval_of_ratio", "majority_share", "paired_interval", "pass_at_k", "percentile_interval",
    "powers_up_to", "rank_correlation", "rates", "resampled_counts", "share_interval", "truncation_sentence",
]  # fmt: skip
