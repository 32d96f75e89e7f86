"""Losses, weights and terms of the field's other methods against their formulas, token by token in plain Python."""

import math
from dataclasses import replace

import pytest
import torch

from emlit.errors import ConfigError
from emlit.functional import KeptLogprob, MoreStats, NucleusEntropy, TokenStats
from emlit.losses import (
    HAPO,
    PPO,
    SIREN,
    STEER,
    ClipCov,
    CovarianceEntropyBonus,
    EntropyBonus,
    EntropyFloor,
    EntropyPPO,
    EntropyScaledTokens,
    EntropyTarget,
    HighEntropyTokens,
    KLCov,
    LossInputs,
    LpReg,
    PlanningTokens,
    SurprisingTokens,
)
from emlit.losses.token_weights import above_row_quantile
from emlit.modules import EMFT, EMRL, SFT
from emlit.rewards import DCPO, SelfCertaintyReward
from tests.conftest import make_batch
from tests.unit.losses.test_token_weights import lagged
from tests.unit.modules.test_objectives import GROUPS, gradient, ready

BATCH = make_batch(GROUPS)
MASK = BATCH.loss_mask
G = torch.Generator().manual_seed(3)
LOGPROB = -3 * torch.rand(MASK.shape, generator=G, dtype=torch.float64) - 0.01
OLD = (LOGPROB + 0.6 * torch.randn(MASK.shape, generator=G, dtype=torch.float64)).clamp(max=-0.01)
ENTROPY = 2 * torch.rand(MASK.shape, generator=G, dtype=torch.float64)
OLD_ENTROPY = 0.7 * ENTROPY
ADVANTAGE = torch.tensor([[1.5], [-1.5], [0.4], [-0.4], [2.0], [-2.0]], dtype=torch.float64)
PROXY = KeptLogprob(0.02)
NUCLEUS = NucleusEntropy(0.8)
TOKENS = [(row, column) for row, column in MASK.nonzero().tolist()]


def stats():
    return TokenStats(LOGPROB.clone().requires_grad_(), ENTROPY)


def batch():
    return replace(BATCH, old=TokenStats(OLD, OLD_ENTROPY), sampler_logprobs=OLD)


def at(values, token):
    return values[token].item() if values.shape[1] > 1 else values[token[0], 0].item()


def check(update, found, expected_loss, expected_slope=None):
    """A loss, token by token, and its derivative with respect to log p."""
    for token in TOKENS:
        assert at(found, token) == pytest.approx(expected_loss(token), rel=1e-6, abs=1e-9), token
    if expected_slope is not None:
        (slope,) = torch.autograd.grad(found[MASK].sum(), update)
        for token in TOKENS:
            assert at(slope, token) == pytest.approx(expected_slope(token), rel=1e-6, abs=1e-9), token


def ratio(token):
    return math.exp(at(LOGPROB, token) - at(OLD, token))


def clipped(a, w, low, high, dual=None):
    """Loss and slope of PPO."""
    inside = min(max(w, 1 - low), 1 + high)
    loss, slope = -a * w, -a * w
    if -a * inside > loss:
        loss, slope = -a * inside, 0.0
    if dual is not None and a < 0 and loss > -a * dual:
        loss, slope = -a * dual, 0.0
    return loss, slope


@pytest.mark.parametrize(("high", "dual"), [(None, None), (0.28, None), (0.28, 1.5), (None, 3.0)])
def test_ppo_with_two_bounds_and_a_dual_clip(high, dual):
    given = stats()
    loss, _ = PPO(0.2, cap=None, clip_high=high, dual_clip=dual)(given, ADVANTAGE, batch())

    def expected(token):
        return clipped(at(ADVANTAGE, token), ratio(token), 0.2, 0.2 if high is None else high, dual)

    check(given.logprob, loss, lambda token: expected(token)[0], lambda token: expected(token)[1])
    assert any(expected(token)[1] == 0 for token in TOKENS)


def test_a_gradient_that_the_upper_bound_leaves():
    update = lagged(EntropyPPO(0.2), entropy=1.0)
    given = stats()
    loss, _ = update(given, ADVANTAGE, batch())

    def expected(token):
        a, w = at(ADVANTAGE, token), ratio(token)
        loss, slope = clipped(a, w, 0.2, 0.2)
        kept = at(ENTROPY, token) > 1.0 and w > 1.2 and a > 0
        return loss, -a * 1.2 if kept else slope

    check(given.logprob, loss, lambda token: expected(token)[0], lambda token: expected(token)[1])
    assert any(at(ENTROPY, t) > 1 and ratio(t) > 1.2 and at(ADVANTAGE, t) > 0 for t in TOKENS)


