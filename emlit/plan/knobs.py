"""What could be set otherwise so that a run fits, and the smallest number of GPUs that it fits on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from emlit.errors import ConfigError
from emlit.plan.memory import MemoryPlan
from emlit.plan.settings import RunSettings

OVERLAY = "configs/trainer/fsdp.yaml"
PER_NODE = 8
GPU_COUNTS = (1, 2, 4, 8, 16, 32, 64)
# The memory of a command line with these words added. ConfigError where there is no such run.
Evaluate = Callable[[Sequence[str]], MemoryPlan]


@dataclass(frozen=True)
class Knob:
    """Words for the command line with which a run fits.

    Attributes:
        change: the words
        peak: bytes of one GPU with them
        costs: what they take in return
    """

    change: str
    peak: float
    costs: str


def knobs(settings: RunSettings, evaluate: Evaluate) -> list[Knob]:
    """The changes with which a run fits that does not, the cheapest in time first; together, if none does alone."""
    changes = list(_changes(settings))
    found = [each for words, costs in changes if (each := _tried([words], costs, evaluate))]
    every = [words for words, _ in changes if not words.startswith("--model.lora")]
    return found or [each for each in [_tried(every, "all of that", evaluate)] if each]


def _tried(changes: Sequence[str], costs: str, evaluate: Evaluate) -> Knob | None:
    words = " ".join(changes).split()
    try:
        memory = evaluate(words)
    except ConfigError:
        return None
    return Knob(" ".join(words), memory.peak, costs) if memory.fits else None


def _changes(settings: RunSettings) -> Iterator[tuple[str, str]]:
    engine = settings.engine
    if engine.utilization is not None and not engine.sleeps:
        yield "--data.engine VLLMEngine --data.engine.sleep true", "waking up, seconds a round"
    if settings.rows > settings.samples:
        yield "--data.micro_batch_prompts 1 --trainer.accumulate_grad_batches 1", "smaller products"
    if not settings.checkpointing:
        yield "--model.gradient_checkpointing true", "a third more computing"
    if not settings.adapters:
        yield "--model.lora.r 16", "adapters train, and not the whole model"
    if settings.sharded and not settings.cpu_offload:
        yield "--trainer.strategy.cpu_offload true", "an optimiser step on the host, weights over PCIe"


def fewest_gpus(evaluate: Evaluate) -> tuple[int, MemoryPlan] | None:
    """The smallest of GPU_COUNTS on which a run fits, several with the overlay for FSDP2; None where it is more."""
    for count in GPU_COUNTS:
        try:
            memory = evaluate(gpu_words(count))
        except ConfigError:  # such as too few prompts for so many
            continue
        if memory.fits:
            return count, memory
    return None


def gpu_words(count: int) -> list[str]:
    """The words that put a run on so many GPUs."""
    if count == 1:
        return ["--trainer.strategy=auto", "--trainer.devices=1", "--trainer.num_nodes=1"]
    nodes = max(1, count // PER_NODE)
    return [f"--config={OVERLAY}", f"--trainer.devices={count // nodes}", f"--trainer.num_nodes={nodes}"]
