"""Liger's entropy head against ours: its torch fallback anywhere, its kernels where there is a GPU."""

import pytest
import torch

from emlit.functional import linear_token_stats

pytest.importorskip("liger_kernel", reason="liger-kernel is not installed")
from emlit.policy.liger import liger_token_stats


def compare(device: str, dtype: torch.dtype, rtol: float) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(300, 256, generator=generator).to(device, dtype).requires_grad_()
    weight = (torch.randn(5000, 256, generator=generator) / 8).to(device, dtype).requires_grad_()
    targets = torch.randint(5000, (300,), generator=generator).to(device)
    g_logprob, g_entropy = torch.randn(2, 300, generator=generator).to(device)
    found = {}
    for name, function in (("liger", liger_token_stats), ("ours", linear_token_stats)):
        stats = function(hidden, weight, targets, temperature=0.8)
        grads = torch.autograd.grad((stats.logprob * g_logprob + stats.entropy * g_entropy).sum(), (hidden, weight))
        found[name] = (*stats, *grads)
    for theirs, ours in zip(found["liger"], found["ours"], strict=True):
        assert ((theirs.float() - ours.float()).norm() / ours.float().norm()).item() < rtol


def test_fallback():
    compare("cpu", torch.float32, 1e-5)


@pytest.mark.gpu
def test_kernels():
    compare("cuda", torch.bfloat16, 2e-2)