@pytest.mark.parametrize("scale", ["paper", "released"])
def test_hapo(scale):
    pivot, above, below = 0.9, 0.7, 1.8
    update = lagged(HAPO(0.2, alpha=0.8, beta=0.6, scale=scale), pivot=pivot, above=above, below=below)
    given = stats()
    loss, values = update(given, ADVANTAGE, batch())

    def h(token):
        found = math.log(at(ENTROPY, token)) - math.log(pivot)
        found = found / above if found > 0 else found / below * (1 if scale == "paper" else -1)
        return min(max(found, -1.0), 1.0)

    def expected(token):
        a, w, x = at(ADVANTAGE, token), ratio(token), h(token)
        low, high = (0.2, 0.2 * (1 + 0.8 * x)) if x > 0 else (0.2 * (1 - 0.8 * x), 0.2)
        near = 1 - low / 2 < w < 1 + high / 2
        if (x > 0 and not near) or (x <= 0 and near):
            a *= 1 + 0.6 * x
        return clipped(a, w, low, high, 10.0)

    check(given.logprob, loss, lambda token: expected(token)[0], lambda token: expected(token)[1])
    assert (values["policy/relative_entropy"][MASK] < 0).any() == (scale == "paper")


def test_hapo_learns_its_scale_in_two_steps():
    update = HAPO(pivot=0.5)
    for known in range(3):
        _, values = update(stats(), ADVANTAGE, batch())
        assert values["policy/relative_entropy"][MASK].any() == (known == 2)
        update.update(lambda value, how: value)
    h = values["policy/relative_entropy"][MASK]
    assert h.max() == pytest.approx(1.0, abs=0.02)
    assert h.min() == pytest.approx(-1.0, abs=0.02)


def covariance(token, logprob=-1.4, advantage=0.1):
    return (at(LOGPROB, token) - logprob) * (at(ADVANTAGE, token) - advantage)


def test_kl_cov():
    ordered = sorted(map(covariance, TOKENS))
    threshold = ordered[-5]
    update = lagged(KLCov(weight=0.7), logprob=-1.4, advantage=0.1, threshold=threshold)
    given = stats()
    loss, values = update(given, ADVANTAGE, batch())

    def picked(token):
        return covariance(token) >= threshold

    def expected(token):
        log_ratio = at(LOGPROB, token) - at(OLD, token)
        return -at(ADVANTAGE, token) * math.exp(log_ratio) + (0.7 * abs(log_ratio) if picked(token) else 0)

    def slope(token):
        sign = math.copysign(1.0, at(LOGPROB, token) - at(OLD, token))
        return -at(ADVANTAGE, token) * ratio(token) + (0.7 * sign if picked(token) else 0)

    check(given.logprob, loss, expected, slope)
    assert values["policy/picked"][MASK].sum() == 5


def test_lp_reg():
    dropped = torch.rand(MASK.shape, generator=G) < 0.3
    proxy = torch.where(dropped, -torch.inf, (LOGPROB + 0.3 * torch.randn(MASK.shape, generator=G)).clamp(max=0))
    update = lagged(LpReg(share=0.3, weight=0.5), surprise=0.8)
    given = stats()
    loss, values = update(given, ADVANTAGE, replace(batch(), old=MoreStats(OLD, ENTROPY, {PROXY: proxy})))

    def picked(token):
        surprised = at(ADVANTAGE, token) < 0 and -at(LOGPROB, token) >= 0.8
        return surprised and at(LOGPROB, token) < at(proxy, token)

    def expected(token):
        a, w = at(ADVANTAGE, token), ratio(token)
        if not picked(token):
            return clipped(a, w, 1.0, 9.0)
        d = at(proxy, token) - at(LOGPROB, token)
        return -a * w + 0.5 * (math.exp(d) - d - 1), -a * w + 0.5 * (1 - math.exp(d))

    check(given.logprob, loss, lambda token: expected(token)[0], lambda token: expected(token)[1])
    assert 0 < values["policy/picked"][MASK].sum() < len(TOKENS)
    assert not any(picked(token) and at(dropped, token) for token in TOKENS)


def inputs(given=None, advantage=ADVANTAGE):
    return LossInputs(given or stats(), batch(), None, advantage)


