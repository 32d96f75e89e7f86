"""Bytes on one GPU in each phase of a round: what the dry run has shown, and what it cannot show."""

from collections.abc import Sequence
from dataclasses import dataclass

from emlit.plan.dry_run import DryRun
from emlit.plan.engine import engine_lacks, engine_terms
from emlit.plan.gpus import GIB, Gpu
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape
from emlit.plan.terms import PHASES, TRAINING, Term

# Assumed: the CUDA context with its libraries, and what the caching allocator cannot hand out again.
CONTEXT = 1.0 * GIB
FRAGMENTATION = 0.05
# With cpu_offload these wait in the host's memory; each as it is in one of the phases.
HOST = {"weights": "forward", "gradients": "optimiser step", "optimiser": "forward"}


@dataclass(frozen=True)
class MemoryPlan:
    """Attributes:
    terms: on one GPU
    host: on one node's host, name -> bytes
    gpu: what they must fit into
    engine_lacks: bytes that a colocated engine's share lacks for its weights and one row of KV cache
    """

    terms: Sequence[Term]
    host: dict[str, float]
    gpu: Gpu
    engine_lacks: float = 0.0

    def total(self, phase: str) -> float:
        return sum(term.at(phase) for term in self.terms)

    @property
    def peak_phase(self) -> str:
        return max(PHASES, key=self.total)

    @property
    def peak(self) -> float:
        return self.total(self.peak_phase)

    @property
    def fits(self) -> bool:
        return self.peak <= self.gpu.memory and self.engine_lacks <= 0


def plan_memory(shape: ModelShape, settings: RunSettings, gpu: Gpu, found: DryRun) -> MemoryPlan:
    """Every term of one rank's memory; the longest micro-batch is assumed to be full."""
    terms = [*_states(settings, found), *_beside(shape, settings, gpu, found), *engine_terms(shape, settings, gpu)]
    if not gpu.on_cpu:
        largest = max(sum(t.at(phase) for t in terms if not t.name.startswith("engine")) for phase in PHASES)
        reserve = CONTEXT + FRAGMENTATION * largest
        terms.append(Term("CUDA context, fragmentation", dict.fromkeys(PHASES, reserve), "1 GiB + 5%; assumed"))
    host = {}
    if settings.cpu_offload:
        per_node = settings.ranks / settings.nodes
        host = {name: per_node * found.peaks[phase][name] for name, phase in HOST.items()}
    terms = [term for term in terms if any(term.size.values())]
    return MemoryPlan(terms, host, gpu, engine_lacks(shape, settings, gpu))


def _in_passing(found: DryRun, phase: str) -> float:
    """Bytes beside what is kept; what the optimiser takes for a while is counted as its state there."""
    size = found.peaks[phase]
    return size["total"] - size["weights"] - size["gradients"] - found.peaks["forward"]["optimiser"]


def _states(settings: RunSettings, found: DryRun) -> list[Term]:
    """Weights, gradients and the optimiser's state as each rank keeps them, and what a step takes beside them."""
    kept = found.peaks["forward"]
    passing = {phase: _in_passing(found, phase) for phase in found.peaks}
    beside = Term(
        "activations, head, in passing", passing, "gathered layers and what the optimiser takes for a while, too"
    )
    if settings.cpu_offload:
        return [beside]
    gradients = {phase: found.peaks[phase]["gradients"] for phase in TRAINING}
    return [
        Term("weights, reference policy's too", dict.fromkeys(PHASES, kept["weights"]), "as they are kept"),
        Term("gradients", gradients, "they end with the optimiser step"),
        Term("optimiser", dict.fromkeys(PHASES, kept["optimiser"]), "its state"),
        beside,
    ]


def _beside(shape: ModelShape, settings: RunSettings, gpu: Gpu, found: DryRun) -> list[Term]:
    """What GPUs and several processes add to the operations of one step."""
    terms = [
        Term(
            "one whole tensor",
            {"weight sync": shape.largest * (settings.pushed_bytes + 2)},
            f"({settings.pushed_bytes} + 2) x {shape.largest:,}: gathered, and the engine's own",
        )
    ]
    if settings.ranks > settings.shards == 1:
        terms.append(Term("DDP's buckets", dict.fromkeys(PHASES, 4 * found.parameters), f"4 x {found.parameters:,}"))
    if gpu.on_cpu:
        return terms
    if not (settings.cpu_offload or settings.fused):
        roots = max(0.0, 4 * found.parameters / settings.shards - _in_passing(found, "optimiser step"))
        terms.append(Term("optimiser, temporary", {"optimiser step": roots}, "AdamW's roots of all moments at once"))
    if settings.sharded:
        ahead = settings.compute_bytes * shape.layer_parameters
        terms.append(Term("the next layer, gathered", dict.fromkeys(("forward", "backward"), ahead), "fetched ahead"))
    return terms
