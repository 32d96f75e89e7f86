"""The entropy head against plain logits: in float64 exactly, in float32 to 1e-5, in bfloat16 no worse than they are."""

import pytest
import torch

from emlit.functional import TokenStats, linear_entropy_loss, linear_loss, linear_token_stats, tiles, token_stats
from emlit.functional.compilation import compiled
from emlit.functional.tile_kernels import at_targets, running_sums, tile_gradient

M, V, D = 37, 1501, 24


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch):
    """So that the vocabulary takes several, the last of them ragged."""
    monkeypatch.setattr(tiles, "_TILE_ELEMENTS_CPU", 1)
    monkeypatch.setattr(linear_loss, "_COLUMNS", 256)


def inputs(dtype=torch.float32, bias=False, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(M, D, generator=generator).to(dtype).requires_grad_()
    weight = (torch.randn(V, D, generator=generator) * scale).to(dtype).requires_grad_()
    offset = torch.randn(V, generator=generator).to(dtype).requires_grad_() if bias else None
    return hidden, weight, torch.randint(V, (M,), generator=generator), offset


def plain(hidden, weight, targets, bias=None, temperature=1.0, softcap=None) -> TokenStats:
    logits = torch.nn.functional.linear(hidden, weight, bias)
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    return token_stats(logits, targets, temperature)


def upstream(seed: int) -> torch.Tensor:
    return torch.randn(M, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradients(stats: TokenStats, tensors, g_logprob, g_entropy):
    loss = 0.0
    if g_logprob is not None:
        loss = loss + (stats.logprob * g_logprob).sum()
    if g_entropy is not None:
        loss = loss + (stats.entropy * g_entropy).sum()
    return torch.autograd.grad(loss, [tensor for tensor in tensors if tensor is not None])


def double(tensor):
    return None if tensor is None else tensor.detach().double().requires_grad_()


def error(found, exact) -> float:
    """Relative, of the whole tensor."""
    return ((found.double() - exact).norm() / exact.norm()).item()


UPSTREAM = {"both": (upstream(1), upstream(2)), "logprob": (upstream(1), None), "entropy": (None, upstream(2))}


@pytest.mark.parametrize("used", UPSTREAM)
@pytest.mark.parametrize("chunk_size", [None, 1, 8])
@pytest.mark.parametrize(
    "options", [{}, {"temperature": 0.6}, {"temperature": torch.linspace(0.5, 2, M)}, {"softcap": 3.0}]
)
@pytest.mark.parametrize("bias", [False, True])
def test_float32_is_exact_to_1e_5(used, chunk_size, options, bias):
    hidden, weight, targets, offset = inputs(bias=bias)
    exact = [double(tensor) for tensor in (hidden, weight, offset)]
    temperature = options.get("temperature", 1.0)
    column = temperature.double().unsqueeze(1) if isinstance(temperature, torch.Tensor) else temperature
    reference = plain(exact[0], exact[1], targets, exact[2], column, options.get("softcap"))
    found = linear_token_stats(hidden, weight, targets, offset, chunk_size=chunk_size, **options)
    assert found.logprob.dtype == found.entropy.dtype == torch.float32
    for name in ("logprob", "entropy"):
        assert error(getattr(found, name), getattr(reference, name)) < 1e-5
    expected = gradients(reference, exact, *UPSTREAM[used])
    actual = gradients(found, (hidden, weight, offset), *UPSTREAM[used])
    for theirs, ours in zip(expected, actual, strict=True):
        assert error(ours, theirs) < 1e-5


@pytest.mark.parametrize("scale", [0.01, 4.0, 40.0])
def test_flat_and_peaked_distributions(scale):
    hidden, weight, targets, _ = inputs(scale=scale)
    reference = plain(double(hidden), double(weight), targets)
    found = linear_token_stats(hidden, weight, targets)
    assert error(found.logprob, reference.logprob) < 1e-5
    # Logits of 500 are themselves rounded to 3e-5, so a distribution's nearly certain rows are known to that.
    torch.testing.assert_close(found.entropy.double(), reference.entropy, rtol=1e-5, atol=2e-6 * max(1, scale))
    assert (found.entropy >= 0).all()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("options", [{}, {"temperature": 0.7, "softcap": 2.0, "chunk_size": 2}])
def test_gradcheck(bias, options):
    generator = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(n, 3, dtype=torch.float64, generator=generator).requires_grad_() for n in (5, 7))
    offset = torch.randn(7, dtype=torch.float64, generator=generator).requires_grad_() if bias else None
    targets = torch.tensor([0, 6, 3, 3, 1])
    arguments = (hidden, weight, offset) if bias else (hidden, weight)
    assert torch.autograd.gradcheck(
        lambda h, w, b=None: tuple(linear_token_stats(h, w, targets, b, **options)), arguments
    )
    # The loss can be back-propagated once, too seldom for gradcheck.
    weights = torch.tensor([0.1, 0.0, -2.0, 1.0, 0.5], dtype=torch.float64)
    loss, _ = linear_entropy_loss(hidden, weight, targets, weights, offset, **options)
    stats = linear_token_stats(hidden, weight, targets, offset, **options)
    expected = torch.autograd.grad((weights * stats.entropy).sum(), arguments)
    torch.testing.assert_close(torch.autograd.grad(loss, arguments), expected, rtol=1e-10, atol=1e-12)


def test_float64_equals_the_logits():
    hidden, weight, targets, _ = inputs(torch.float64)
    for found, reference in zip(
        linear_token_stats(hidden, weight, targets), plain(hidden, weight, targets), strict=True
    ):
        torch.testing.assert_close(found, reference, rtol=1e-12, atol=1e-12)


def test_bfloat16_is_no_worse_than_its_logits():
    hidden, weight, targets, _ = inputs(torch.bfloat16)
    exact = [double(tensor) for tensor in (hidden, weight)]
    reference, rounded = plain(*exact, targets), plain(hidden, weight, targets)
    found = linear_token_stats(hidden, weight, targets)
    assert found.entropy.dtype == torch.float32
    for ours, theirs, truth in zip(found, rounded, reference, strict=True):
        assert error(ours, truth) <= error(theirs, truth)
    expected = gradients(reference, exact, *UPSTREAM["both"])
    ours = gradients(found, (hidden, weight), *UPSTREAM["both"])
    theirs = gradients(rounded, (hidden, weight), *UPSTREAM["both"])
    for mine, plain_one, truth in zip(ours, theirs, expected, strict=True):
        assert mine.dtype == torch.bfloat16
        assert error(mine, truth) <= error(plain_one, truth)


@pytest.mark.parametrize("function", ["stats", "loss"])
def test_a_frozen_head_gets_no_gradient(function):
    hidden, weight, targets, _ = inputs()
    weight = weight.detach()
    if function == "stats":
        linear_token_stats(hidden, weight, targets).entropy.sum().backward()
    else:
        linear_entropy_loss(hidden, weight, targets, torch.ones(M))[0].backward()
    expected = torch.autograd.grad(plain(hidden, weight, targets).entropy.sum(), hidden)[0]
    torch.testing.assert_close(hidden.grad, expected, rtol=1e-4, atol=1e-6)
    assert weight.grad is None


def test_a_frozen_body_gets_no_gradient():
    hidden, weight, targets, _ = inputs()
    linear_token_stats(hidden.detach(), weight, targets).logprob.sum().backward()
    expected = torch.autograd.grad(plain(hidden, weight, targets).logprob.sum(), weight)[0]
    torch.testing.assert_close(weight.grad, expected, rtol=1e-4, atol=1e-5)


def test_tied_embeddings_sum_both_gradients():
    _, weight, targets, _ = inputs()
    tokens = torch.arange(M)
    linear_token_stats(weight[tokens], weight, targets).entropy.sum().backward()
    expected = torch.autograd.grad(plain(weight[tokens], weight, targets).entropy.sum(), weight)[0]
    assert error(weight.grad, expected.double()) < 1e-5


def test_no_token_at_all():
    hidden, weight, targets, _ = inputs()
    stats = linear_token_stats(hidden[:0], weight, targets[:0])
    assert stats.logprob.shape == stats.entropy.shape == (0,)
    (stats.logprob.sum() + stats.entropy.sum()).backward()
    assert torch.equal(weight.grad, torch.zeros_like(weight))
    weight.grad = None
    linear_entropy_loss(hidden[:0], weight, targets[:0], torch.ones(0))[0].backward()
    assert torch.equal(weight.grad, torch.zeros_like(weight))


def test_impossible_tokens_do_not_count():
    hidden, weight, targets, offset = inputs(bias=True)
    with torch.no_grad():
        offset[-200:] = -torch.inf
    targets = targets.clamp(max=V - 201)
    targets[0] = V - 1
    found = linear_token_stats(hidden, weight, targets, offset)
    kept = plain(hidden, weight[:-200], targets.clamp(max=V - 201), offset[:-200])
    torch.testing.assert_close(found.entropy, kept.entropy, rtol=1e-5, atol=1e-5)
    assert found.logprob[0] == -torch.inf
    (found.logprob[1:].sum() + found.entropy.sum()).backward()
    assert torch.isfinite(hidden.grad).all()
    assert torch.isfinite(weight.grad).all()
    assert not weight.grad[-200:].any()


@pytest.mark.parametrize("chunk_size", [None, 1, 8])
@pytest.mark.parametrize("options", [{}, {"temperature": 0.6}, {"softcap": 3.0}])
@pytest.mark.parametrize("bias", [False, True])
def test_the_loss_is_the_weighted_sum_of_the_entropies(chunk_size, options, bias):
    hidden, weight, targets, offset = inputs(bias=bias)
    weights = upstream(3).float()
    stats = linear_token_stats(hidden, weight, targets, offset, **options)
    loss, found = linear_entropy_loss(hidden, weight, targets, weights, offset, chunk_size=chunk_size, **options)
    torch.testing.assert_close(loss, (weights * stats.entropy).sum())
    torch.testing.assert_close(found.logprob, stats.logprob)
    torch.testing.assert_close(found.entropy, stats.entropy)
    assert not found.entropy.requires_grad
    tensors = [tensor for tensor in (hidden, weight, offset) if tensor is not None]
    expected = torch.autograd.grad(3 * (weights * stats.entropy).sum(), tensors)
    actual = torch.autograd.grad(3 * loss, tensors)
    for theirs, ours in zip(expected, actual, strict=True):
        assert error(ours, theirs.double()) < 1e-5


def test_autocast_around_the_backward_pass_changes_nothing():
    hidden, weight, targets, _ = inputs()
    expected = gradients(linear_token_stats(hidden, weight, targets), (hidden, weight), *UPSTREAM["both"])
    stats = linear_token_stats(hidden, weight, targets)
    with torch.autocast("cpu", torch.bfloat16):
        found = gradients(stats, (hidden, weight), *UPSTREAM["both"])
    torch.testing.assert_close(found, expected)


def test_the_loss_can_be_back_propagated_once():
    hidden, weight, targets, _ = inputs()
    loss, _ = linear_entropy_loss(hidden, weight, targets, torch.ones(M))
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="once"):
        loss.backward()


