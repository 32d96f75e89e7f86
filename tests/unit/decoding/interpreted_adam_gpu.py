"""What emlit.decoding.adam_gpu computes, reads and writes; run by test_adam_gpu.py in Triton's interpreter."""

import pytest
import torch

from emlit.decoding import adam, adam_gpu, minimize_entropy
from tests.no_sync import no_sync


def rows(vocabulary: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Six rows: with impossible tokens, nearly certain, below its threshold, and of other parameters each."""
    z = torch.randn(6, vocabulary, generator=torch.Generator().manual_seed(0)) * 3
    z[2, 5:50] = -torch.inf
    z[3, 1] = 60.0
    return z, {
        "threshold": torch.tensor([0.3, 0.3, 0.3, 0.3, 50.0, 3.0]),
        "kl_weight": torch.tensor([0.05, 0.0, 0.05, 0.0, 0.0, 0.5]),
        "learning_rate": torch.tensor([0.1, 0.1, 0.1, 0.2, 0.1, 0.3]),
        "steps": torch.tensor([4, 1, 3, 4, 4, 2]),
    }


def descend(z: torch.Tensor, parameters: dict[str, torch.Tensor]) -> None:
    adam_gpu.descend(z, torch.stack(list(parameters.values()), dim=1).float(), int(parameters["steps"].max()))


@pytest.mark.parametrize("vocabulary", [70, 5000])
def test_it_is_adam(vocabulary):
    z, parameters = rows(vocabulary)
    expected = minimize_entropy(z.double(), **parameters)
    wide = torch.full((6, vocabulary + 9), 7.0)
    wide[:, :vocabulary] = z
    found = wide[:, :vocabulary]  # rows that do not lie one behind the other
    descend(found, parameters)
    assert 0.5 * (found.double().softmax(1) - expected.softmax(1)).abs().sum(dim=1).max() < 1e-6
    assert torch.equal(found[3:5], z[3:5])  # they were below their threshold
    assert torch.equal(found[2].isneginf(), z[2].isneginf())
    assert (wide[:, vocabulary:] == 7).all()


def test_what_it_reads_and_writes(monkeypatch):
    """Of three steps five passes over the logits, where no more than three readings and three writings were allowed."""
    from triton.runtime.interpreter import InterpreterBuilder as Builder

    z, counted = torch.randn(3, 4096) * 3, {"read": 0, "written": 0}
    z[2, 1] = 60.0  # below its threshold
    begins, ends = z.data_ptr(), z.data_ptr() + z.numel() * z.element_size()

    def counting(name: str, of: str) -> None:
        original = getattr(Builder, name)

        def call(self, pointers, *more, **options):
            counted[of] += int(((pointers.data >= begins) & (pointers.data < ends)).sum())
            return original(self, pointers, *more, **options)

        monkeypatch.setattr(Builder, name, call)

    counting("create_masked_load", "read")
    counting("create_masked_store", "written")
    three = {"threshold": 0.3, "kl_weight": 0.05, "learning_rate": 0.1, "steps": 3}
    descend(z, {name: torch.full((3,), value) for name, value in three.items()})
    assert counted == {"read": (4 + 4 + 1) * 4096, "written": 2 * 4096}


def test_the_host_does_not_wait(monkeypatch):
    """Launches are kept, as a GPU keeps them, and run when the host has gone on."""
    launched, launch = [], adam_gpu._launch

    class Kept:
        def __getitem__(self, grid):
            return lambda *arguments, **options: launched.append((grid, arguments, options))

    z, parameters = rows(70)
    expected, found = minimize_entropy(z, **parameters), z.clone()
    monkeypatch.setattr(adam_gpu, "_launch", Kept())
    columns = adam.RowParameters(*(value.float().unsqueeze(1) for value in parameters.values()))
    with no_sync(as_on_cuda=True):
        adam.descend(found, columns, 4)
    assert torch.equal(found, z)
    for grid, arguments, options in launched:
        launch[grid](*arguments, **options)
    torch.testing.assert_close(found.softmax(1), expected.softmax(1))
