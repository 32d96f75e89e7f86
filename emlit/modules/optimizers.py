"""From `model.optimizer`, a class path and its settings, to the optimiser of a model's parameters."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from emlit.errors import ConfigError, first_line

_MANY = 2**24  # the step of fewer takes no time that counts


def make_optimizer(
    make: Callable[..., Optimizer] | None,
    parameters: Sequence[nn.Parameter],
    learning_rate: float,
    weight_decay: float,
    fused: bool = False,
) -> Optimizer:
    """The optimiser of `parameters`, with the rate and the decay of model.learning_rate and model.weight_decay.

    Args:
        make: a class, or what the command line or a caller has bound settings to; AdamW where None
        parameters: that train
        learning_rate: given to it where it takes an `lr`
        weight_decay: given to it where it takes one
        fused: AdamW in one kernel, without temporaries; for gradients that no scaler has scaled

    Raises:
        ConfigError: it refuses the parameters, has a rate of its own, or no weight decay though one is set
    """
    if fused and make is None:
        made = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True)
        made._step_supports_amp_scaling = False  # type: ignore[attr-defined]  # else Lightning does not clip for it
        return made
    make = make or torch.optim.AdamW
    kind, known = _described(make)
    for name, value, key in (
        ("lr", learning_rate, "learning_rate"),
        ("weight_decay", weight_decay, "weight_decay"),
    ):
        bound = getattr(make, "keywords", {}).get(name, value)
        if bound not in (value, _default(kind, name)):
            raise ConfigError(
                f"model.optimizer.{name} is {bound}, beside model.{key}; leave it out and set model.{key}"
            )
    if weight_decay and "weight_decay" not in known:
        raise ConfigError(f"model.weight_decay is {weight_decay}, but {kind.__name__} has none; set it to 0")
    wanted: dict[str, Any] = {"lr": learning_rate, "weight_decay": weight_decay}
    try:
        return make(parameters, **{name: wanted[name] for name in wanted if name in known})
    except (ValueError, TypeError) as error:
        way = "; with --model.lora.r 16 all that trains is a matrix" if kind.__name__ == "Muon" else ""
        raise ConfigError(
            f"model.optimizer is {kind.__name__}, which refuses the model: {first_line(error)}{way}"
        ) from error


def fusable(parameters: Sequence[nn.Parameter]) -> bool:
    """Whether AdamW takes a step of these in one kernel: on a GPU, and whole ones on a CPU where there are many."""
    if all(each.is_cuda for each in parameters):
        return True
    whole = all(each.device.type == "cpu" and not isinstance(each, DTensor) for each in parameters)
    return whole and sum(each.numel() for each in parameters) >= _MANY


def _described(make: Any) -> tuple[Any, set[str]]:
    """The class that a maker makes, or itself where that is not known, and the names of the arguments that it takes."""
    if isinstance(make, functools.partial):  # as jsonargparse binds all of a class's arguments
        return next((each for each in (make.func, *make.args) if isinstance(each, type)), make.func), set(make.keywords)
    return make, set(inspect.signature(make).parameters)


def _default(kind: Any, name: str) -> Any:
    parameter = inspect.signature(kind).parameters.get(name)
    return None if parameter is None else parameter.default