@pytest.mark.parametrize("shape", ["exponential", "linear"])
def test_steer(shape):
    largest, smallest = 1.1, -0.05
    weigh = lagged(STEER(shape, least=0.7, most=1.3), largest=largest, smallest=smallest)
    found = weigh(inputs(), torch.ones_like(LOGPROB))

    def expected(token):
        p = math.exp(at(LOGPROB, token))
        omega = abs(
            at(ADVANTAGE, token) / math.exp(at(OLD, token)) * p * (1 - p) * (math.log(p) + at(OLD_ENTROPY, token))
        )
        if shape == "exponential":
            return max(math.exp(math.log(0.7) / largest * omega), 0.7)
        return min(max(1.3 - (omega + smallest) * 0.6 / (largest + smallest), 0.7), 1.3)

    check(None, found, expected)
    weigh.update(lambda value, how: value)
    assert found[MASK].min() >= 0.7
    assert weigh.smallest.value <= 0 < weigh.largest.value


def test_the_means_of_kept_tokens_and_of_all():
    kept, everything = (lagged(HighEntropyTokens(0.25, mean), threshold=1.2) for mean in ("kept", "all"))
    loss = torch.ones_like(LOGPROB)
    assert torch.equal(kept(inputs(), loss), 4 * everything(inputs(), loss))
    check(None, everything(inputs(), loss), lambda token: float(at(ENTROPY, token) >= 1.2))


def test_surprising_tokens():
    weigh = lagged(SurprisingTokens(0.8, 0.5), threshold=0.4)
    found = weigh(inputs(advantage=None), torch.ones_like(LOGPROB))
    check(None, found, lambda t: 1.25 * (-at(LOGPROB, t) - 0.5 * at(ENTROPY, t) >= 0.4))