def test_autocast_does_not_round_on_a_cpu():
    hidden, weight, targets, _ = inputs()
    expected = linear_token_stats(hidden, weight, targets)
    with torch.autocast("cpu", torch.bfloat16):
        found = linear_token_stats(hidden, weight, targets)
    assert torch.equal(found.entropy, expected.entropy)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"hidden": torch.zeros(3, 5)}, r"hidden is \(3, 5\) and weight"),
        ({"targets": torch.zeros(4, dtype=torch.long)}, "targets is"),
        ({"targets": torch.tensor([0, 9, 1])}, "targets go from 0 to 9; there are 9 tokens"),
        ({"bias": torch.zeros(3)}, "bias is"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"temperature": torch.ones(2)}, "temperature has 2 values"),
        ({"chunk_size": 0}, "chunk_size is 0"),
        ({"softcap": 0.0}, "softcap is 0.0"),
    ],
)
def test_wrong_arguments_get_a_sentence(arguments, sentence):
    valid = {"hidden": torch.zeros(3, 4), "weight": torch.zeros(9, 4), "targets": torch.zeros(3, dtype=torch.long)}
    with pytest.raises(ValueError, match=sentence):
        linear_token_stats(**{**valid, **arguments})


@pytest.mark.nightly
def test_the_kernels_that_a_gpu_compiles_are_those_that_a_cpu_runs():
    z, g = torch.randn(5, 40), torch.randn(5, 1)
    largest, s, t = torch.full((5, 1), -3.0), torch.ones(5, 1), torch.zeros(5, 1)
    torch.testing.assert_close(
        compiled(running_sums.__wrapped__, True)(z, largest, s, t, False), running_sums(z.clone(), largest, s, t, False)
    )
    index, inside = at_targets(torch.tensor([0, 3, 50, 2, 39]), 0, 40)
    lse, entropy, scale = z.logsumexp(1, keepdim=True), torch.rand(5, 1), torch.full((5, 1), 0.7)
    for g_logprob, g_entropy, softcap in ((g, 2 * g, 3.0), (None, g, None), (g, None, None)):
        rest = (index, inside, lse, entropy, g_logprob, g_entropy, scale, softcap, True)
        torch.testing.assert_close(
            compiled(tile_gradient.__wrapped__, True)(z.clone(), *rest), tile_gradient(z.clone(), *rest)
        )


