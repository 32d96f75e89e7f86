"""The decodings inside vLLM, as a custom logits processor of both of its model runners.

Give vLLM this class by name, `--logits-processors emlit.decoding.vllm:EntropyDecoding`. Requests then ask for a
decoding with the flat keys of `emlit.decoding.requests`, through `SamplingParams.extra_args` or, over HTTP,
`vllm_xargs`; requests without them pass untouched. `--additional-config '{"emlit": {"em_inf": 1}}'` asks for every
request that does not say otherwise. docs/serving.md has examples.
"""

import logging
from typing import Any

import numpy as np
import torch
from torch import Tensor
from vllm import SamplingParams
from vllm.v1.sample.logits_processor.interface import BatchUpdate, MoveDirectionality
from vllm.v1.sample.logits_processor.interface import LogitsProcessor as RunnerV1
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsContext
from vllm.v1.worker.gpu.sample.logits_processor.interface import LogitsProcessor as RunnerV2

from emlit.decoding import Decoding, EntropyMinimization, adaptive_temperature
from emlit.decoding.adam import ROWS_AT_ONCE, RowParameters, descend
from emlit.decoding.requests import from_flat_keys, from_settings
from emlit.decoding.slots import COLUMNS, KINDS, Slots, send

log = logging.getLogger(__name__)

_GREEDY = 1e-5  # vLLM's: at a lower temperature it takes the most likely token


class EntropyDecoding(RunnerV1, RunnerV2):
    """EM-INF and adaptive temperature on raw logits, before vLLM's temperature and filters.

    Each request has its own parameters; all of one kind are worked on together. The host never waits for the device:
    parameters lie there by slot, and are sent when requests come and go.

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
        self.slots = Slots()  # by row (V1) or request slot (V2)
        self._slots_at_most = getattr(device_or_states, "max_num_reqs", 0)
        self._told = False
        if model := getattr(vllm_config, "model_config", None):
            self.warm_up(model.get_vocab_size(), getattr(device_or_states, "device", device_or_states))

    @property
    def decodings(self) -> dict[int, Decoding]:
        return self.slots.decodings

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
        for row in batch_update.removed:
            self.slots.put(row, None)
        for row, params, _, _ in batch_update.added:
            self.add_request(row, params)
        for source, target, direction in batch_update.moved:
            moved, displaced = self.decodings.get(source), self.decodings.get(target)
            self.slots.put(target, moved)
            self.slots.put(source, displaced if direction == MoveDirectionality.SWAP else None)

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """V2: a request enters a slot (V1 calls it for rows). False where its logits will not be changed."""
        decoding = from_flat_keys(sampling_params.extra_args, self.default)
        if decoding is not None and sampling_params.temperature < _GREEDY:
            if not self._told:
                log.warning("greedy requests skip decodings: they take the most likely token")
            self._told, decoding = True, None
        self.slots.put(req_idx, decoding)
        return decoding is not None

    def apply(self, logits: Tensor, ctx: LogitsContext | None = None) -> Tensor:
        if not self.decodings:
            return logits
        for kind in KINDS:
            if slots := self.slots.of(kind):
                self._apply(kind, slots, logits, ctx)
        for decoding in self.slots.own():
            self._apply_own(decoding, logits, ctx)
        return logits

    def _apply_own(self, decoding: Decoding, logits: Tensor, ctx: LogitsContext | None) -> None:
        """Change the rows of the slots with a decoding that has no table, such as a user's own; it is given a copy."""
        slots = [slot for slot, each in self.decodings.items() if each == decoding]
        of_rows = _slots_of(logits, ctx)
        if of_rows is None:
            assert ctx is not None
            mine = torch.zeros(self._slots_at_most, 1, dtype=torch.bool)
            mine[slots] = True
            chosen = send(mine, logits.device)[ctx.expanded_idx_mapping]
            logits.copy_(torch.where(chosen, decoding(logits.clone()).to(logits.dtype), logits))
        elif len(found := np.flatnonzero(np.isin(of_rows, slots))):
            rows = send(torch.from_numpy(found), logits.device)
            logits[rows] = decoding(logits[rows]).to(logits.dtype)

    def _apply(self, kind: type[Decoding], slots: list[int], logits: Tensor, ctx: LogitsContext | None) -> None:
        """Change the rows of some slots, in place."""
        of_rows = _slots_of(logits, ctx)
        if of_rows is None:  # all are worked on; the parameters of slots without a decoding leave them as they are
            assert ctx is not None
            table = self.slots.table(kind, self._slots_at_most, logits.device)
            self._change(kind, slots, logits, table[ctx.expanded_idx_mapping])
            return
        found = np.flatnonzero(np.isin(of_rows, slots))
        if not len(found):
            return
        table = self.slots.table(kind, int(of_rows.max()) + 1, logits.device)
        values = table[send(torch.from_numpy(of_rows[found].astype(np.int64)), logits.device)]
        if len(found) == len(logits):
            self._change(kind, slots, logits, values)
            return
        rows = send(torch.from_numpy(found), logits.device)
        for start in range(0, len(rows), ROWS_AT_ONCE):  # not all at once: these are copies
            where = rows[start : start + ROWS_AT_ONCE]
            block = logits[where]
            self._change(kind, slots, block, values[start : start + ROWS_AT_ONCE])
            logits[where] = block

    def _change(self, kind: type[Decoding], slots: list[int], rows: Tensor, values: Tensor) -> None:
        # Contiguous, each of them: compiled code is of one stride.
        columns = dict(zip(COLUMNS[kind], values.to(rows.dtype).T.contiguous().unsqueeze(2), strict=True))
        if kind is EntropyMinimization:
            most = max(int(vars(self.decodings[slot])["steps"]) for slot in slots)
            descend(rows, RowParameters(**columns), most)
        else:
            rows.div_(adaptive_temperature(rows, **columns).unsqueeze(1))

    @torch.inference_mode()  # as at every step: compiled code is of one mode
    def warm_up(self, vocabulary: int, device: torch.device) -> None:
        """Compile for one row and for several, so that no request waits for it."""
        slots, self.slots = self.slots, Slots()
        for count in (1, 2):
            for kind in KINDS:
                for slot in range(count):
                    self.slots.put(slot, kind())
                self.apply(torch.zeros(count, vocabulary, dtype=torch.float32, device=device))
        self.slots = slots


def _slots_of(logits: Tensor, ctx: LogitsContext | None) -> np.ndarray | None:
    """The slot of each row; None with speculative decoding: a request has several rows, and the device knows which."""
    slots = np.arange(len(logits)) if ctx is None else getattr(ctx, "idx_mapping_np", None)
    return slots if slots is not None and len(slots) == len(logits) else None
