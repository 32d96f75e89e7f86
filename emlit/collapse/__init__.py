"""Is a model collapsing? Signals of a probe that need no label, and what they are judged by."""

from emlit.collapse.history import History
from emlit.collapse.judgement import Finding, Limits, decide, judge, judge_start, score
from emlit.collapse.probe import Probe, labelled_prompts
from emlit.collapse.signals import Answered, Signals, compression, distinct, is_contested, measure, votes
from emlit.collapse.size import ProbeSize, probe_size

__all__ = [
    "Answered", "Finding", "History", "Limits", "Probe", "ProbeSize", "Signals", "compression", "decide", "distinct",
    "is_contested", "judge", "judge_start", "labelled_prompts", "measure", "probe_size", "score", "votes",
]  # fmt: skip
