"""A plan as tables."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from emlit.plan.dry_run import DryRun
from emlit.plan.gpus import GIB
from emlit.plan.knobs import GPU_COUNTS, Knob, gpu_words
from emlit.plan.memory import MemoryPlan
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape
from emlit.plan.terms import PHASES
from emlit.plan.work import Assumptions, Part, hours


@dataclass(frozen=True)
class Advice:
    """What to set so that a run fits, and the smallest number of GPUs that it fits on, with its memory."""

    knobs: list[Knob]
    fewest: tuple[int, MemoryPlan] | None


def gib(size: float) -> str:
    return f"{size / GIB:.2f}" if size else "-"


def print_plan(
    console: Console,
    shape: ModelShape,
    settings: RunSettings,
    memory: MemoryPlan,
    parts: list[Part],
    advice: Advice,
    assumed: Assumptions,
    found: DryRun,
) -> None:
    """Memory, verdict, what to change, time and what was assumed."""
    per_node = settings.ranks // settings.nodes
    console.print(
        f"{settings.objective} on {shape.name}: {shape.parameters:,} parameters; {settings.nodes} x {per_node} "
        f"{memory.gpu.name}, weights in {settings.shards} shards; {found.parameters:,} of them train"
    )
    console.print(
        f"{settings.micro_batches} micro-batches a step of {settings.rows} rows of at most {settings.row_tokens:,} "
        f"tokens ({settings.completion_tokens:,} of them sampled) on each GPU\n"
    )
    table = Table(title="GiB on one GPU")
    table.add_column("")
    for phase in PHASES:
        table.add_column(phase, justify="right", overflow="fold")
    table.add_column("", overflow="fold")
    for term in memory.terms:
        table.add_row(term.name, *(gib(term.at(phase)) for phase in PHASES), term.how)
    table.add_section()
    table.add_row("total", *(gib(memory.total(phase)) for phase in PHASES), f"GPU: {gib(memory.gpu.memory)}")
    console.print(table)
    for name, size in memory.host.items():
        console.print(f"on each node's host: {name} {gib(size)} GiB")
    verdict = "fits" if memory.fits else "does not fit"
    reason = (
        f": the peak of {gib(memory.peak)} GiB is in the phase '{memory.peak_phase}'; "
        f"{memory.gpu.name} has {gib(memory.gpu.memory)} GiB"
    )
    console.print(Text.assemble("\n", (verdict, "bold"), reason))
    if memory.engine_lacks > 0:
        console.print(f"the engine's share lacks {gib(memory.engine_lacks)} GiB for its weights and one row's KV cache")
    _print_advice(console, advice, memory.gpu.name)
    for problem in found.problems:
        console.print(problem)
    _print_time(console, settings, parts, assumed)


def _print_advice(console: Console, advice: Advice, gpu: str) -> None:
    if advice.knobs:
        table = Table(title="with which it fits, the cheapest first")
        for name in ("", "peak, GiB", "costs"):
            table.add_column(name, justify="right" if name == "peak, GiB" else "left")
        for knob in advice.knobs:
            table.add_row(knob.change, gib(knob.peak), knob.costs)
        console.print(table)
    if advice.fewest is None:
        console.print(f"with these settings it fits on no number of {gpu} up to {GPU_COUNTS[-1]}")
    else:
        count, memory = advice.fewest
        words = "" if count == 1 else f" ({' '.join(gpu_words(count))})"
        console.print(f"the smallest number of {gpu} that it fits on: {count}, {gib(memory.peak)} GiB each{words}")


def _print_time(console: Console, settings: RunSettings, parts: list[Part], assumed: Assumptions) -> None:
    table = Table(title="one optimiser step of one GPU")
    for name in ("", "PFLOP", "GB sent", "seconds", "from"):
        table.add_column(name, justify="left" if name in ("", "from") else "right")
    for part in parts:
        table.add_row(part.name, f"{part.flops / 1e15:.2f}", f"{part.wire / 1e9:.1f}", f"{part.seconds:.1f}", part.how)
    table.add_section()
    total = [sum(getattr(part, name) for part in parts) for name in ("flops", "wire", "seconds")]
    table.add_row("total", f"{total[0] / 1e15:.2f}", f"{total[1] / 1e9:.1f}", f"{total[2]:.1f}", "")
    console.print(table)
    whole = hours(parts, settings)
    if whole is not None:
        console.print(f"{settings.steps} steps: {whole:.1f} hours, evaluation and checkpoints not counted")
    console.print(
        f"assumed: {settings.prompt_mean:,.0f} tokens a prompt and {settings.completion_mean:,.0f} a completion on "
        f"average (--prompt_tokens, --completion_tokens); {assumed.mfu:.0%} of the GPU's rate in training (--mfu), "
        f"{assumed.prefill:.0%} in prefill; {assumed.memory:.0%} of its memory's bandwidth in decoding, "
        f"{assumed.network:.0%} of its links'; collectives run beside computing"
    )


def as_dict(
    memory: MemoryPlan, parts: list[Part], advice: Advice, settings: RunSettings, found: DryRun
) -> dict[str, Any]:
    """For --json; bytes and seconds."""
    return {
        "terms": {term.name: {phase: term.at(phase) for phase in PHASES} for term in memory.terms},
        "totals": {phase: memory.total(phase) for phase in PHASES},
        "host": memory.host,
        "peak": memory.peak,
        "peak_phase": memory.peak_phase,
        "gpu_memory": memory.gpu.memory,
        "engine_lacks": max(0.0, memory.engine_lacks),
        "fits": memory.fits,
        "knobs": [vars(knob) for knob in advice.knobs],
        "fewest_gpus": None if advice.fewest is None else advice.fewest[0],
        "dry_run": vars(found),
        "step": {part.name: {"flops": part.flops, "wire": part.wire, "seconds": part.seconds} for part in parts},
        "hours": hours(parts, settings),
    }
