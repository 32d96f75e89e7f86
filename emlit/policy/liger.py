"""Liger's fused linear cross-entropy with entropy, as a backend of the entropy head on a GPU."""

import importlib.util

import torch
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import TokenStats


def check_installed() -> None:
    """Raise ConfigError where Liger, or what its Hopper kernels are written in, is not installed."""
    missing = [name for name in ("liger_kernel", "cutlass") if importlib.util.find_spec(name) is None]
    hopper = torch.cuda.is_available() and torch.cuda.get_device_capability() == (9, 0)
    if "liger_kernel" in missing or (hopper and missing):
        raise ConfigError(
            "entropy_head is liger, but liger-kernel is not installed with its kernels: pip install "
            "'liger-kernel[cutedsl]>=0.8.2', or set entropy_head to torch"
        )


def liger_token_stats(hidden: Tensor, weight: Tensor, targets: Tensor, temperature: float) -> TokenStats:
    """`linear_token_stats` by Liger: CuTe kernels on Hopper GPUs, 512 tokens at a time in torch elsewhere.

    On a Hopper GPU operands are bfloat16, as its kernels ask. Liger's entropy has the operands' dtype: in bfloat16 that
    is three digits.

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
    if hidden.is_cuda and torch.cuda.get_device_capability(hidden.device) == (9, 0):
        dtype = torch.bfloat16
    nll, entropy = LigerFusedLinearScaledCrossEntropyFunction.apply(
        hidden.to(dtype), weight.to(dtype), targets, float(temperature), -100, 1, True
    )
    return TokenStats(-nll.float(), entropy.float())