def test_token_weights_are_one_a_token():
    hidden, weight, targets, _ = inputs()
    with pytest.raises(ValueError, match=r"token_weights is \(1,\)"):
        linear_entropy_loss(hidden, weight, targets, torch.ones(1))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_on_a_gpu(dtype, autocast):
    hidden, weight, targets, offset = inputs(dtype, bias=True)
    exact = [double(tensor) for tensor in (hidden, weight, offset)]
    reference = plain(exact[0], exact[1], targets, exact[2], 0.7, 3.0)
    expected = gradients(reference, exact, *UPSTREAM["both"])
    moved = [tensor.detach().cuda().requires_grad_() for tensor in (hidden, weight, offset)]
    with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
        found = linear_token_stats(moved[0], moved[1], targets.cuda(), moved[2], 0.7, chunk_size=8, softcap=3.0)
        loss, _ = linear_entropy_loss(moved[0], moved[1], targets.cuda(), torch.ones(M).cuda(), moved[2], 0.7)
    tolerance = 1e-5 if dtype == torch.float32 and not autocast else 2e-2
    assert error(found.entropy.cpu(), reference.entropy) < tolerance
    actual = gradients(found, moved, *(g.cuda() for g in UPSTREAM["both"]))
    for ours, theirs in zip(actual, expected, strict=True):
        assert error(ours.cpu(), theirs) < tolerance
    assert error(loss.cpu(), plain(*exact[:2], targets, exact[2], 0.7).entropy.sum()) < tolerance
