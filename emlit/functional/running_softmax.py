"""Normaliser, entropy and target log-probability of distributions whose logits come in tiles."""

import torch
from torch import Tensor

from emlit.functional.tile_kernels import at_targets, running_sums
from emlit.functional.tiles import LogitTiles


class RunningSoftmax:
    """Takes every tile of some tokens once, in any order.

    With m the largest logit so far it keeps s = sum e^(z - m) and t = sum e^(z - m) (z - m), whence
    log sum exp z = m + log s and H = log s - t / s: two terms that are never negative, so that nothing cancels.

    Args:
        tiles: where they come from
    """

    def __init__(self, tiles: LogitTiles) -> None:
        self.tiles = tiles
        shape = len(tiles.targets), 1
        self.largest = tiles.hidden.new_full(shape, torch.finfo(tiles.dtype).min, dtype=tiles.dtype)
        self.s, self.t = torch.zeros_like(self.largest), torch.zeros_like(self.largest)
        self.target = torch.full_like(self.largest, -torch.inf)

    def add(self, z: Tensor, rows: slice, columns: slice) -> None:
        """Take a tile into account."""
        index, inside = at_targets(self.tiles.targets[rows], columns.start, columns.stop)
        self.target[rows] = torch.where(inside, z.gather(1, index), self.target[rows])
        sums = running_sums(z, self.largest[rows], self.s[rows], self.t[rows], self.tiles.bias is not None)
        self.largest[rows], self.s[rows], self.t[rows] = sums

    def results(self) -> tuple[Tensor, Tensor, Tensor]:
        """log p of the targets, entropy and log-sum-exp, (M, 1) each."""
        log_s = self.s.log()
        # Not target - lse, which would round log s away beside a large m.
        return self.target - self.largest - log_s, log_s - self.t / self.s, self.largest + log_s
