"""README.md of an export: what the model is, how it was made, what was measured, what to beware of."""

import inspect
import os
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch

from emlit.report.page import MEASURED

PAPER = "https://arxiv.org/abs/2505.15134"


def model_card(
    pretrained: str,
    parts: Sequence[object],
    trained_on: str,
    steps: int,
    summary: Mapping[str, Any] | None = None,
    adapted: bool = False,
    settings: Mapping[str, object] | None = None,
) -> str:
    """The card as Markdown, with the fields that the hub reads in front.

    Args:
        pretrained: what the run began from: an id of the hub, or a path, of which the card keeps the last part
        parts: the objective and its plug-ins; the first sentence of each class's own documentation stands in the card
        trained_on: the prompts, in words
        steps: optimiser steps
        summary: the run's measurements, as in summary.json
        adapted: whether LoRA's adapters were trained and merged
        settings: the run's, by their keys in a config
    """
    from huggingface_hub import ModelCardData

    local = os.path.exists(pretrained)
    base = os.path.basename(os.path.normpath(pretrained)) if local else pretrained
    known = None if local or pretrained == "tiny" else base.partition(":")[0]
    tags = ["emlit", "entropy-minimization"]
    fields = ModelCardData(
        base_model=known, library_name="transformers", pipeline_tag="text-generation", tags=tags
    )  # fmt: skip
    methods = "\n".join(f"- `{type(part).__name__}`{_first_sentence(part)}" for part in parts)
    set_to = ", ".join(f"`{name}` {value}" for name, value in (settings or {}).items())
    set_to = f"Settings: {set_to}. " if settings else ""
    merged = " LoRA's adapters were trained, and are merged into the weights." if adapted else ""
    return f"""---
{fields.to_yaml()}
---

# {base}, after {steps} step{"s" * (steps != 1)} of {type(parts[0]).__name__}

Trained from {base} with emlit, entropy minimisation for language models ([arXiv 2505.15134]({PAPER})).{merged}

{methods}

Prompts: {trained_on}. {set_to}emlit {version("emlit")}, torch {torch.__version__}. The base model's licence and terms
go on to hold.

## Measured by the run itself

{_measured(summary)}

## Beware

Entropy minimisation sharpens what a model believes already; it teaches nothing new. Its probabilities say less about
being right than the base model's did, several samples differ less (pass@k may fall while pass@1 rises), and where the
base model was sure of something wrong, so is this one. {_guard(summary)}
"""


def _first_sentence(part: object) -> str:
    text = " ".join((inspect.getdoc(type(part)) or "").partition("\n\n")[0].split())
    ended = re.match(r".*?\.(?= [A-Z]|\Z)", text)  # but not at the dot of Sec. 3
    return f": {ended[0]}" if ended else ""


def _measured(summary: Mapping[str, Any] | None) -> str:
    if summary is None or not any(value is not None for value in summary["before"].values()):
        return "Nothing was measured."
    rows = [
        f"| {name} | {summary['before'][name]:.3f} | {summary['after'][name]:.3f} |"
        for name in MEASURED
        if summary["before"].get(name) is not None and summary["after"].get(name) is not None
    ]
    return "\n".join(["| | before | after |", "| --- | ---: | ---: |", *rows, "", f"Seed {summary['seed']}."])


def _guard(summary: Mapping[str, Any] | None) -> str:
    guard = (summary or {}).get("guard")
    if guard is None:
        return "No collapse guard watched the run."
    fired = sorted({each["signal"] for each in guard["fired"]})
    said = f"fired ({', '.join(fired)})" if fired else "saw nothing"
    return f"The collapse guard {said}, and would keep step {guard['kept_step']}."
