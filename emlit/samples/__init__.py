"""A few completions of a run, token by token: what samples.jsonl holds and samples.html shows."""

from emlit.samples.page import PageInfo, render
from emlit.samples.sample import Sample, choose, sample_of
from emlit.samples.store import SampleStore

__all__ = ["PageInfo", "Sample", "SampleStore", "choose", "render", "sample_of"]
