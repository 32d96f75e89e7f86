"""Statistics beyond log p and H against float64 references written from their definitions."""

from dataclasses import dataclass

import pytest
import torch

from emlit.functional import KeptLogprob, LogprobAt, MoreStats, NucleusEntropy, ScoredTokens, SelfCertainty, Stat
from emlit.functional import scored_tokens as room

V, M = 37, 11
G = torch.Generator().manual_seed(5)
STATES = torch.randn(M, 6, generator=G, dtype=torch.float64)
HEAD = torch.randn(V, 6, generator=G, dtype=torch.float64)
BIAS = torch.randn(V, generator=G, dtype=torch.float64)
TARGETS = torch.randint(V, (M,), generator=G)


def tokens(softcap=None):
    return ScoredTokens(TARGETS, STATES.clone().requires_grad_(), HEAD, BIAS, softcap)


def reference(stat, logits, target, temperature):
    """Of one token, in plain loops."""
    p = torch.softmax(logits / temperature, 0).tolist()
    if isinstance(stat, SelfCertainty):
        return -sum(torch.tensor(V * each).log().item() for each in p) / V
    if isinstance(stat, LogprobAt):
        return torch.softmax(logits / stat.temperature, 0)[target].log().item()
    if isinstance(stat, KeptLogprob):
        kept = [each for each in p if each >= stat.min_p * max(p)]
        return torch.tensor(p[target] / sum(kept)).log().item() if p[target] in kept else -torch.inf
    inside, mass = [], 0.0
    for each in sorted(p, reverse=True):
        mass += each
        if mass <= stat.p:
            inside.append(each)
    q = [each / sum(inside) for each in inside]
    return -sum(each * torch.tensor(each).log().item() for each in q)


@pytest.mark.parametrize("held", [2**24, 3 * V])  # all tokens at once, and three at a time
@pytest.mark.parametrize("softcap", [None, 2.0])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("stat", [SelfCertainty(), LogprobAt(1.3), KeptLogprob(0.2), NucleusEntropy(0.8)])
def test_each_statistic_is_its_definition(stat, temperature, softcap, held, monkeypatch):
    monkeypatch.setattr(room, "_HELD_LOGITS", held)
    scored = tokens(softcap)
    found = scored.with_more(scored.stats(temperature), [stat], temperature).extra[stat]
    logits = STATES @ HEAD.T + BIAS
    logits = softcap * torch.tanh(logits / softcap) if softcap else logits
    expected = [reference(stat, row, target, temperature) for row, target in zip(logits, TARGETS, strict=True)]
    torch.testing.assert_close(
        found.double().detach(), torch.tensor(expected, dtype=torch.float64), rtol=1e-5, atol=1e-6
    )


def test_a_nucleus_that_the_likeliest_token_fills_has_no_entropy():
    scored = ScoredTokens(torch.tensor([0]), torch.tensor([[9.0, 0.0, 0.0]], requires_grad=True))
    found = scored.by_rows(lambda logits, targets: NucleusEntropy(0.8)(logits, targets, 1.0), differentiable=True)
    (gradient,) = torch.autograd.grad(found.sum(), scored.states)
    assert found.item() == 0
    assert not gradient.any()


def test_the_nucleus_entropy_has_the_gradient_of_its_definition():
    def of(states):
        scored = ScoredTokens(TARGETS, states, HEAD, BIAS)
        return NucleusEntropy(0.8).of(scored, None, 1.0)

    assert torch.autograd.gradcheck(of, (STATES.clone().requires_grad_(),))


@dataclass(frozen=True)
class Margin(Stat):
    def __call__(self, logits, targets, temperature):
        two = (logits / temperature).topk(2, dim=-1).values
        return two[:, 0] - two[:, 1]


def test_a_statistic_of_the_users_own_takes_one_method():
    scored = tokens()
    found = scored.with_more(scored.stats(2.0), {Margin()}, 2.0)
    assert isinstance(found, MoreStats)
    two = ((STATES @ HEAD.T + BIAS) / 2).topk(2, dim=-1).values
    torch.testing.assert_close(found.extra[Margin()], two[:, 0] - two[:, 1])
    assert not found.extra[Margin()].requires_grad


def test_no_token_and_nothing_wanted():
    nothing = ScoredTokens(TARGETS[:0], STATES[:0], HEAD)
    assert LogprobAt(1.0).of(nothing, None, 1.0).shape == (0,)
    scored = tokens()
    stats = scored.stats(1.0)
    assert scored.with_more(stats, [], 1.0) is stats
