"""The decodings inside vLLM, as a custom logits processor of both of its model runners.

A request asks for one through `SamplingParams.extra_args` (`vllm_xargs` over HTTP), with flat keys: `em_inf` set to 1
for EM-INF, or `adaptive_temperature` set to 1; and any of PARAMETERS below. Requests without them pass untouched.
Give vLLM this class by name: `logits_processors=["emlit.decoding.vllm:EntropyDecoding"]`.
"""

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor
from vllm import SamplingParams
from vllm.v1.sample.logits_processor.interface import BatchUpdate, MoveDirectionality
from vllm.v1.sample.logits_processor.interface import LogitsProcessor as RunnerV1
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsContext
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsProcessor as RunnerV2

from emlit.decoding import AdaptiveTemperature, Decoding, EntropyMinimization

DECODINGS: dict[str, type[Decoding]] = {"em_inf": EntropyMinimization, "adaptive_temperature": AdaptiveTemperature}
PARAMETERS = {f"{prefix}_{field.name}": prefix for prefix, cls in DECODINGS.items() for field in fields(cls)}


def to_extra_args(decoding: Decoding | None) -> dict[str, Any] | None:
    """The flat keys that ask for `decoding`."""
    if decoding is None:
        return None
    prefix = next(prefix for prefix, cls in DECODINGS.items() if isinstance(decoding, cls))
    return {prefix: 1, **{f"{prefix}_{field.name}": getattr(decoding, field.name) for field in fields(decoding)}}


def from_extra_args(extra_args: dict[str, Any] | None) -> Decoding | None:
    """The decoding that flat keys ask for; other keys are other people's.

    Raises:
        ValueError: a misspelt key, a value of the wrong kind or range, both decodings at once
    """
    arguments = extra_args or {}
    for key in arguments:
        ours = any(key.startswith(f"{prefix}_") for prefix in DECODINGS)
        if ours and key not in PARAMETERS:
            raise ValueError(f"{key} is no parameter of emlit; the parameters are {', '.join(PARAMETERS)}")
    asked = [prefix for prefix in DECODINGS if arguments.get(prefix)]
    if not asked:
        return None
    if len(asked) > 1:
        raise ValueError("em_inf and adaptive_temperature are both set; a request takes one of them")
    cls, prefix = DECODINGS[asked[0]], asked[0]
    values: dict[str, Any] = {}
    for field in fields(cls):
        value = arguments.get(f"{prefix}_{field.name}")
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or (field.type is int and value != int(value)):
            raise ValueError(f"{prefix}_{field.name} is {value!r}; it must be a number")
        values[field.name] = int(value) if field.type is int else float(value)
    return cls(**values)


class EntropyDecoding(RunnerV1, RunnerV2):
    """EM-INF and adaptive temperature on raw logits, before vLLM's temperature and filters."""

    def __init__(self, vllm_config: Any, device_or_states: Any, is_pin_memory: bool | None = None) -> None:
        self.decodings: dict[int, Decoding] = {}  # by row (V1) or request slot (V2)

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        from_extra_args(sampling_params.extra_args)

    def is_argmax_invariant(self) -> bool:
        # EM-INF is, but vLLM would then run it after temperature.
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """V1: follow the rows of the persistent batch."""
        if batch_update is None:
            return
        for row in batch_update.removed:
            self.decodings.pop(row, None)
        for row, params, _, _ in batch_update.added:
            self.add_request(row, params)
        for source, target, direction in batch_update.moved:
            moved, displaced = self.decodings.pop(source, None), self.decodings.pop(target, None)
            if moved is not None:
                self.decodings[target] = moved
            if displaced is not None and direction == MoveDirectionality.SWAP:
                self.decodings[source] = displaced

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """V2: a request enters a slot (V1 calls it for rows)."""
        self.decodings.pop(req_idx, None)
        decoding = from_extra_args(sampling_params.extra_args)
        if decoding is not None:
            self.decodings[req_idx] = decoding
        return decoding is not None

    def apply(self, logits: Tensor, ctx: LogitsContext | None = None) -> Tensor:
        if not self.decodings:
            return logits
        slots = range(len(logits)) if ctx is None else ctx.expanded_idx_mapping.tolist()
        rows_of: dict[Decoding, list[int]] = {}
        for row, slot in enumerate(slots):
            if slot in self.decodings:
                rows_of.setdefault(self.decodings[slot], []).append(row)
        for decoding, rows in rows_of.items():
            index = torch.tensor(rows, device=logits.device)
            logits[index] = decoding(logits[index])
        return logits
