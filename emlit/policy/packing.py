"""Rows of uneven lengths, forwarded end to end as one, without padding."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAME = "emlit_packed"
_lengths: ContextVar[list[int]] = ContextVar("lengths")
# What an attention may be told beside queries, keys and values: none of it chooses what is attended to, but the window.
_KNOWN = {"scaling", "dropout", "is_causal", "sliding_window", "position_ids", "use_cache", "output_attentions"}
# Of models that attend to a choice of what is before a token, from some length on.
_SPARSE = ("index_topk", "index_topk_blocks", "keep_window_size")


class Packed(NamedTuple):
    """Sequences end to end.

    Attributes:
        tokens: (1, N)
        places: (1, N), each token's position in its own sequence
        before: (M,), where among the N the distribution of each scored token is
        lengths: of the sequences; their sum is N
    """

    tokens: Tensor
    places: Tensor
    before: Tensor
    lengths: list[int]

    @classmethod
    def of(cls, tokens: Tensor, positions: Tensor) -> "Packed":
        """Each row up to its last scored token, which itself is not read.

        Args:
            tokens: (B, T)
            positions: (M,), int64, of scored tokens, counted along the rows; none is first in its row
        """
        rows, columns = positions // tokens.shape[1], positions % tokens.shape[1]
        lengths = columns.new_zeros(len(tokens)).scatter_reduce(0, rows, columns, "amax")
        every = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        read = every < lengths.unsqueeze(1)
        before = (lengths.cumsum(0) - lengths)[rows] + columns - 1
        return cls(tokens[read].unsqueeze(0), every[read].unsqueeze(0), before, [n for n in lengths.tolist() if n])

    def states(self, body: Any) -> Tensor:
        """The hidden states (N, D) of a model without its head."""
        with _attention_apart(body.config, self.lengths):
            found: Tensor = body(input_ids=self.tokens, position_ids=self.places, use_cache=False).last_hidden_state
        return found[0]


def fits(model: "PreTrainedModel", packed: Packed) -> bool:
    """Whether no sequence is longer than a window beyond which the model attends to less."""
    config = model.config.get_text_config()
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    return all(window is None or max(packed.lengths) <= window for window in windows)


@torch.no_grad()
def agrees(body: Any, model: "PreTrainedModel") -> bool:
    """Whether packed sequences have the hidden states of rows of their own, on a few tokens."""
    config = model.config.get_text_config()
    sparse = any(getattr(config, name, None) is not None for name in _SPARSE)
    if config._attn_implementation != "sdpa" or body is model or sparse:
        return False
    tokens = torch.tensor([[1, 2, 3, 4, 5], [3, 1, 6, 0, 0]], device=model.device) % config.vocab_size
    try:
        whole = body(input_ids=tokens, use_cache=False).last_hidden_state
        packed = Packed.of(tokens, torch.tensor([4, 8], device=model.device))
        found = packed.states(body)
    except Exception:  # a body that knows no such attention
        return False
    expected = torch.cat([whole[0, :4], whole[1, :3]]).float()
    return bool((found.float() - expected).norm() <= 1e-4 * expected.norm())


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **more: Any
) -> tuple[Tensor, None]:
    """Each sequence by itself."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    unknown = {name for name, given in more.items() if given is not None} - _KNOWN
    if mask is not None or unknown:
        raise NotImplementedError(f"an attention with a mask or {unknown}")
    parts = (each.split(_lengths.get(), dim=2) for each in (query, key, value))
    found = [sdpa_attention_forward(module, q, k, v, None, **more)[0] for q, k, v in zip(*parts, strict=True)]
    return torch.cat(found, dim=1), None


@contextlib.contextmanager
def _attention_apart(config: Any, lengths: list[int]) -> Iterator[None]:
    """Within it no sequence attends to another."""
    from transformers import AttentionInterface

    AttentionInterface.register(_NAME, _attention)
    # Not by the property, which would set it for encoders of images too, and for good.
    configs = {id(each): each for each in (config, config.get_text_config())}.values()
    before = [each._attn_implementation_internal for each in configs]
    token = _lengths.set(lengths)
    for each in configs:
        each._attn_implementation_internal = _NAME
    try:
        yield
    finally:
        for each, name in zip(configs, before, strict=True):
            each._attn_implementation_internal = name
        _lengths.reset(token)
