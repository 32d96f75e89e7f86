"""Liger's fused linear cross-entropy with entropy, as a backend of the entropy head on a GPU."""

import importlib.util

import torch
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import TokenStats


def check_installed() -> None:
    """Raise ConfigError where Liger is not installed."""
    if importlib.util.find_spec("liger_kernel") is None:
        raise ConfigError("entropy_head is liger, but liger-kernel is not installed: pip install 'liger-kernel>=0.8.2'")


def liger_token_stats(hidden: Tensor, weight: Tensor, targets: Tensor, temperature: float) -> TokenStats:
    """`linear_token_stats` by Liger: CuTe kernels on Hopper GPUs, 512 tokens at a time in torch elsewhere.

    Its entropy has the dtype of `hidden`; in bfloat16 that is three digits.

    Args:
        hidden: (M, D), M > 0
        weight: (V, D)
        targets: (M), int64
        temperature: a positive number

    Returns:
        TokenStats of (M), float32, nats. Differentiable in `hidden` and `weight`.
    """
    from liger_kernel.ops.fused_linear_scaled_cross_entropy import LigerFusedLinearScaledCrossEntropyFunction

    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    nll, entropy = LigerFusedLinearScaledCrossEntropyFunction.apply(
        hidden.to(dtype), weight.to(dtype), targets, float(temperature), -100, 1, True
    )
    return TokenStats(-nll.float(), entropy.float())
