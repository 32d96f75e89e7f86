"""From token ids to log-probabilities and entropies: a model's body, then its head over the scored tokens alone."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from emlit.errors import ConfigError
from emlit.functional import FusedStats, ScoredTokens
from emlit.functional.reduction import flat_positions
from emlit.parallel import is_sharded, within_forward
from emlit.policy.packing import Packed, agrees, fits

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

EntropyHead = Literal["torch", "liger", "logits"]
T = TypeVar("T")

_LEAST_SAVED = 256  # tokens; fewer are not worth a second pass
_LEAST_SAVED_A_ROW = 8  # by packing, whose attention is called once for each
# Hidden size; a narrower model saves little by packing, and its runs stay the same to the last digit on any number of
# processes, some of which would pack and others not.
_LEAST_WIDTH = 256


class Scorer:
    """Scores the completions of batches with models of one architecture.

    With a backend other than "logits" a model's forward pass stops at its hidden states, and the head is applied to the
    scored tokens in tiles. That this gives the model's own logits is tried once, on a few tokens, and a model that
    does something else with its hidden states (scales its logits, say) is scored from whole logits.

    Args:
        backend: "torch"; "liger" for Liger's kernels on a GPU; "logits" for the model's own logits, all at once

    Attributes:
        sharing: whether a prefix of several rows is forwarded once; found out where None
        packing: whether rows are forwarded without their padding; found out where None

    Raises:
        ConfigError: "liger" without liger-kernel
    """

    def __init__(self, backend: EntropyHead) -> None:
        self._fused: FusedStats | None = None
        if backend == "liger":
            from emlit.policy.liger import check_installed, liger_token_stats

            check_installed()
            self._fused = liger_token_stats
        self.backend = backend
        self._stops_at_hidden_states: bool | None = None
        self.sharing: bool | None = None
        self.packing: bool | None = None

    def __call__(
        self,
        model: "PreTrainedModel",
        tokens: Tensor,
        scored: Tensor,
        compute: Callable[[ScoredTokens], T],
        shared: int = 0,
    ) -> T:
        """One forward pass, and what `compute` makes of it while the head of a sharded model is whole.

        Args:
            model: a causal language model, with or without adapters
            tokens: (B, T), padded to the right if at all: nothing attends to what follows it, so that no mask is
                needed, and attention without one is cheaper. Without a row the pass is made all the same, as the other
                processes of a sharded model wait for it.
            scored: (B, T), bool, never true in the first column; or, so that nobody waits for a GPU, where it is
                true as `flat_positions` has it, (M,), int64
            compute: returns tensors, alone or in tuples
            shared: so many tokens are the same in all rows, and none that is scored follows one of them but the last;
                they are forwarded once, and backward too, where that is exact
        """
        positions = flat_positions(scored) if scored.dtype == torch.bool else scored
        if not len(tokens):
            tokens = tokens.new_zeros(1, 2)
        # The distribution that produced token t is that of the logits at t - 1.
        before, targets = positions - 1, tokens.flatten().index_select(0, positions)
        inputs = {"input_ids": tokens, "use_cache": False}
        # A pass that is made again takes no cache, and knows nothing of what was packed.
        recomputes = torch.is_grad_enabled() and getattr(unwrapped(model), "is_gradient_checkpointing", False)
        if shared * (len(tokens) - 1) < _LEAST_SAVED or recomputes or not self.shares_prefixes(model):
            shared = 0
        if not self.stops_at_hidden_states(model, tokens.device):
            with _one_sequence_a_row():
                logits = model(**inputs).logits
            return compute(ScoredTokens(targets, logits.flatten(0, 1).index_select(0, before)))

        packed = None if recomputes else self.pack(model, tokens, positions, shared)

        def pass_through() -> T:
            with _one_sequence_a_row():
                if packed is not None:
                    states = packed.states(body(model)).index_select(0, packed.before)
                else:
                    whole = _behind_prefix(model, tokens, shared) if shared else body(model)(**inputs).last_hidden_state
                    states = whole.flatten(0, 1).index_select(0, before)
            head = model.get_output_embeddings()
            return compute(ScoredTokens(targets, states, head.weight, head.bias, _softcap(model), self._fused))

        return within_forward(model, pass_through)

    def stops_at_hidden_states(self, model: "PreTrainedModel", device: torch.device | None = None) -> bool:
        """Whether `model` is scored from its hidden states; found out once, on `device`, and logged where not."""
        if self._stops_at_hidden_states is None:
            reason = None if self.backend == "logits" else self._hindrance(model, device)
            if reason is not None:
                log.warning("%s: tokens are scored from whole logits, which costs memory", reason)
            self._stops_at_hidden_states = self.backend != "logits" and reason is None
        return self._stops_at_hidden_states

    @torch.no_grad()
    def shares_prefixes(self, model: "PreTrainedModel") -> bool:
        """Whether a prefix of several rows may be forwarded once: on a CPU, if a few tokens show it; found out once."""
        if self.sharing is None:
            self.sharing = model.device.type == "cpu" and not is_sharded(model) and _caches_agree(model)
        return self.sharing

    def pack(self, model: "PreTrainedModel", tokens: Tensor, positions: Tensor, shared: int) -> Packed | None:
        """The rows without padding, where that is fewer tokens to read and exact; on a CPU."""
        if not self.packs(model) or not len(positions):
            return None
        packed = Packed.of(tokens, positions)
        saved = tokens.numel() - shared * (len(tokens) - 1) - packed.tokens.numel()
        pays = saved >= max(_LEAST_SAVED, _LEAST_SAVED_A_ROW * len(tokens))
        return packed if pays and fits(model, packed) else None

    def packs(self, model: "PreTrainedModel") -> bool:
        """Whether rows may be forwarded without padding: on a CPU, if a few tokens show it; found out once."""
        if self.packing is None:
            wide = getattr(model.config.get_text_config(), "hidden_size", 0) >= _LEAST_WIDTH
            plain = wide and model.device.type == "cpu" and not is_sharded(model) and not _is_compiled(model)
            self.packing = plain and agrees(body(model), unwrapped(model))
        return self.packing

    def _hindrance(self, model: "PreTrainedModel", device: torch.device | None) -> str | None:
        name, head = type(model).__name__, model.get_output_embeddings()
        if head is None:
            return f"{name} has no lm_head"
        plain = isinstance(head.weight, DTensor) or type(head.weight) is torch.nn.Parameter
        if type(head) is not torch.nn.Linear or not plain or head._forward_hooks:
            return f"the lm_head of {name} is more than a torch.nn.Linear ({type(head).__name__})"
        if self.backend == "liger" and (head.bias is not None or _softcap(model)):
            raise ConfigError(
                f"entropy_head is liger, which knows no bias and no softcap, but {name} has one; set torch"
            )
        if not _heads_agree(model, head, device or head.weight.device):
            return f"the logits of {name} are not its lm_head's"
        return None


@contextlib.contextmanager
def _one_sequence_a_row() -> Iterator[None]:
    """Within it transformers need not ask the device, in each pass, whether rows are several sequences packed."""
    from transformers import masking_utils

    found = masking_utils.find_packed_sequence_indices
    masking_utils.find_packed_sequence_indices = lambda position_ids: None
    try:
        yield
    finally:
        masking_utils.find_packed_sequence_indices = found


def _behind_prefix(model: "PreTrainedModel", tokens: Tensor, shared: int) -> Tensor:
    """Hidden states (B, T, D) of rows whose first tokens are the same, for which they are 0."""
    from transformers import DynamicCache

    cache = DynamicCache(config=unwrapped(model).config.get_text_config())
    body(model)(input_ids=tokens[:1, :shared], past_key_values=cache, use_cache=True)
    cache.batch_repeat_interleave(len(tokens))
    states = body(model)(input_ids=tokens[:, shared:], past_key_values=cache, use_cache=True).last_hidden_state
    return torch.nn.functional.pad(states, (0, 0, shared, 0))


def _caches_agree(model: "PreTrainedModel") -> bool:
    """Whether hidden states behind a prefix that is forwarded once are those of whole rows, on a few tokens."""
    vocabulary = unwrapped(model).config.get_text_config().vocab_size
    tokens = torch.tensor([[1, 2, 3, 4, 5], [1, 2, 3, 6, 7]], device=model.device) % vocabulary
    try:
        whole = body(model)(input_ids=tokens, use_cache=False).last_hidden_state[:, 3:].float()
        behind = _behind_prefix(model, tokens, 3)[:, 3:].float()
    except Exception:  # a body that knows no such cache
        return False
    return bool((whole - behind).norm() <= 1e-4 * whole.norm())


def unwrapped(model: Any) -> Any:
    """The Hugging Face model inside an adapter, adapters included."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _is_compiled(model: "PreTrainedModel") -> bool:
    return any(getattr(each, "_compiled_call_impl", None) is not None for each in model.modules())


