import math

import pytest
import torch

from benchmarks.real_logits import recorded
from benchmarks.references import adam_on_logits
from emlit.decoding import PRESETS, EntropyMinimization, minimize_entropy, native


def reference(row: torch.Tensor, threshold: float, kl_weight: float, learning_rate: float, steps: int) -> torch.Tensor:
    return adam_on_logits(row, EntropyMinimization(threshold, kl_weight, learning_rate, steps))


def rows(count: int, vocabulary: int, scale: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(count, vocabulary, dtype=dtype, generator=torch.Generator().manual_seed(vocabulary)) * scale


@pytest.mark.parametrize("vocabulary", [7, 1000, 32000])
@pytest.mark.parametrize("scale", [0.5, 3.0, 12.0])
@pytest.mark.parametrize("kl_weight", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("steps", [1, 3, 10])
def test_equals_adam_row_by_row(vocabulary, scale, kl_weight, steps):
    logits = rows(4, vocabulary, scale)
    expected = torch.stack([reference(row, 0.3, kl_weight, 0.1, steps) for row in logits])
    torch.testing.assert_close(minimize_entropy(logits, 0.3, kl_weight, 0.1, steps), expected, rtol=0, atol=1e-6)


@pytest.mark.nightly
def test_float32_gives_the_same_distribution():
    # Elementwise float32 cannot hold: Adam's first steps are signs, and a token near p = e^-H may flip.
    logits = rows(8, 32000, 4.0, torch.float32)
    expected = torch.stack([reference(row, 0.3, 0.05, 0.1, 3) for row in logits.double()])
    difference = torch.softmax(minimize_entropy(logits).double(), -1) - torch.softmax(expected, -1)
    assert 0.5 * difference.abs().sum(dim=-1).max() < 1e-4


@pytest.mark.parametrize("scale", [1.0, 3.0, 8.0])
def test_a_large_vocabulary_gives_the_same_distribution(scale):
    # Compiled, several rows at a time with a rest, some of them below the threshold.
    logits = rows(7, 151_936, scale, torch.float32)
    logits[2, 5] = logits[5, 9] = 300.0
    expected = torch.stack([reference(row, 0.3, 0.05, 0.1, 3) for row in logits.double()])
    found = minimize_entropy(logits)
    difference = torch.softmax(found.double(), -1) - torch.softmax(expected, -1)
    assert 0.5 * difference.abs().sum(dim=-1).max() < 1e-4
    assert torch.equal(found[[2, 5]], logits[[2, 5]])
    alone = minimize_entropy(logits[:1])
    assert 0.5 * (torch.softmax(alone, -1) - torch.softmax(found[:1], -1)).abs().sum() < 1e-5


@pytest.mark.parametrize(
    "arguments", [(0.3, 0.05, 0.1, 3), (0.3, 0.0, 0.1, 10), (0.1, 1.0, 0.5, 5), (0.0, 0.05, 1.0, 20)]
)
def test_real_logits_give_the_same_distribution(arguments):
    """The tail of a large vocabulary is let lie, as far as that moves the distribution by less than 1e-4."""
    logits = recorded(6)
    expected = minimize_entropy(logits.double(), *arguments)
    found = minimize_entropy(logits, *arguments)
    difference = torch.softmax(found.double(), -1) - torch.softmax(expected, -1)
    assert 0.5 * difference.abs().sum(dim=-1).max() < 2e-5
    assert arguments[2] > 0.1 or (found == logits).float().mean() > 0.3
    parameters = [torch.tensor([value] * 6) for value in arguments]
    assert torch.equal(minimize_entropy(logits, *parameters), found)


def test_what_is_no_number_is_left_alone_in_a_large_vocabulary():
    logits = rows(4, 2**14, 3.0, torch.float32)
    logits[0, 3], logits[1, :], logits[2, 7] = math.inf, -math.inf, math.nan
    logits[3, ::2] = -math.inf
    found = minimize_entropy(logits)
    assert torch.equal(found[:2], logits[:2])
    assert found[2, 7].isnan()
    assert torch.equal(found[3] == -math.inf, logits[3] == -math.inf)
    assert not found[3].isnan().any()


def test_rows_of_a_wider_matrix():
    wide = rows(3, 2**14 + 7, 3.0, torch.float32)
    expected = minimize_entropy(wide[:, 3:-4].clone())
    assert torch.equal(minimize_entropy(wide[:, 3:-4]), expected)
    assert torch.equal(minimize_entropy(wide[::2, 3:-4], inplace=True), expected[::2])
    assert torch.equal(wide[::2, 3:-4], expected[::2])


def test_without_a_compiler_it_runs_all_the_same(monkeypatch, caplog):
    monkeypatch.setenv("CC", "no-such-compiler")
    native._library.cache_clear()
    logits = rows(3, 20_000, 3.0, torch.float32)
    logits[1, 5] = 300.0
    expected = minimize_entropy(logits.double()).float()
    torch.testing.assert_close(minimize_entropy(logits), expected, rtol=1e-3, atol=1e-3)
    assert "several times longer: " in caplog.text
    assert "no-such-compiler" in caplog.text
    native._library.cache_clear()


def test_rows_below_the_threshold_are_bit_identical():
    logits = rows(5, 100, 1.0, torch.float32)
    logits[1, 2] = 40.0
    logits[3, 7] = 60.0
    result = minimize_entropy(logits, threshold=0.5)
    assert torch.equal(result[1], logits[1])
    assert torch.equal(result[3], logits[3])
    assert not torch.equal(result[0], logits[0])


def test_a_row_does_not_depend_on_the_others():
    logits = rows(6, 500, 2.0)
    alone = torch.cat([minimize_entropy(logits[i : i + 1], steps=5) for i in range(6)])
    torch.testing.assert_close(minimize_entropy(logits, steps=5), alone, rtol=0, atol=1e-12)
    shuffled = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(minimize_entropy(logits[shuffled], steps=5), alone[shuffled], rtol=0, atol=1e-12)


def test_each_row_may_have_its_own_parameters():
    logits = rows(3, 200, 2.0)
    threshold, kl_weight = torch.tensor([0.1, 0.5, 4.0]), torch.tensor([0.0, 0.05, 1.0])
    learning_rate, steps = torch.tensor([0.1, 0.02, 0.3]), torch.tensor([1, 5, 3])
    expected = torch.stack(
        [
            reference(row, *(value[i].item() for value in (threshold, kl_weight, learning_rate)), int(steps[i]))
            for i, row in enumerate(logits)
        ]
    )
    result = minimize_entropy(logits, threshold.double(), kl_weight.double(), learning_rate.double(), steps)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)


def test_entropy_falls_and_the_first_stays_first():
    logits = rows(16, 1000, 2.0)
    logp = torch.log_softmax(minimize_entropy(logits, steps=20), -1)
    before = torch.log_softmax(logits, -1)
    assert (-(logp.exp() * logp).sum(-1) < -(before.exp() * before).sum(-1)).all()
    assert torch.equal(logp.argmax(-1), logits.argmax(-1))


def test_extreme_rows_stay_finite():
    logits = torch.tensor(
        [
            [1e4, -1e4, 0.0, 3.0],
            [0.0, 0.0, -math.inf, -math.inf],
            [5.0, -math.inf, -math.inf, -math.inf],
            [1e4, 1e4, 1e4, -math.inf],
        ]
    )
    result = minimize_entropy(logits, threshold=0.0, steps=15)
    assert torch.equal(result == -math.inf, logits == -math.inf)
    assert not result.isnan().any()


def test_dtypes_and_shapes():
    assert minimize_entropy(torch.randn(2, 9).bfloat16()).dtype == torch.float32
    assert minimize_entropy(torch.randn(0, 9)).shape == (0, 9)
    with pytest.raises(ValueError, match="shape"):
        minimize_entropy(torch.randn(9))


def test_the_input_is_left_alone():
    logits = rows(2, 50, 1.0)
    copy = logits.clone()
    minimize_entropy(logits)
    assert torch.equal(logits, copy)


def test_in_place():
    logits = rows(5, 50, 1.0, torch.float32)
    expected = minimize_entropy(logits)
    assert minimize_entropy(logits, inplace=True) is logits or torch.equal(logits, expected)
    torch.testing.assert_close(logits, expected, rtol=0, atol=0)
    with pytest.raises(ValueError, match="in place"):
        minimize_entropy(torch.zeros(2, 3).bfloat16(), inplace=True)


def test_presets_are_those_of_the_sources():
    assert PRESETS["released"] == EntropyMinimization(0.3, 0.05, 0.1, 3)
    assert PRESETS["paper"].kl_weight == 0
    assert 5 <= PRESETS["paper"].steps <= 15


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"threshold": -1.0}, "threshold"), ({"steps": 0}, "steps"), ({"learning_rate": 0.0}, "learning_rate")],
)
def test_bad_parameters_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        EntropyMinimization(**arguments)


@pytest.mark.gpu
def test_on_a_gpu_the_host_never_waits():
    logits = rows(40, 32_000, 3.0, torch.float32)
    expected = minimize_entropy(logits.double())
    moved = logits.cuda()
    minimize_entropy(moved)  # compiles
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = minimize_entropy(moved)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    difference = torch.softmax(found.cpu().double(), -1) - torch.softmax(expected, -1)
    assert 0.5 * difference.abs().sum(dim=-1).max() < 1e-4
