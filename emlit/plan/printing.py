"""A plan as tables."""

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from emlit.plan.gpus import GIB
from emlit.plan.knobs import Knob
from emlit.plan.memory import MemoryPlan
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape
from emlit.plan.terms import PHASES
from emlit.plan.work import Assumptions, Part, hours

if TYPE_CHECKING:
    from emlit.plan.dry_run import DryRun


def gib(size: float) -> str:
    return f"{size / GIB:.2f}" if size else "-"


def print_plan(
    console: Console,
    shape: ModelShape,
    settings: RunSettings,
    memory: MemoryPlan,
    parts: list[Part],
    found: list[Knob],
    assumed: Assumptions,
) -> None:
    """Memory, verdict, what to change, time and what was assumed."""
    per_node = settings.ranks // settings.nodes
    console.print(
        f"{settings.objective} on {shape.name}: {shape.parameters:,} parameters; {settings.nodes} x {per_node} "
        f"{memory.gpu.name}, weights in {settings.shards} shards, computing in {settings.compute}"
    )
    console.print(
        f"{settings.micro_batches} micro-batches a step of {settings.rows} rows of at most {settings.row_tokens:,} "
        f"tokens ({settings.completion_tokens:,} of them sampled) on each GPU\n"
    )
    table = Table(title="GiB on one GPU")
    table.add_column("")
    for phase in PHASES:
        table.add_column(phase, justify="right", overflow="fold")
    table.add_column("bytes", overflow="fold")
    for term in memory.terms:
        table.add_row(term.name, *(gib(term.at(phase)) for phase in PHASES), term.formula)
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
    _print_knobs(console, found)
    _print_time(console, settings, parts, assumed)


def _print_knobs(console: Console, found: list[Knob]) -> None:
    if not found:
        return
    table = Table(title="what else could be set, the cheapest first")
    for name in ("", "saves, GiB", "fits", "costs"):
        table.add_column(name, justify="right" if name == "saves, GiB" else "left")
    for knob in found:
        table.add_row(knob.change, gib(knob.saves), "yes" if knob.fits else "no", knob.costs)
    console.print(table)


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


def print_dry_run(console: Console, done: "DryRun", planned: MemoryPlan) -> None:
    """What the step has shown, beside the plan of the same: one process with whole weights, on a CPU."""
    console.print(
        f"\ndry run: {done.parameters:,} parameters took one step of one micro-batch at full size, "
        f"{done.seconds:.0f} s here"
    )
    table = Table(title="GiB of a single process with whole weights, computing as on a CPU")
    for name in ("", "dry run", "planned", "planned / dry run"):
        table.add_column(name, justify="right" if name else "left")
    for phase, sizes in done.peaks.items():
        total = max(planned.total(each) for each in PHASES if phase in each)
        table.add_row(phase, gib(sizes["total"]), gib(total), f"{total / sizes['total']:.2f}")
    console.print(table)
    for problem in done.problems or [
        "every gradient and both of AdamW's moments have their parameter's shape and dtype"
    ]:
        console.print(problem)


def as_dict(memory: MemoryPlan, parts: list[Part], found: list[Knob], settings: RunSettings) -> dict[str, Any]:
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
        "knobs": [vars(knob) for knob in found],
        "step": {part.name: {"flops": part.flops, "wire": part.wire, "seconds": part.seconds} for part in parts},
        "hours": hours(parts, settings),
    }