def body(model: "PreTrainedModel") -> torch.nn.Module:
    """What turns token ids into hidden states: the model without its head."""
    return unwrapped(model).base_model


def _softcap(model: "PreTrainedModel") -> float | None:
    config = model.config.get_text_config()
    return getattr(config, "final_logit_softcapping", None) or getattr(config, "logits_soft_cap", None)


@torch.no_grad()
def _heads_agree(model: "PreTrainedModel", head: torch.nn.Linear, device: torch.device) -> bool:
    """Whether softcap(W h + b) of the body's last hidden states are the model's logits, on a few tokens."""
    inner = body(model)
    if inner is unwrapped(model):
        return False
    tokens = torch.arange(min(8, head.out_features), device=device).unsqueeze(0)

    def own_logits() -> Tensor | None:
        states = getattr(inner(input_ids=tokens, use_cache=False), "last_hidden_state", None)
        if states is None or states.shape[-1] != head.in_features:
            return None
        logits = torch.nn.functional.linear(states, head.weight.to(states.dtype), head.bias)
        softcap = _softcap(model)
        return softcap * torch.tanh(logits / softcap) if softcap else logits

    training = [module for module in model.modules() if module.training]
    model.eval()  # an adapter's dropout would make the two differ
    with torch.random.fork_rng(devices=[]), torch.autocast(device.type, enabled=False):
        try:
            logits = model(input_ids=tokens, use_cache=False).logits
            own = within_forward(model, own_logits)
        except RuntimeError:  # of dtypes that only autocast reconciles
            return False
        finally:
            for module in training:
                module.training = True
    if own is None or logits.shape != own.shape:
        return False
    # In bfloat16 both are rounded, but from the same numbers.
    return bool((own.float() - logits.float()).norm() <= 2e-3 * logits.float().norm())
