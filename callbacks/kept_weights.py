"""The weights of the step that a guard keeps."""

from pathlib import Path

from emlit.callbacks.run_checkpoint import RunCheckpoint
from emlit.modules import CausalLM
from emlit.parallel import gathered, is_sharded, take_over
from emlit.resilience import checkpoint_files
from emlit.resilience.files import delete, replacing
from emlit.resilience.marks import foreign
from emlit.rollout.trainer import Trainer


def path(trainer: Trainer, step: int) -> Path:
    """Where those of a step are kept."""
    return RunCheckpoint.path(trainer).with_name(f"kept-{step}.pt")


def save(trainer: Trainer, module: CausalLM, step: int, also: int) -> None:
    """Keep the weights as they are now; every process must call it.

    Args:
        step: which they are of
        also: the kept step of the last checkpoint, from which a run that is killed now resumes; those of other steps
            are deleted
    """
    first = trainer.is_global_zero  # by every process gathered, by this one kept
    kept = module.kept(module.state_dict()).items()
    whole = ((name, gathered(tensor, module.device)) for name, tensor in kept)
    state = {name: tensor.cpu() if is_sharded(module.model) else tensor for name, tensor in whole if first}
    if not first:
        return
    target = path(trainer, step)
    with replacing(target, "checkpoints before it are kept") as scratch:
        checkpoint_files.write(state, scratch)
    for old in target.parent.glob("kept-*.pt"):
        if old not in (target, path(trainer, also)) and foreign(old) is None:
            delete(old)


def take(trainer: Trainer, module: CausalLM, step: int) -> None:
    """Give the module the weights of a step; every process must call it."""
    trainer.strategy.barrier()
    kept = checkpoint_files.read(path(trainer, step), "the kept step", mmap=True)
    take_over(kept, module)
