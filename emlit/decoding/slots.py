"""The decodings of an engine's requests, by slot, as a table on its device."""

from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from emlit.decoding import AdaptiveTemperature, Decoding, EntropyMinimization

KINDS: tuple[type[Decoding], ...] = (EntropyMinimization, AdaptiveTemperature)
COLUMNS = {kind: [field.name for field in fields(kind)] for kind in KINDS}
# What leaves a row as it is: no step, no cooling.
_NEUTRAL = {"threshold": np.inf, "kl_weight": 0.0, "learning_rate": 0.0, "steps": 0.0, "ratio": 1.0}


class Slots:
    """Which decoding each slot has; the parameters of a slot without one leave logits as they are."""

    def __init__(self) -> None:
        self.decodings: dict[int, Decoding] = {}
        self._values = {kind: _neutral(kind, 8) for kind in KINDS}
        self._sent: dict[type[Decoding], Tensor] = {}

    def put(self, slot: int, decoding: Decoding | None) -> None:
        """The slot's decoding from now on; None for none."""
        if decoding is None and slot not in self.decodings:
            return
        self._sent = {}
        for kind, values in self._values.items():
            if slot >= len(values):
                values = np.concatenate([values, _neutral(kind, max(slot + 1, len(values)))])
                self._values[kind] = values
            values[slot] = _row(kind, decoding if isinstance(decoding, kind) else None)
        self.decodings.pop(slot, None)
        if decoding is not None:
            self.decodings[slot] = decoding

    def of(self, kind: type[Decoding]) -> list[int]:
        """The slots with a decoding of this kind."""
        return [slot for slot, decoding in self.decodings.items() if isinstance(decoding, kind)]

    def own(self) -> set[Decoding]:
        """The different decodings of other kinds, users' own among them."""
        return {decoding for decoding in self.decodings.values() if not isinstance(decoding, KINDS)}

    def table(self, kind: type[Decoding], slots: int, device: torch.device) -> Tensor:
        """(slots or more, columns): sent when it has changed, and never waited for."""
        if len(self._values[kind]) < slots:
            grown = [self._values[kind], _neutral(kind, slots - len(self._values[kind]))]
            self._values[kind] = np.concatenate(grown)
            self._sent.pop(kind, None)
        if kind not in self._sent:
            self._sent[kind] = send(torch.from_numpy(self._values[kind].copy()), device)
        return self._sent[kind]


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """To the device, without waiting for it."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def _row(kind: type[Decoding], decoding: Decoding | None) -> list[float]:
    return [_NEUTRAL[name] if decoding is None else float(getattr(decoding, name)) for name in COLUMNS[kind]]


def _neutral(kind: type[Decoding], slots: int) -> np.ndarray:
    return np.tile(np.array(_row(kind, None), dtype=np.float32), (slots, 1))
