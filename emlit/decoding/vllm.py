"""The decodings inside vLLM, as a custom logits processor of both of its model runners.

Give vLLM this class by name, `--logits-processors emlit.decoding.vllm:EntropyDecoding`. Requests then ask for a
decoding with the flat keys of `emlit.decoding.requests`, through `SamplingParams.extra_args` or, over HTTP,
`vllm_xargs`; requests without them pass untouched. `--additional-config '{"emlit": {"em_inf": 1}}'` asks for every
request that does not say otherwise. docs/serving.md has examples.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from vllm import SamplingParams
from vllm.v1.sample.logits_processor.interface import BatchUpdate, MoveDirectionality
from vllm.v1.sample.logits_processor.interface import LogitsProcessor as RunnerV1
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsContext
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsProcessor as RunnerV2

from emlit.decoding import AdaptiveTemperature, Decoding, EntropyMinimization, adaptive_temperature
from emlit.decoding.adam import RowParameters, descend
from emlit.decoding.requests import from_flat_keys, from_settings

log = logging.getLogger(__name__)

_GREEDY = 1e-5  # vLLM's: at a lower temperature it takes the most likely token


class Work(NamedTuple):
    """The rows of a batch that share a kind of decoding.

    Attributes:
        rows: a slice where they are consecutive, else their indices on the device
        change: what is done to their logits (R, V), in place
    """

    rows: slice | Tensor
    change: Callable[[Tensor], None]


def _cool(rows: Tensor, ratio: Tensor, threshold: Tensor) -> None:
    rows.div_(adaptive_temperature(rows, ratio, threshold).unsqueeze(1))


class EntropyDecoding(RunnerV1, RunnerV2):
    """EM-INF and adaptive temperature on raw logits, before vLLM's temperature and filters.

    Each request has its own parameters; all of one kind are worked on together. What a step needs on the device is sent
    there, without waiting, when the batch changes.

    Raises:
        ValueError: `additional_config["emlit"]` asks for something wrong
    """

    def __init__(self, vllm_config: Any, device_or_states: Any, is_pin_memory: bool | None = None) -> None:
        settings = getattr(vllm_config, "additional_config", None)
        settings = settings if isinstance(settings, dict) else {}
        try:
            self.default = from_settings(settings["emlit"]) if "emlit" in settings else None
        except ValueError as error:
            raise ValueError(f"emlit in additional_config: {error}") from None
        self.decodings: dict[int, Decoding] = {}  # by row (V1) or request slot (V2)
        self._planned: tuple[list[int] | range, list[Work]] | None = None
        self._told = False

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        from_flat_keys(sampling_params.extra_args)

    def is_argmax_invariant(self) -> bool:
        # It is, but vLLM would then run it after temperature.
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """V1: follow the rows of the persistent batch."""
        if batch_update is None:
            return
        self._planned = None
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
        """V2: a request enters a slot (V1 calls it for rows). False where its logits will not be changed."""
        self._planned = None
        self.decodings.pop(req_idx, None)
        decoding = from_flat_keys(sampling_params.extra_args, self.default)
        if decoding is not None and sampling_params.temperature < _GREEDY:
            if not self._told:
                log.warning(
                    "the most likely token stays so under EM-INF and adaptive temperature: greedy requests skip them"
                )
            self._told, decoding = True, None
        if decoding is not None:
            self.decodings[req_idx] = decoding
        return decoding is not None

    def apply(self, logits: Tensor, ctx: LogitsContext | None = None) -> Tensor:
        if not self.decodings:
            return logits
        slots: list[int] | range = range(len(logits))
        if ctx is not None:
            # With speculative decoding a request has several rows, and only the device knows which.
            on_host = getattr(ctx, "idx_mapping_np", None)
            if on_host is None or len(on_host) != len(logits):
                on_host = ctx.expanded_idx_mapping
            slots = on_host.tolist()
        if self._planned is None or self._planned[0] != slots:
            self._planned = slots, self._plan(slots, logits.device)
        for work in self._planned[1]:
            rows = logits[work.rows]
            work.change(rows)
            if isinstance(work.rows, Tensor):
                logits[work.rows] = rows
        return logits

    def _plan(self, slots: Sequence[int], device: torch.device) -> list[Work]:
        def send(tensor: Tensor) -> Tensor:
            """To the device, without waiting for it."""
            return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor

        plan = []
        for kind in (EntropyMinimization, AdaptiveTemperature):
            rows = [row for row, slot in enumerate(slots) if isinstance(self.decodings.get(slot), kind)]
            if not rows:
                continue
            asked = [self.decodings[slots[row]] for row in rows]
            values = {
                field.name: [float(getattr(decoding, field.name)) for decoding in asked] for field in fields(kind)
            }
            parameters = {name: send(torch.tensor(value)) for name, value in values.items()}
            if kind is EntropyMinimization:
                columns = RowParameters(**{name: value.unsqueeze(1) for name, value in parameters.items()})
                change = partial(descend, parameters=columns, max_steps=int(max(values["steps"])))
            else:
                change = partial(_cool, **parameters)
            consecutive = rows[-1] - rows[0] + 1 == len(rows)
            where = slice(rows[0], rows[-1] + 1) if consecutive else send(torch.tensor(rows))
            plan.append(Work(where, change))
        return plan
