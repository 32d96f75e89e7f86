"""The entropy head on hidden states of any magnitude, against the float64 logits that they stand for.

Hidden states and weights are small integers times powers of two, so that float32 holds every logit exactly and a
difference is the head's own.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emlit.functional import linear_entropy_loss, linear_loss, linear_token_stats, tiles, token_stats
from tests.unit.fuzz.cases import DTYPES, cases

HEAD = st.fixed_dictionaries(
    {
        "tokens": st.integers(0, 5),
        "vocabulary": st.sampled_from([1, 2, 3, 17, 300]),
        "size": st.integers(1, 6),
        "exponent": st.sampled_from([-60, -12, 0, 3, 30]),
        "bias": st.sampled_from(["none", "numbers", "impossible"]),
        "temperature": st.sampled_from([1.0, 0.5, 2.0, 1 / 64, "each"]),
        "softcap": st.sampled_from([None, None, 2.0, 64.0]),
        "chunk_size": st.sampled_from([None, 1, 3]),
        "dtype": DTYPES,
        "seed": st.integers(0, 2**32),
    }
)


@pytest.fixture(autouse=True, scope="module")
def _small_tiles():
    """So that a vocabulary of 300 takes two, the second one ragged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "_TILE_ELEMENTS_CPU", 1)
        patch.setattr(linear_loss, "_COLUMNS", 256)
        yield


def build(tokens, vocabulary, size, exponent, bias, temperature, softcap, chunk_size, dtype, seed):
    """hidden, weight, bias, targets, and the keywords that both functions take."""
    generator = torch.Generator().manual_seed(seed)
    if dtype == torch.float16:
        exponent = max(-12, min(exponent, 3))
    hidden = torch.randint(-4, 5, (tokens, size), generator=generator).to(dtype)
    weight = torch.randint(-4, 5, (vocabulary, size), generator=generator).to(dtype) * 2.0**exponent
    offset = None
    if bias != "none":
        offset = torch.randint(-4, 5, (vocabulary,), generator=generator).to(dtype) * 2.0**exponent
    if bias == "impossible":
        out = torch.rand(vocabulary, generator=generator) < 0.4
        out[torch.randint(vocabulary, (1,), generator=generator)] = False
        offset = offset.masked_fill(out, -torch.inf)
    targets = torch.randint(vocabulary, (tokens,), generator=generator)
    if temperature == "each":
        temperature = 2.0 ** torch.randint(-4, 3, (tokens,), generator=generator)
    inputs = [None if t is None else t.requires_grad_() for t in (hidden, weight, offset)]
    return *inputs, targets, {"temperature": temperature, "softcap": softcap, "chunk_size": chunk_size}


def exactly(hidden, weight, bias, targets, temperature, softcap):
    """The stats by way of whole logits in float64, and the copies that they are differentiable in."""
    copies = [None if t is None else t.detach().double().requires_grad_() for t in (hidden, weight, bias)]
    logits = torch.nn.functional.linear(*copies)
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    column = temperature.double().unsqueeze(1) if isinstance(temperature, torch.Tensor) else temperature
    return token_stats(logits, targets, column), copies


def gradients(loss, tensors):
    return torch.autograd.grad(loss, [tensor for tensor in tensors if tensor is not None])


def assert_close(found, expected, dtype, scale=1.0):
    """To rounding: of float32 inside, of `dtype` at the end."""
    digits = {torch.bfloat16: 1e-2, torch.float16: 2e-3, torch.float32: 2e-5, torch.float64: 1e-9}[dtype]
    torch.testing.assert_close(found.double(), expected, rtol=digits, atol=digits * scale)


def magnitude(hidden, weight, bias, temperature):
    """What the rounding of e^(z - log sum exp z) grows with: the largest |z|, times what it is multiplied with."""
    z = torch.nn.functional.linear(hidden.double(), weight.double(), None if bias is None else bias.double())
    coldest = min([1.0, *torch.as_tensor(temperature).reshape(-1).tolist()])
    largest = z.masked_fill(z == -torch.inf, 0.0).abs().max().item() / coldest if z.numel() else 0.0
    factors = [1.0, *(t.detach().abs().max().item() for t in (hidden, weight) if t.numel())]
    return (1 + largest) * max(factors) / coldest * (1 + len(hidden))


@cases(200)
@given(HEAD)
def test_stats_and_gradients_are_those_of_whole_logits(head):
    hidden, weight, bias, targets, options = build(**head)
    stats = linear_token_stats(hidden, weight, targets, bias, **options)
    expected, copies = exactly(hidden, weight, bias, targets, options["temperature"], options["softcap"])
    working = torch.promote_types(head["dtype"], torch.float32)
    assert stats.logprob.dtype == stats.entropy.dtype == working
    assert_close(stats.logprob, expected.logprob, working)
    assert_close(stats.entropy, expected.entropy, working)
    assert (stats.logprob <= 0).all()
    assert (stats.entropy >= 0).all()
    assert (stats.entropy <= torch.tensor(float(head["vocabulary"])).log() + 1e-5).all()
    # log p of an impossible target is -inf, and no objective is built on one.
    loss, exact = (
        s.entropy.sum() + s.logprob.masked_fill(expected.logprob == -torch.inf, 0.0).sum() for s in (stats, expected)
    )
    scale = magnitude(hidden, weight, bias, options["temperature"])
    for ours, theirs in zip(gradients(loss, (hidden, weight, bias)), gradients(exact, copies), strict=True):
        assert ours.isfinite().all()
        assert_close(ours, theirs, head["dtype"], scale)


@cases(100)
@given(HEAD)
def test_the_loss_is_the_weighted_sum_of_entropies(head):
    hidden, weight, bias, targets, options = build(**head)
    weights = torch.linspace(-1, 1, head["tokens"], dtype=torch.float64)
    loss, stats = linear_entropy_loss(hidden, weight, targets, weights, bias, **options)
    expected, copies = exactly(hidden, weight, bias, targets, options["temperature"], options["softcap"])
    exact = (weights * expected.entropy).sum()
    working = torch.promote_types(head["dtype"], torch.float32)
    assert_close(loss, exact, working, head["tokens"] + 1)
    assert_close(stats.entropy, expected.entropy, working)
    scale = magnitude(hidden, weight, bias, options["temperature"])
    for ours, theirs in zip(gradients(loss, (hidden, weight, bias)), gradients(exact, copies), strict=True):
        assert ours.isfinite().all()
        assert_close(ours, theirs, head["dtype"], scale)


@cases(60)
@given(HEAD, st.sampled_from([torch.nan, torch.inf, -torch.inf]))
def test_a_broken_hidden_state_breaks_its_own_row_alone(head, value):
    head = {**head, "tokens": head["tokens"] + 1}
    hidden, weight, bias, targets, options = build(**head)
    whole = linear_token_stats(hidden, weight, targets, bias, **options)
    broken = hidden.detach().clone()
    broken[0] = value
    stats = linear_token_stats(broken, weight, targets, bias, **options)
    torch.testing.assert_close(stats.entropy[1:], whole.entropy[1:], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(stats.logprob[1:], whole.logprob[1:], rtol=1e-5, atol=1e-6)
    if options["softcap"] is None or value != value:
        logits = torch.nn.functional.linear(broken[:1].double(), weight.double())
        if not logits.amax(dim=1).isfinite().all():
            assert stats.entropy[0].isnan()
            assert stats.logprob[0].isnan()
