"""A model over several processes: FSDP2 (torch's `fully_shard`) through Lightning."""

from emlit.parallel.loading import load_sharded, scatter, take_over
from emlit.parallel.sharding import Sharding, gathered, gradient_norm, is_sharded, release, within_forward
from emlit.parallel.strategy import FSDP2, require_known
from emlit.parallel.watching import abort_on_peer_failure, is_lost_peer

__all__ = [
    "FSDP2", "Sharding", "abort_on_peer_failure", "gathered", "gradient_norm", "is_lost_peer", "is_sharded",
    "load_sharded", "release", "require_known", "scatter", "take_over", "within_forward",
]  # fmt: skip
