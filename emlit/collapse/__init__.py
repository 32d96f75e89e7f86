"""Is a model collapsing? Signals of a probe that need no label, and what they are judged by."""

from emlit.collapse.judgement import Finding, Limits, decide, judge, judge_start, score
from emlit.collapse.probe import Probe
from emlit.collapse.signals import Answered, Signals, compression, distinct, is_contested, measure, votes

__all__ = [
    "Answered",
    "Finding",
    "Limits",
    "Probe",
    "Signals",
    "compression",
    "decide",
    "distinct",
    "is_contested",
    "judge",
    "judge_start",
    "measure",
    "score",
    "votes",
]
