"""One whole optimiser step of a config without its memory: shapes, dtypes, gradients and the peak of each phase."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jsonargparse import ArgumentParser, Namespace
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor
from torch.testing._internal.distributed.fake_pg import FakeStore

from emlit.modules import CausalLM
from emlit.parallel import Sharding
from emlit.plan.fake import materialise, without_memory
from emlit.plan.settings import RunSettings
from emlit.plan.step import made_up_batch, whole_step, without_trainer
from emlit.plan.tracking import PhasePeaks
from emlit.policy.loading import fsdp_units


@dataclass
class DryRun:
    """What one step has shown of one rank, with operations one by one as on a CPU.

    Attributes:
        parameters: that train, of the whole model
        seconds: it took here
        peaks: phase -> category -> bytes: weights (a reference policy's too), gradients, optimiser, other, total
        problems: sentences; none where each trained parameter has a gradient of its shape and dtype, and each frozen
            one has none
    """

    parameters: int = 0
    seconds: float = 0.0
    peaks: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def dry_run(
    model: Namespace,
    config: Any,
    settings: RunSettings,
    clip: float | None,
    as_on_cpu: bool = False,
) -> DryRun:
    """Take one step of `model`'s own objective on made-up completions, sharded as the run's are.

    It has one micro-batch; the optimiser's state, and the gradients of an earlier micro-batch where there are several,
    are there before it.

    Args:
        model: of the parsed arguments, class_path and init_args
        config: the transformers configuration
        settings: of the run; its micro-batch is taken as it is
        clip: trainer.gradient_clip_val
        as_on_cpu: with the head's tiles of a CPU
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        config.save_pretrained(directory)
        module = instantiate(model, directory)
        without_trainer(module, settings.micro_batches, settings.ranks, settings.autocast)
        with torch.device("meta"):
            module.configure_model()
    prompt = settings.row_tokens - settings.completion_tokens
    batch = made_up_batch(
        settings.rows, settings.samples, max(1, prompt), settings.completion_tokens, settings.micro_batches
    )
    # Found out by comparing numbers, which are not there.
    module.scorer._stops_at_hidden_states = module.scorer.backend != "logits"
    references = list(module._reference)
    found = DryRun(sum(p.numel() for p in module.parameters() if p.requires_grad))
    shapes = {parameter.shape for parameter in module.parameters()}
    with _ranks(settings.shards) as mesh, without_memory(settings.scored, as_on_cpu, shapes):
        for each in (module.model, *references):
            if mesh is not None:
                sharding = Sharding(mesh, torch.device("cpu"), settings.autocast)
                sharding.apply(each, fsdp_units(each), keep_root=each is module.model)
            materialise(each)
        optimizer = module.configure_optimizers()["optimizer"]
        _give_state(module, optimizer, keep_gradients=settings.micro_batches > 1)
        tracked = PhasePeaks(module, *references, optimizer=optimizer)
        untouched = {name: _state(p) for name, p in module.named_parameters()}

        @contextlib.contextmanager
        def in_phase(phase: str) -> Iterator[None]:
            with tracked(phase):
                yield
            if phase == "backward":  # clipping touches all of them
                found.problems = _gradients(module, untouched)

        whole_step(module, optimizer, batch, 1, clip, settings.autocast, in_phase=in_phase, from_zero=False)
    found.peaks = tracked.peaks
    found.seconds = time.perf_counter() - start
    return found


@contextlib.contextmanager
def _ranks(count: int) -> Iterator[DeviceMesh | None]:
    """A process group of so many ranks that sends nothing, this process its first; none for a single one."""
    if count == 1:
        yield None
        return
    torch.distributed.init_process_group("fake", rank=0, world_size=count, store=FakeStore())
    try:
        yield init_device_mesh("cpu", (count,))
    finally:
        torch.distributed.destroy_process_group()


def _give_state(module: torch.nn.Module, optimizer: torch.optim.Optimizer, keep_gradients: bool) -> None:
    """What the optimiser keeps from step to step."""
    for parameter in module.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    if not keep_gradients:
        optimizer.zero_grad()


def instantiate(model: Namespace, directory: str) -> Any:
    """The module, to be loaded from `directory`, and not compiled."""
    arguments = model.clone()
    arguments.init_args.pretrained = directory
    arguments.init_args.torch_compile = False
    if arguments.init_args.get("entropy_head") == "liger":  # kernels, which fake tensors cannot enter
        arguments.init_args.entropy_head = "torch"
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(CausalLM, "model")
    return parser.instantiate_classes(Namespace(model=arguments)).model


def _state(parameter: torch.nn.Parameter) -> tuple[int, int] | None:
    """What a gradient that is added to, or another one, is told by."""
    if parameter.grad is None:
        return None
    own = parameter.grad._local_tensor if isinstance(parameter.grad, DTensor) else parameter.grad
    return id(own), own._version


def _gradients(module: torch.nn.Module, untouched: dict[str, tuple[int, int] | None]) -> list[str]:
    problems = []
    for name, parameter in module.named_parameters():
        gradient = parameter.grad
        if not parameter.requires_grad:
            if gradient is not None:
                problems.append(f"{name} is frozen and has a gradient")
        elif gradient is None or _state(parameter) == untouched[name]:
            problems.append(f"{name} has no gradient")
        elif (gradient.shape, gradient.dtype) != (parameter.shape, parameter.dtype):
            problems.append(
                f"{name} is {tuple(parameter.shape)} of {parameter.dtype}, its gradient {tuple(gradient.shape)} of "
                f"{gradient.dtype}"
            )
    return problems
