"""Tiles of the logits z = softcap(h W^T + b) / T: some tokens x some of the vocabulary."""

from dataclasses import dataclass

import torch
from torch import Tensor

from emlit.functional.tile_kernels import at_targets, tile_gradient

# On a CPU a tile and its exponential should stay in the cache; a GPU wants enough of it to fill the device.
_TILE_ELEMENTS_CPU, _TILE_ELEMENTS_GPU = 2**20, 2**25
_CHUNK_SIZE = 2048


@dataclass(frozen=True)
class HeadOptions:
    """How hidden states become the logits that tokens are drawn from, beside weight and bias.

    Attributes:
        temperature: a number, or (M) or (M, 1)
        softcap: logits are softcap * tanh(logits / softcap) before temperature; None is off
        chunk_size: tokens a tile; None leaves the choice
        operand_dtype: what matrix products are taken in; their sums are float32, or float64 for float64 operands
    """

    temperature: float | Tensor
    softcap: float | None
    chunk_size: int | None
    operand_dtype: torch.dtype


def operand_dtype(hidden: Tensor, weight: Tensor) -> torch.dtype:
    """What a linear layer would multiply; on a CPU at least float32: exact, and faster without bfloat16 units."""
    device = hidden.device.type
    if device != "cpu" and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    dtype = torch.promote_types(hidden.dtype, weight.dtype)
    return torch.promote_types(dtype, torch.float32) if device == "cpu" else dtype


def _slices(length: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


class LogitTiles:
    """Computes tiles of the logits of M tokens, and their gradients.

    Args:
        hidden: (M, D)
        weight: (V, D)
        bias: (V) or None
        targets: (M), int64
        options: the rest
        chunk_size: tokens a tile where the options leave the choice
        min_columns: the least of the vocabulary in a tile

    Attributes:
        dtype: of logits and sums: float64 for float64 operands, float32 otherwise
        rows: slices of the tokens
        columns: slices of the vocabulary
    """

    def __init__(
        self,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        options: HeadOptions,
        chunk_size: int = _CHUNK_SIZE,
        min_columns: int = 256,
    ) -> None:
        self.dtype = torch.promote_types(options.operand_dtype, torch.float32)
        self.hidden, self.targets = hidden.to(options.operand_dtype), targets
        self.whole_weight, self.bias, self.softcap = weight, bias, options.softcap
        self._on_gpu = hidden.is_cuda
        if self._on_gpu:  # once a call, not once for each tile: 2 bytes a weight for as long as this lives
            self.whole_weight = weight.to(options.operand_dtype)
        rows = max(1, min(len(hidden), options.chunk_size or chunk_size))
        budget = _TILE_ELEMENTS_GPU if hidden.is_cuda else _TILE_ELEMENTS_CPU
        columns = min(len(weight), max(min_columns, budget // rows))
        self.rows, self.columns = _slices(len(hidden), rows), _slices(len(weight), columns)
        self._cast: tuple[slice | None, Tensor] = None, weight[:0]
        # Not as_tensor, which would copy a number to a GPU and wait for it.
        temperature = (
            options.temperature.to(hidden.device, self.dtype)
            if isinstance(options.temperature, Tensor)
            else hidden.new_full((), options.temperature, dtype=self.dtype)
        )
        self.scale = temperature.reciprocal().reshape(-1, 1).expand(len(hidden), 1)
        self._tempered = isinstance(options.temperature, Tensor) or options.temperature != 1

    def weight(self, columns: slice) -> Tensor:
        """Some rows of W, as operands."""
        if self._on_gpu:
            return self.whole_weight[columns]
        if self._cast[0] != columns:
            self._cast = columns, self.whole_weight[columns].to(self.hidden.dtype)
        return self._cast[1]

    def multiply(self, left: Tensor, right: Tensor) -> Tensor:
        """left @ right, in `dtype`."""
        return left @ right if left.dtype == self.dtype else torch.mm(left, right, out_dtype=self.dtype)

    def logits(self, rows: slice, columns: slice) -> Tensor:
        """z of some tokens and some of the vocabulary."""
        z = self.multiply(self.hidden[rows], self.weight(columns).t())
        if self.bias is not None:
            z.add_(self.bias[columns])
        if self.softcap:
            z.div_(self.softcap).tanh_().mul_(self.softcap)
        return z.mul_(self.scale[rows]) if self._tempered else z

    def gradient(
        self,
        z: Tensor,
        rows: slice,
        columns: slice,
        lse: Tensor,
        entropy: Tensor,
        g_logprob: Tensor | None,
        g_entropy: Tensor | None,
    ) -> Tensor:
        """The gradient of sum(g_l log p_y + g_H H) with respect to h W^T + b, in the memory of z.

        Args:
            z: a tile from `logits`
            rows: its tokens
            columns: its part of the vocabulary
            lse: (M, 1), log sum exp z of every token
            entropy: (M, 1)
            g_logprob: (M, 1), or None for 0
            g_entropy: (M, 1), or None for 0
        """
        index, inside = at_targets(self.targets[rows], columns.start, columns.stop)
        g_logprob, g_entropy = (g if g is None else g[rows] for g in (g_logprob, g_entropy))
        scale, impossible = self.scale[rows], self.bias is not None
        return tile_gradient(
            z, index, inside, lse[rows], entropy[rows], g_logprob, g_entropy, scale, self.softcap, impossible
        )

    def backpropagate(
        self,
        dz: Tensor,
        rows: slice,
        columns: slice,
        d_hidden: Tensor | None,
        d_weight: Tensor | None,
        d_bias: Tensor | None,
    ) -> None:
        """Add a tile's share to the gradients of its tokens (R, D) and of its part of W (C, D) and b (C)."""
        if d_bias is not None:
            d_bias += dz.sum(dim=0)
        dz = dz.to(self.hidden.dtype)
        for total, left, right in (
            (d_hidden, dz, self.weight(columns)),
            (d_weight, dz.t(), self.hidden[rows]),
        ):
            if total is None:
                continue
            if total.dtype == dz.dtype:
                total.addmm_(left, right)
            else:  # summed as it is multiplied: a product of its own would be written, read and added
                torch.addmm(total, left, right, out_dtype=total.dtype, out=total)
