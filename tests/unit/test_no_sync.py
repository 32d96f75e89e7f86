import pytest
import torch

from tests.no_sync import HostSync, no_sync

WAITS = {
    "item": lambda z: z.sum().item(),
    "bool": lambda z: bool((z > 0).any()),
    "if": lambda z: 1 if (z > 0).all() else 0,
    "int": lambda z: int(z[0, 0]),
    "float": lambda z: float(z[0, 0]),
    "an index": lambda z: [1, 2, 3][z[0, 0].long()],
    "tolist": lambda z: z.tolist(),
    "numpy": lambda z: z.numpy(),
    "cpu": lambda z: z.cpu(),
    "a mask": lambda z: z[z > 0],
    "a mask of rows": lambda z: z[z[:, 0] > 0],
    "assigning to a mask": lambda z: z.__setitem__(z[:, 0] > -9, torch.ones_like(z)),
    "nonzero": lambda z: z.nonzero(),
    "where of a condition": lambda z: torch.where(z > 0),
    "masked_select": lambda z: z.masked_select(z > 0),
    "unique": lambda z: z.unique(),
    "repeat_interleave": lambda z: z.repeat_interleave(torch.ones_like(z[0]).long(), dim=1),
    "equal": lambda z: torch.equal(z, z),
    "a compiled function": lambda z: torch.compile(lambda x: x[x > 0])(z),
}
GOES_ON = {
    "where": lambda z: torch.where(z > 0, z, 0.0),
    "masked_fill": lambda z: z.masked_fill(z > 0, 0.0),
    "one value to a mask": lambda z: z.clone().__setitem__(z > 0, 0.0),
    "rows by number": lambda z: z[torch.arange(2)],
    "index_add": lambda z: z.index_add(0, torch.zeros(2, dtype=torch.long), z),
    "argmax": lambda z: z.softmax(-1).argmax(-1),
    "a slice": lambda z: z[:1].sub_(1.0),
    "repeat_interleave with a size": lambda z: z.repeat_interleave(torch.ones_like(z[0]).long(), 1, output_size=3),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_waits_is_seen(name):
    with pytest.raises(HostSync), no_sync():
        WAITS[name](torch.randn(2, 3))


@pytest.mark.parametrize("name", GOES_ON)
def test_what_does_not_wait_goes_on(name):
    with no_sync():
        GOES_ON[name](torch.randn(2, 3))


def test_the_branch_for_gpus():
    z = torch.randn(2)
    with no_sync(as_on_cuda=True):
        assert z.is_cuda
        assert (z + 1).is_cuda
    with no_sync():
        assert not z.is_cuda
