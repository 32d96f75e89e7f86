"""One whole optimiser step of a config at full size, without its memory: shapes, dtypes, gradients and a peak."""

import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from jsonargparse import ArgumentParser, Namespace

from emlit.modules import CausalLM
from emlit.plan.fake import materialise, without_memory
from emlit.plan.settings import Compute, RunSettings
from emlit.plan.step import made_up_batch, whole_step, without_trainer
from emlit.plan.tracking import PhasePeaks


@dataclass
class DryRun:
    """What one step at full size has shown.

    Attributes:
        parameters: that train
        seconds: it took here
        compute: how it computed: without sharding, float32 weights are cast by autocast
        peaks: phase -> category -> bytes, of a rank that holds whole weights and computes as a CPU does
        problems: sentences; none where each trained parameter has a gradient of its shape and dtype, each frozen one
            has none, and the optimiser's moments have their parameter's shape and dtype
    """

    parameters: int = 0
    seconds: float = 0.0
    compute: Compute = "float32"
    peaks: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def dry_run(model: Namespace, config: Any, settings: RunSettings, clip: float | None) -> DryRun:
    """Take one step of `model`'s own objective on made-up completions.

    It has one micro-batch, and is followed by a second for the peaks, in which AdamW's moments and the gradients of an
    earlier micro-batch are there.

    Args:
        model: of the parsed arguments, class_path and init_args
        config: the transformers configuration
        settings: of the run; its micro-batch is taken as it is
        clip: trainer.gradient_clip_val
    """
    start = time.perf_counter()
    autocast = None if settings.compute == "float32" else torch.bfloat16
    with tempfile.TemporaryDirectory() as directory:
        config.save_pretrained(directory)
        module = instantiate(model, directory)
        without_trainer(module, settings.micro_batches, settings.ranks, autocast)
        with torch.device("meta"):
            module.configure_model()
    prompt = settings.row_tokens - settings.completion_tokens
    batch = made_up_batch(
        settings.rows, settings.samples, max(1, prompt), settings.completion_tokens, settings.micro_batches
    )
    # Found out by comparing numbers, which are not there.
    module.scorer._stops_at_hidden_states = module.scorer.backend != "logits"
    references = list(getattr(module, "_reference", ()))
    with without_memory(settings.scored):
        for each in (module.model, *references):
            materialise(each)
        optimizer = module.configure_optimizers()["optimizer"]
        whole_step(module, optimizer, batch, 1, clip, autocast)
        found = DryRun()
        found.problems = [*_gradients(module), *_moments(module, optimizer)]
        tracked = PhasePeaks(module, *references, optimizer=optimizer)
        whole_step(module, optimizer, batch, 1, clip, autocast, in_phase=tracked, from_zero=False)
    found.parameters = sum(p.numel() for p in module.parameters() if p.requires_grad)
    found.peaks = tracked.peaks
    if autocast is not None:
        found.compute = "mixed" if settings.weight_bytes == 4 else "bfloat16"
    found.seconds = time.perf_counter() - start
    return found


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


def _gradients(module: torch.nn.Module) -> list[str]:
    problems = []
    for name, parameter in module.named_parameters():
        gradient = parameter.grad
        if not parameter.requires_grad:
            if gradient is not None:
                problems.append(f"{name} is frozen and has a gradient")
        elif gradient is None:
            problems.append(f"{name} has no gradient")
        elif (gradient.shape, gradient.dtype) != (parameter.shape, parameter.dtype):
            problems.append(
                f"{name} is {tuple(parameter.shape)} of {parameter.dtype}, its gradient {tuple(gradient.shape)} of "
                f"{gradient.dtype}"
            )
    return problems


def _moments(module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    problems = []
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        state = optimizer.state.get(parameter, {})
        for moment in ("exp_avg", "exp_avg_sq"):
            value = state.get(moment)
            if value is None:
                problems.append(f"{name} has no {moment}")
            elif (value.shape, value.dtype) != (parameter.shape, parameter.dtype):
                problems.append(f"{name} is {parameter.dtype}, its {moment} {tuple(value.shape)} of {value.dtype}")
    return problems