def test_planning_tokens():
    found = PlanningTokens(0.2, 0.7)(inputs(), torch.ones_like(LOGPROB))

    def expected(token):
        row = token[0]
        lengths = BATCH.completion_mask.sum(dim=1).tolist()
        group = lengths[row // 2 * 2 : row // 2 * 2 + 2]
        entropies = ENTROPY[row][BATCH.completion_mask[row]]
        above = at(ENTROPY, token) > sorted(entropies.tolist())[int(0.7 * lengths[row])]
        return 1.2 if above and lengths[row] > sum(group) / 2 and at(ADVANTAGE, token) > 0 else 1.0

    check(None, found, expected)
    assert (found[MASK] > 1).any()


def test_entropy_scaled_tokens():
    weigh = lagged(EntropyScaledTokens(2.0), mean=0.9, std=0.5)
    found = weigh(inputs(), torch.ones_like(LOGPROB))
    check(None, found, lambda t: max(1 + 2.0 * (at(ENTROPY, t) - 0.9) / 0.5, 0.0))
    assert (found[MASK] == 0).any()


@pytest.mark.parametrize("q", [0.1, 0.5, 0.7, 0.9])
def test_quantiles_of_rows_are_torchs(q):
    above = above_row_quantile(ENTROPY, MASK, q)
    for row in range(len(MASK)):
        values = ENTROPY[row][MASK[row]]
        assert torch.equal(above[row][MASK[row]], values > values.quantile(q))
    assert not above[~MASK].any()
    assert not above_row_quantile(ENTROPY, MASK & False, q).any()


def test_a_bonus_and_a_target_from_both_sides():
    assert EntropyBonus(0.3)(inputs()).weight == -0.3
    for mean, weight in ((0.9, 0.02), (0.1, -0.02), (0.55, None), (None, None)):
        term = lagged(EntropyTarget(0.55, 0.02), entropy=mean)
        found = term(inputs())
        assert (found.terms is None) == (weight is None)
        if weight is not None:
            assert found.weight == weight
            assert torch.equal(found.terms, ENTROPY)


def test_siren():
    entropy = (2 * torch.rand(MASK.shape, generator=G, dtype=torch.float64)).requires_grad_()
    term = SIREN(0.5, q=0.5)
    given = inputs(MoreStats(LOGPROB, ENTROPY, {NUCLEUS: entropy}))

    def of_completions():
        means = []
        for row in range(len(MASK)):
            values = entropy[row][MASK[row]]
            kept = values[values > values.detach().quantile(0.5)]
            means.append(kept.mean() if len(kept) else values.sum() * 0)
        return torch.stack(means).mean()

    assert term(given).terms is None
    term.update(lambda value, how: value)
    assert term.anchor == pytest.approx(of_completions().item(), rel=1e-6)
    term.anchor = 0.4
    objective = ready(EMRL(kl_weight=0.0))  # whose own reduction is over tokens
    loss = objective.finish(torch.zeros(()), torch.zeros(1, 1), given, {})
    assert loss == 0
    objective.loss_terms = [term]
    (ours,) = torch.autograd.grad(objective.finish(torch.zeros(()), torch.zeros(1, 1), given, {}), entropy)
    (theirs,) = torch.autograd.grad(0.5 * (of_completions() - 0.4) ** 2, entropy)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(("given", "expected"), [(None, 0.4), (0.7, 0.7)])
def test_an_anchor_goes_through_a_checkpoint_and_a_given_one_stays(given, expected):
    term, resumed = SIREN(), SIREN(anchor=given)
    term.anchor = 0.4
    resumed.load_state_dict(term.state_dict())
    assert resumed.anchor == expected


def test_a_bonus_by_covariance():
    term = lagged(CovarianceEntropyBonus(0.1, 10.0, 5.0), logprob=-1.4, advantage=0.1)
    found = term(inputs())

    def expected(token):
        row = [covariance((token[0], column)) for row, column in TOKENS if row == token[0]]
        share = math.exp(covariance(token)) / sum(map(math.exp, row))
        return min(10 * share, 5.0) * at(ENTROPY, token)

    check(None, found.terms, expected)
    assert found.weight == -0.1


UPDATES = {
    "DAPO's clips": lambda: PPO(0.2, 2.0, 0.28, 3.0),
    "KL-Cov": lambda: lagged(KLCov(), logprob=-2.0, advantage=0.0, threshold=0.5),
    "Lp-Reg": lambda: lagged(LpReg(0.5), surprise=1.5),
    "HAPO": lambda: lagged(HAPO(), pivot=1.0, above=0.5, below=2.0),
    "entropy PPO": lambda: lagged(EntropyPPO(), entropy=1.0),
}
WEIGHTS = {
    "STEER": lambda: lagged(STEER(), largest=1.0, smallest=-0.1),
    "STEER, linear": lambda: lagged(STEER("linear"), largest=1.0, smallest=-0.1),
    "planning": PlanningTokens,
    "surprising": lambda: lagged(SurprisingTokens(), threshold=0.5),
    "entropy-scaled": lambda: lagged(EntropyScaledTokens(), mean=1.0, std=0.5),
    "80/20, all": lambda: lagged(HighEntropyTokens(0.5, "all"), threshold=1.0),
    "80/20": lambda: lagged(HighEntropyTokens(0.5), threshold=1.0),
    "Clip-Cov": lambda: lagged(ClipCov(0.1, 0.0, 50.0), logprob=-2.0, advantage=0.0, candidates=0.2),
}


def siren():
    term = lagged(SIREN(0.5), mean=1.0)
    term.anchor = 0.6
    return term


TERMS = {
    "bonus": EntropyBonus,
    "target": lambda: lagged(EntropyTarget(), entropy=1.0),
    "SIREN": siren,
    "covariance bonus": lambda: lagged(CovarianceEntropyBonus(), logprob=-2.0, advantage=0.0),
    "floor": lambda: EntropyFloor(10.0),
}
METHODS = {
    **{name: lambda make=make: {"policy_update": make()} for name, make in UPDATES.items()},
    **{name: lambda make=make: {"token_weights": [make()]} for name, make in WEIGHTS.items()},
    **{name: lambda make=make: {"loss_terms": [make()]} for name, make in TERMS.items()},
    "DCPO": lambda: {"advantage": lagged(DCPO(), entropy=0.4, right=0.5), "reward": SelfCertaintyReward()},
}


def step(options, batches, world_size=1):
    """The gradient, and the statistics after it."""
    module = ready(EMRL(kl_weight=0.0, **options), micro_batches=len(batches), world_size=world_size)
    return gradient(module, batches), list(module.lagged.values())


def require_one_step(groups, name, **masked):
    """The gradient and the statistics of a round in one micro-batch and in one a group are the same."""
    whole = make_batch(groups, **masked)
    parts = [make_batch([group], normaliser=whole.normaliser, **masked) for group in groups]
    (one, known), (other, cut) = step(METHODS[name](), [whole]), step(METHODS[name](), parts)
    for parameter in one:
        torch.testing.assert_close(one[parameter], other[parameter], rtol=1e-4, atol=1e-8)
    for left, right in zip(known, cut, strict=True):
        left.update(lambda value, how: value)
        right.update(lambda value, how: value)
        assert left.lagged_state() == pytest.approx(right.lagged_state(), rel=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_eight_by_one_is_one_by_eight(name):
    require_one_step(GROUPS, name)


def cut(tokens=None):
    """The groups with one completion that reached the limit, and other tokens in its place where they are given."""
    first, second = GROUPS[0].completions
    second = replace(second, finish_reason="length", tokens=tokens or second.tokens)
    return [replace(GROUPS[0], completions=[first, second]), *GROUPS[1:]]


@pytest.mark.parametrize("name", METHODS)
def test_truncated_completions_are_left_out_however_a_round_is_cut(name):
    require_one_step(cut(), name, mask_truncated=True)


@pytest.mark.parametrize("name", METHODS)
def test_what_a_truncated_completion_says_changes_nothing(name):
    found = []
    for tokens in (None, [7] * len(GROUPS[0].completions[1].tokens)):
        module = ready(EMRL(kl_weight=0.0, **METHODS[name]()))
        rewards = torch.tensor([0.9, 0.1, 0.3, 0.8, 0.5, 0.2])
        module.reward.score = lambda batch, stats, rewards=rewards: (rewards, {})
        gradients = gradient(module, [make_batch(cut(tokens), mask_truncated=True)])
        for each in module.lagged.values():
            each.update(lambda value, how: value)
        found.append((gradients, [each.lagged_state() for each in module.lagged.values()]))
    (one, known), (other, told) = found
    assert known == told
    for parameter in one:
        if "embed" not in parameter:  # the tied head is read for every token, with weight 0
            torch.testing.assert_close(one[parameter], other[parameter], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    "weigh",
    [
        lambda: lagged(HighEntropyTokens(), threshold=1e9),
        lambda: lagged(SurprisingTokens(), threshold=1e9),
        lambda: lagged(ClipCov(0.999, 0.0, 1e9), logprob=-1e3, advantage=-1e3, candidates=1.0),
    ],
    ids=["80/20", "surprising", "Clip-Cov"],
)
def test_where_no_token_is_kept_there_is_no_gradient(weigh):
    found = gradient(ready(EMRL(kl_weight=0.0, token_weights=[weigh()])), [make_batch(GROUPS)])
    assert not any(value.any() for value in found.values())


def test_what_terms_weigh_by_is_constant():
    """The covariance in TEA-RL's bonus has no gradient, as it has in the released code; nor SIREN's mean."""
    entropy, logprob = ENTROPY.clone().requires_grad_(), LOGPROB.clone().requires_grad_()
    term = lagged(CovarianceEntropyBonus(), logprob=-2.0, advantage=0.0)
    found = term(inputs(TokenStats(logprob, entropy)))
    assert torch.autograd.grad(found.terms.sum(), logprob, allow_unused=True, retain_graph=True) == (None,)
    (slope,) = torch.autograd.grad(found.terms.sum(), entropy)
    torch.testing.assert_close(slope * ENTROPY, found.terms.detach())
    nucleus = ENTROPY.clone().requires_grad_()
    found = siren()(inputs(MoreStats(LOGPROB, ENTROPY, {NUCLEUS: nucleus})))
    assert isinstance(found.weight, float)
    (slope,) = torch.autograd.grad(found.terms.sum(), nucleus)
    torch.testing.assert_close(slope * ENTROPY, found.terms.detach())


@pytest.mark.parametrize("name", [*UPDATES, *WEIGHTS])
def test_weights_and_bounds_are_constants(name):
    """No loss has a gradient with respect to H, nor a weight one with respect to anything."""
    entropy, logprob = ENTROPY.clone().requires_grad_(), LOGPROB.clone().requires_grad_()
    given = replace(batch(), old=MoreStats(OLD, ENTROPY, {PROXY: LOGPROB + 0.1}))
    made = METHODS[name]()
    if name in UPDATES:
        loss, _ = made["policy_update"](TokenStats(logprob, entropy), ADVANTAGE, given)
        slope, other = torch.autograd.grad(loss[MASK].sum(), (logprob, entropy), allow_unused=True)
        assert slope.any()
        assert other is None or not other.any()
    else:
        (weigh,) = made["token_weights"]
        weights = weigh(LossInputs(TokenStats(logprob, entropy), given, None, ADVANTAGE), logprob)
        assert len(set(weights[MASK].tolist())) > 1
        assert not weights.requires_grad


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_are_one(name):
    whole = make_batch(GROUPS)
    (one, known) = step(METHODS[name](), [whole])
    halves = [make_batch(part, normaliser=whole.normaliser) for part in (GROUPS[:1], GROUPS[1:])]
    (left, first), (right, second) = (step(METHODS[name](), [half], world_size=2) for half in halves)
    for parameter in one:
        torch.testing.assert_close((left[parameter] + right[parameter]) / 2, one[parameter], rtol=1e-4, atol=1e-8)
    for each, a, b in zip(known, first, second, strict=True):
        each.update(lambda value, how: value)
        seen = {key: (x._seen, b.statistics()[key]._seen) for key, x in a.statistics().items()}
        for key, statistic in a.statistics().items():
            pair = seen[key]
            statistic.update(lambda value, how, pair=pair: torch.maximum(*pair) if how == "max" else pair[0] + pair[1])
        assert a.lagged_state() == pytest.approx(each.lagged_state(), rel=1e-6)


@pytest.mark.parametrize("name", [*UPDATES, *WEIGHTS])
def test_a_group_of_equal_rewards_has_no_gradient(name):
    module = ready(EMRL(kl_weight=0.0, **METHODS[name]()))
    module.reward = lambda batch, stats: torch.full((len(batch.tokens),), 0.3)
    module.reward.score = lambda batch, stats: (torch.full((len(batch.tokens),), 0.3), {})
    module.reward.needs, module.reward.needs_old = (), False
    found = gradient(module, [make_batch(GROUPS)])
    if name in ("KL-Cov", "Lp-Reg"):  # their penalties are 0 at the policy that sampled
        assert max(value.abs().max() for value in found.values()) < 1e-6
    else:
        assert not any(value.any() for value in found.values())


@pytest.mark.parametrize("name", METHODS)
def test_a_nan_changes_no_statistic(name):
    options = METHODS[name]()
    module = ready(EMRL(kl_weight=0.0, **options))
    before = [each.lagged_state() for each in module.lagged.values()]
    with torch.no_grad():
        next(module.model.parameters()).fill_(math.nan)
    module.training_step(make_batch(GROUPS))
    for each in module.lagged.values():
        each.update(lambda value, how: value)
    after = [each.lagged_state() for each in module.lagged.values()]
    assert before == after


@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_state_goes_through_a_checkpoint(make):
    module, fresh = (ready(EMRL(kl_weight=0.0, **options)) for options in (make(), make()))
    for plug_in in fresh.lagged.values():
        plug_in.load_lagged_state({})
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    fresh.on_load_checkpoint(checkpoint)
    one, two = gradient(module, [make_batch(GROUPS)]), gradient(fresh, [make_batch(GROUPS)])
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("module", [EMFT, SFT])
def test_terms_work_in_every_objective(module):
    for make in (EntropyBonus, EntropyTarget, siren):
        found = gradient(ready(module(loss_terms=[make()])), [make_batch(GROUPS)])
        assert all(value.isfinite().all() for value in found.values())
    with pytest.raises(ConfigError, match="CovarianceEntropyBonus weighs tokens by their advantage; use it with EMRL"):
        gradient(ready(module(loss_terms=[CovarianceEntropyBonus()])), [make_batch(GROUPS)])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: PPO(clip_high=0), "clip_high of PPO is 0; it must be positive"),
        (lambda: PPO(dual_clip=1), "dual_clip of PPO is 1; it must be above 1"),
        (lambda: PPO(cap=1.1, clip_high=0.28), "cap of PPO is 1.1; it must be at least 1 \\+ clip_high, 1.28"),
        (lambda: HAPO(pivot=1), "pivot of HAPO is 1"),
        (lambda: HAPO(beta=-1), "must not be negative"),
        (lambda: KLCov(share=0), "share of KLCov is 0"),
        (lambda: KLCov(weight=-1), "weight of KLCov"),
        (lambda: LpReg(min_p=1), "min_p of LpReg is 1"),
        (lambda: LpReg(clip=0), "clip of LpReg is 0"),
        (lambda: STEER(least=1), "least of STEER is 1"),
        (lambda: STEER(most=0.5), "most of STEER is 0.5"),
        (lambda: PlanningTokens(q=0), "q of PlanningTokens is 0"),
        (lambda: SurprisingTokens(share=1), "share of SurprisingTokens is 1"),
        (lambda: EntropyTarget(target=0), "target of EntropyTarget is 0"),
        (lambda: SIREN(p=1), "p of SIREN is 1"),
        (lambda: EntropyBonus(math.nan), "weight of EntropyBonus is nan"),
        (lambda: CovarianceEntropyBonus(scale=0), "scale 0"),
    ],
)
def test_values_out_of_range(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()
