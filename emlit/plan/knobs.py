"""What could be set otherwise, and what of the peak it would save."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from emlit.plan.gpus import Gpu
from emlit.plan.memory import plan_memory
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape


@dataclass(frozen=True)
class Knob:
    """A change of config and its worth.

    Attributes:
        change: keys and values, as on the command line
        saves: bytes of the peak
        fits: whether the run fits with it
        costs: what it takes in return
    """

    change: str
    saves: float
    fits: bool
    costs: str


def knobs(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> list[Knob]:
    """Changes that lower the peak, the cheapest in time first."""
    now = plan_memory(shape, settings, gpu)
    found = []
    for change, other, costs in _changes(shape, settings):
        then = plan_memory(shape, other, gpu)
        saved = now.peak - then.peak
        if saved > 0.001 * now.peak or (then.fits and not now.fits):
            found.append(Knob(change, saved, then.fits, costs))
    return found


def _changes(shape: ModelShape, settings: RunSettings) -> Iterator[tuple[str, RunSettings, str]]:
    engine = settings.engine
    if engine.utilization is not None and not engine.sleeps:
        yield "--data.engine.sleep true", replace(settings, engine=replace(engine, sleeps=True)), "waking up, seconds"
    if settings.head == "logits":
        yield "--model.entropy_head torch", replace(settings, head="tiles"), "nothing"
    groups = settings.rows // settings.samples
    if groups > 1:
        parts = settings.micro_batches * groups
        yield (
            "--data.micro_batch_prompts 1",
            replace(settings, rows=settings.samples, micro_batches=parts),
            "smaller products",
        )
    if not settings.checkpointing:
        yield "--model.gradient_checkpointing true", replace(settings, checkpointing=True), "a third more computing"
    if settings.ranks > 1 and not settings.sharded:
        yield (
            "--config configs/trainer/fsdp.yaml",
            _sharded(settings, settings.ranks),
            "collectives for each layer",
        )
    if engine.utilization is not None:
        lower = max(0.1, engine.utilization - 0.1)
        yield (
            f"--data.engine.gpu_memory_utilization {lower:.2f}",
            replace(settings, engine=replace(engine, utilization=lower)),
            "fewer rows sampled together",
        )
    if settings.reference == "copy":
        yield "--model.kl_weight 0", replace(settings, reference="none"), "another objective"
    if settings.sharded and not settings.cpu_offload:
        yield (
            "--trainer.strategy.cpu_offload true",
            replace(settings, cpu_offload=True),
            "an optimiser step on the host, weights over PCIe",
        )
    yield (
        f"twice the GPUs ({2 * settings.ranks})",
        replace(
            _sharded(settings, 2 * settings.ranks),
            ranks=2 * settings.ranks,
            micro_batches=max(1, settings.micro_batches // 2),
        ),
        "money",
    )


def _sharded(settings: RunSettings, shards: int) -> RunSettings:
    """What autocast casts of whole weights is gathered in that dtype, and a reference model kept in it."""
    if settings.compute != "mixed":
        return replace(settings, shards=shards)
    return replace(settings, shards=shards, compute="bfloat16", reference_bytes=2)
