"""Where a step's memory goes: its tensors, by what they are."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.distributed._tools.mem_tracker import MemTracker

# MemTracker's categories under the plan's words.
_CATEGORIES = {"Parameter": "weights", "Gradient": "gradients", "Optstate": "optimiser"}


class _WholeStep(MemTracker):
    """Without statistics of single modules, for which it refuses a module that is called more than once."""

    def _pre_fw_hook(self, module: torch.nn.Module, inputs: Any) -> None: ...

    def _post_fw_hook(self, module: torch.nn.Module, inputs: Any, outputs: Any) -> None: ...

    def _pre_bw_hook(self, module: torch.nn.Module, args: Any) -> None: ...

    def _post_bw_hook(self, module: torch.nn.Module, args: Any) -> None: ...


class PhasePeaks:
    """The largest sum of tensors alive in each phase of a step, by category, from torch's own tracker.

    It sees tensors as they leave operations, real or fake, and not what an operation takes and returns inside.

    Args:
        modules: whose parameters are weights, and whose parameters' gradients are gradients
        optimizer: whose state is the optimiser's

    Attributes:
        peaks: phase -> category -> bytes, with the sum as "total"
    """

    def __init__(self, *modules: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.tracker, self.modules = _WholeStep(), modules
        self.tracker.track_external(*modules, optimizer)
        self.peaks: dict[str, dict[str, int]] = {}

    @contextlib.contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        with self.tracker:
            for module in self.modules:
                if any(parameter.requires_grad for parameter in module.parameters()):
                    self._track_gradients(module)
            yield
        for snapshot in self.tracker.get_tracker_snapshot("peak").values():
            found = {"weights": 0, "gradients": 0, "optimiser": 0, "other": 0}
            for kind, size in snapshot.items():
                name = str(getattr(kind, "value", kind))
                if name != "Total":
                    found[_CATEGORIES.get(name, "other")] += size
            found["total"] = snapshot["Total"]
            if found["total"] > self.peaks.get(phase, {"total": 0})["total"]:
                self.peaks[phase] = found

    def _track_gradients(self, module: torch.nn.Module) -> None:
        trained = torch.nn.ParameterList(p for p in module.parameters() if p.requires_grad)
        self.tracker._track_module_params_and_buffers(trained, install_grad_hooks=True)
