"""The record's cells, runs and outcomes in words."""

import math
from collections.abc import Iterator
from typing import Any

from benchmarks.cells import CELLS
from benchmarks.cells.record import Cells
from benchmarks.method_cases import BRAKES, slug

MODELS = {
    "smollm2": ("SmolLM2 (Q4)", "SmolLM2-135M-Instruct (Q4_1)"),
    "gemma": ("Gemma-3-270M (Q4)", "Gemma-3-270M, base (Q4_K_M)"),
    "qwen-coder": ("Qwen2.5-Coder-0.5B (Q4)", "Qwen2.5-Coder-0.5B-Instruct (Q4_K_M)"),
}
NAMES = {"tiny-default-own": "the embedded reasoner, default", "tiny-hard-own": "the embedded reasoner, hard"}
DECODINGS = {
    "T=1": "T = 1", "greedy": "greedy", "T=0.3": "T = 0.3", "T=0.7": "T = 0.7", "T=1, min-p 0.1": "min-p 0.1",
    "adaptive temperature 0.5, T=1": "adaptive T", "EM-INF (released), T=1": "EM-INF, released",
    "EM-INF (paper), T=1": "EM-INF, paper", "self-consistency of 4, T=0.7": "votes of 4",
}  # fmt: skip
METHODS = {
    "em_ft": "EM-FT", "em_rl_token": "EM-RL-token", "em_rl_sequence": "EM-RL-sequence", "grpo": "GRPO, labelled",
}  # fmt: skip
USUAL_RATES = ("", "5e-5")  # of whole weights and of adapters; others are named


def effect(gain: dict[str, Any]) -> str:
    """In a word, by whether the interval of a difference holds 0; some are known by their word alone."""
    return gain.get("word") or ("helps" if gain["low"] > 0 else "hurts" if gain["high"] < 0 else "none shown")


def strong(outcome: str) -> str:
    return outcome if outcome == "none shown" else f"**{outcome}**"


def changed(first: dict[str, float], last: dict[str, float], problems: int) -> dict[str, float]:
    """pass@1 from one evaluation to another, as if of different problems, which is the wider interval."""
    before, after = first["pass@1"], last["pass@1"]
    wide = 1.96 * ((before * (1 - before) + after * (1 - after)) / problems) ** 0.5
    return {"low": after - before - wide, "high": after - before + wide}


def expected(cell: dict[str, Any]) -> bool:
    """Whether `validate` expects entropy minimisation to help."""
    return cell["verdict"]["level"] != "warning"


def expectation(cell: dict[str, Any]) -> str:
    sentence = cell["verdict"]["sentence"]
    known = (("cannot be told", "not told"), ("to hurt", "to hurt"), ("does not expect", "not to help"))
    found = next((short for part, short in known if part in sentence), "to help")
    return f"{found}, with reservations" if found == "to help" and "reservations" in sentence else found


def named(name: str, whole: bool = False) -> str:
    """A cell's model, task and form, in words."""
    cell = next((cell for cell in CELLS if cell.name == name), None)
    if cell is None:
        return NAMES[name]
    return f"{MODELS[cell.model][whole]}, {cell.task}, {cell.form.replace('_', ' ')}"


def by_format(plain: dict[str, Any], other: dict[str, Any]) -> float | None:
    """The share of a difference in pass@1 that is format; the rest is accuracy given format.

    Of the logarithm of their ratio, since pass@1 is the product of the two; None where one of them is 0.
    """
    parts = [other[name] / plain[name] if plain[name] else 0.0 for name in ("pass@1", "format_rate")]
    return math.log(parts[1]) / math.log(parts[0]) if all(part > 0 for part in parts) and parts[0] != 1 else None


def problems(name: str) -> int:
    return next(cell.problems for cell in CELLS if cell.name == name)


def braked(method: str, brake: str) -> str:
    """A method with a brake of benchmarks.method_cases, as a run's directory has it."""
    return f"{method}+{slug(brake).replace('-', '_')}"


def unbraked(method: str) -> str:
    return method.partition("+")[0]


def run_of(name: str) -> tuple[str, str, str]:
    """Method, learning rate and seed of a run's directory, such as em_ft-5e-5-0."""
    method, *rate, seed = name.split("-")
    return method, "-".join(rate), seed


def method_named(method: str) -> str:
    plain, brake = next(((m, b) for m in METHODS for b in BRAKES if braked(m, b) == method), (method, ""))
    return f"{METHODS[plain]}{f' ({brake})' if brake else ''}"


def run_named(name: str) -> str:
    method, rate, seed = run_of(name)
    rates = f", {rate}" if rate not in USUAL_RATES else ""
    return f"{method_named(method)}{rates}{f', seed {seed}' if seed != '0' else ''}"


def runs(cells: Cells) -> Iterator[tuple[str, str, list[dict[str, Any]], int | None]]:
    """Cell, run, curve and the guard's step, method by method."""
    for name, cell in cells.items():
        found = cell.get("trained", {})
        for run in sorted(found, key=lambda run: (list(METHODS).index(unbraked(run_of(run)[0])), run)):
            yield name, run, found[run]["curve"], found[run]["kept"]


def decoded(cells: Cells) -> dict[str, dict[str, Any]]:
    """The cells whose decodings were measured here, with the rows of each."""
    return {name: cell["decodings"] for name, cell in cells.items() if "T=1" in cell["decodings"]}
