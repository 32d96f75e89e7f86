"""The field's published code and emlit, on the same small numbers (official_numbers.py has sources and differences)."""

import math
from dataclasses import replace

import pytest
import torch

from emlit.decoding import locally_typical
from emlit.functional import (
    KeptLogprob,
    MoreStats,
    NucleusEntropy,
    ScoredTokens,
    SelfCertainty,
    TokenStats,
    annealed_weights,
    systematic_resampling,
    token_entropy,
)
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
    HighEntropyTokens,
    KLCov,
    LossInputs,
    LpReg,
    PlanningTokens,
    SurprisingTokens,
)
from emlit.rewards import (
    CANON,
    DCPO,
    EMPG,
    GRPO,
    Advantage,
    EMPOReward,
    MajorityReward,
    TokenEntropyReward,
    TokenLevelGRPO,
    UncertainTokens,
)
from emlit.strategies.particle_filtering import step_weight
from tests.conftest import make_batch, make_group
from tests.unit.losses import official_numbers as numbers
from tests.unit.losses.official_numbers import CASES
from tests.unit.losses.test_token_weights import lagged
from tests.unit.rewards.test_answers import answered


def placed(rows):
    """Numbers of sampled tokens where emlit has them: behind a prompt of one token."""
    return torch.nn.functional.pad(torch.tensor(rows, dtype=torch.float64), (1, 0))


MASK = placed(numbers.MASK).bool()
OLD, NEW, H = placed(numbers.OLD), placed(numbers.NEW), placed(numbers.H)
ADVANTAGE = torch.tensor(numbers.ADVANTAGE, dtype=torch.float64).unsqueeze(1)
TOKENS = int(MASK.sum())


def batch_of(lengths, size, **extra):
    groups = [make_group([3], [[5] * n for n in lengths[i : i + size]]) for i in range(0, len(lengths), size)]
    return replace(make_batch(groups), **extra)


LENGTHS = MASK.sum(dim=1).tolist()
BATCH = batch_of(LENGTHS, 3, sampler_logprobs=OLD, old=TokenStats(OLD, H))


def outputs(name):
    return CASES[name]["outputs"]


def close(found, expected, digits=1e-7):
    """Per token where the mask is, the rest being anything."""
    torch.testing.assert_close(found.double()[MASK], placed(expected)[MASK], rtol=digits, atol=digits)


def run(update, weights=(), batch=BATCH):
    """Token mean and its gradient with respect to log p."""
    logprob = NEW.clone().requires_grad_()
    stats = TokenStats(logprob, H)
    terms, _ = update(stats, ADVANTAGE, batch)
    for weigh in weights:
        terms = terms * weigh(LossInputs(stats, batch, None, ADVANTAGE), terms)
    loss = terms[MASK].sum() / TOKENS
    (gradient,) = torch.autograd.grad(loss, logprob)
    return loss.item(), gradient, terms.detach()


def known(plug_in, batch=BATCH):
    """A plug-in as after a step on these very numbers, which the published code takes from the micro-batch."""
    plug_in(LossInputs(TokenStats(NEW, H), batch, None, ADVANTAGE), torch.ones_like(NEW))
    plug_in.update(lambda value, how: value)
    return plug_in


def picked(values):
    return [[row, column - 1] for row, column in (values.bool() & MASK).nonzero().tolist()]


DAPO = {"clip": 0.2, "cap": None, "clip_high": 0.28}


def test_steer():
    exponential, linear = known(STEER()), known(STEER("linear"))
    weights = exponential(LossInputs(TokenStats(NEW, H), BATCH, None, ADVANTAGE), NEW)
    close(weights, outputs("steer")["exp_weights"])
    loss, gradient, _ = run(PPO(**DAPO, dual_clip=10.0), [exponential])
    assert loss == pytest.approx(outputs("steer")["exp_loss"], rel=1e-7)
    close(gradient, outputs("steer")["exp_grad"])
    loss, _, _ = run(PPO(**DAPO, dual_clip=10.0), [linear])
    assert loss == pytest.approx(outputs("steer")["linear_loss"], rel=1e-7)


def covariances():
    logprob, advantage = NEW[MASK].mean(), ADVANTAGE.expand_as(NEW)[MASK].mean()
    return logprob.item(), advantage.item(), (NEW - logprob) * (ADVANTAGE - advantage)


def test_kl_cov():
    logprob, advantage, covariance = covariances()
    threshold = covariance[MASK].topk(4).values[-1].item()  # 20 % of 23 tokens
    update = lagged(KLCov(weight=1.0), logprob=logprob, advantage=advantage, threshold=threshold)
    loss, gradient, _ = run(update)
    assert loss == pytest.approx(outputs("kl_cov")["loss_20"], rel=1e-7)
    close(gradient, outputs("kl_cov")["grad_20"])
    assert picked(covariance >= threshold) == outputs("kl_cov")["picked_20"]
    assert run(lagged(KLCov(weight=0.0), logprob=logprob, advantage=advantage))[0] == pytest.approx(
        outputs("kl_cov")["unregularised_loss"], rel=1e-7
    )


def test_clip_cov():
    logprob, advantage, covariance = covariances()
    for row, expected in enumerate(outputs("clip_cov")["covariance_clip_0_2"]):
        for column, value in enumerate(expected):
            if value is not None:
                assert covariance[row, column + 1].item() == pytest.approx(value, rel=1e-6)
    assert picked((covariance > 1) & (covariance < 5)) == outputs("clip_cov")["candidates_clip_1"]
    # Candidates all dropped: the share asked for is that of the candidates.
    dropping = lagged(ClipCov(share=0.999), logprob=logprob, advantage=advantage, candidates=0.5)
    _, _, kept = run(PPO(1.0, None), [dropping])
    assert picked(kept == 0) == outputs("clip_cov")["candidates_clip_1"]


def test_the_eighty_twenty_rule():
    loss, gradient, terms = run(PPO(**DAPO), [lagged(HighEntropyTokens(0.2, "all"), threshold=1.714)])
    assert picked(terms != 0) == outputs("eighty_twenty_trl")["kept"]
    assert loss == pytest.approx(outputs("eighty_twenty_trl")["loss"], rel=1e-7)
    loss, gradient, _ = run(PPO(**DAPO, dual_clip=10.0), [lagged(HighEntropyTokens(0.2), threshold=1.714)])
    # They keep 5 tokens of 23, and divide by 5; emlit by 0.2 x 23.
    assert loss * 0.2 * TOKENS / 5 == pytest.approx(outputs("eighty_twenty")["loss"], rel=1e-7)
    for place, slope in outputs("eighty_twenty")["grad_of_kept"].items():
        row, column = map(int, place.split(","))
        assert gradient[row, column + 1].item() * 0.2 * TOKENS / 5 == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("min_p", [0.02, 0.2])
def test_the_proxy_of_lp_reg(min_p):
    logits, targets = torch.tensor(numbers.LOGITS, dtype=torch.float64), torch.tensor(numbers.TOKENS)
    found = KeptLogprob(min_p).of(ScoredTokens(targets.flatten(), logits.flatten(0, 1)), None, 1.0)
    expected = torch.tensor(outputs("lp_reg_proxy")[f"min_p_{min_p}"], dtype=torch.float64).flatten()
    expected[expected < -1000] = -torch.inf  # a logit of -1e4 there, an impossible token here
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


def test_lp_reg():
    proxy = placed(CASES["lp_reg"]["inputs"]["proxy_logp"])
    batch = replace(BATCH, old=MoreStats(OLD, H, {KeptLogprob(0.02): proxy}))
    assert run(LpReg(), batch=batch)[0] == pytest.approx(outputs("lp_reg")["loss_share_0_01"], rel=1e-7)
    loss, gradient, _ = run(lagged(LpReg(0.5), surprise=0.9), batch=batch)  # the 6 lowest of 12
    assert loss == pytest.approx(outputs("lp_reg")["loss_share_0_5"], rel=1e-7)
    places = outputs("lp_reg")["picked_share_0_5"]
    found = [gradient[row, column + 1].item() for row, column in places]
    assert found == pytest.approx(outputs("lp_reg")["grad_of_picked"], rel=1e-6)


@pytest.mark.parametrize("scale", ["paper", "released"])
def test_hapo(scale):
    pivot = math.exp(outputs("hapo")["center"])
    update = lagged(HAPO(pivot=0.8, scale=scale), pivot=pivot)
    run(update)  # its largest and smallest
    update.update(lambda value, how: value)
    update.pivot.value = pivot  # theirs is an order statistic, emlit's is from a histogram
    loss, gradient, _ = run(update)
    expected = outputs("hapo")[scale]
    assert loss == pytest.approx(expected["loss"], rel=1e-7)
    if scale == "paper":
        close(update.relative_entropy(H, MASK), expected["h_hat"])
        close(gradient, expected["grad"])


REWARDS = torch.tensor(numbers.REWARDS, dtype=torch.float64)


def advantages(advantage, rewards=REWARDS, size=3, batch=BATCH, entropy=H):
    return advantage(rewards.view(-1, size), batch, TokenStats(NEW, entropy)).double()


def test_token_level_groups():
    found = advantages(TokenLevelGRPO()).flatten().tolist()
    assert found == pytest.approx(outputs("hapo_group_average")["advantage"], rel=1e-6)
    far = outputs("hapo_group_average")["fallback"]
    found = TokenLevelGRPO()(torch.tensor(far["rewards"]).view(1, 3), batch_of(far["lengths"], 3), None)
    assert found.flatten().tolist() == pytest.approx(far["advantage"], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "inter", "alpha"),
    [("inter_mu_1", 1, 1), ("intra_mu_0", 0, 1), ("mixed_mu_half", 0.5, 1), ("inter_alpha_half", 1, 0.5)],
)
def test_canon(name, inter, alpha):
    assert advantages(CANON(inter, alpha)).flatten().tolist() == pytest.approx(outputs("canon")[name])


@pytest.mark.parametrize("inter", [1, 0])
def test_canon_in_a_group_of_four(inter):
    entropy = placed([[each] for each in outputs("canon")["four_entropies"]])
    batch = batch_of([1] * 4, 4, old=TokenStats(entropy, entropy))
    rewards = torch.tensor(outputs("canon")["four_rewards"]).view(1, 4)
    found = CANON(inter)(rewards, batch, None).flatten().tolist()
    assert found == pytest.approx(outputs("canon")["four_inter" if inter else "four_intra"])


@pytest.mark.parametrize("name", ["two_without", "five_without"])
def test_empo(name):
    texts, _, expected = outputs("empo")[name]
    found = EMPOReward()(make_batch([answered(*texts.split("|"))]), None)
    assert found.tolist() == pytest.approx(expected)


def test_empo_compares_values_and_keeps_its_gate():
    """They compare strings, and their gate fails by rounding for some group sizes."""
    texts, _, theirs = outputs("empo")["mixed"]
    found = EMPOReward()(make_batch([answered(*texts.split("|"))]), None).tolist()
    assert theirs == [0.4, 0.2, 0.2, 0.0, 0.4]
    assert found == pytest.approx([0.6, 0.6, 0.2, 0.0, 0.6])
    different = EMPOReward()(make_batch([answered(*(rf"\boxed{{{n}}}" for n in range(7)))]), None)
    assert different.tolist() == [0.0] * 7


def test_rent():
    texts = [r"\boxed{3}" if answer else "none" for answer in CASES["rent"]["settings"]["answers"]]
    groups = [answered(*texts[:3]), answered(*texts[3:])]
    batch = replace(
        BATCH, groups=[replace(each, completions=g.completions) for each, g in zip(groups, BATCH.groups, strict=True)]
    )
    stats = TokenStats(NEW, H)
    assert TokenEntropyReward()(batch, stats).tolist() == pytest.approx(outputs("rent")["entropy"])
    assert TokenEntropyReward(no_answer=-7)(batch, stats).tolist() == pytest.approx(outputs("rent")["base_format"])


LOGITS = torch.tensor(numbers.LOGITS, dtype=torch.float64)


def test_intuitor():
    found = SelfCertainty()(LOGITS.flatten(0, 1), None, 1.0).view(2, 6) + math.log(7)  # they leave log V out
    torch.testing.assert_close(
        found, torch.tensor(outputs("intuitor")["self_certainty"]).double(), rtol=1e-6, atol=1e-6
    )
    rewards = torch.tensor([outputs("intuitor")["row_reward"]], dtype=torch.float64)
    advantage = GRPO()(rewards, None, None)
    assert advantage.flatten().tolist() == pytest.approx(outputs("intuitor")["advantage"], rel=1e-4)


def test_siren():
    expected, settings = outputs("siren"), CASES["siren"]["settings"]
    logits = LOGITS.clone().requires_grad_()
    nucleus = NucleusEntropy(settings["p"])
    entropy = nucleus(logits.flatten(0, 1), None, 1.0).view(2, 6)
    torch.testing.assert_close(entropy, torch.tensor(expected["top_p_entropy"]).double(), rtol=1e-6, atol=1e-6)
    batch = batch_of([6, 5], 2)
    padded = torch.nn.functional.pad(entropy, (1, 0))
    term = SIREN(settings["coefficient"], settings["p"], settings["quantile"], settings["anchor"])
    given = LossInputs(MoreStats(padded, padded, {nucleus: padded}), batch)
    term(given)
    term.update(lambda value, how: value)
    assert term.mean.value == pytest.approx(expected["aggregate"], rel=1e-6)
    found, lengths = term(given), batch.loss_mask.sum(dim=1, keepdim=True)
    loss = found.weight * (found.terms * batch.loss_mask / lengths).sum() / 2  # reduction sequence_mean
    (gradient,) = torch.autograd.grad(loss, logits)
    for place, slopes in expected["grad_logits_of_kept"].items():
        row, column = map(int, place.split(","))
        assert gradient[row, column].tolist() == pytest.approx(slopes, abs=1e-9)


def test_the_advantage_of_uncertain_tokens():
    class Given(Advantage):
        def __call__(self, rewards, batch, stats):
            return ADVANTAGE

    found = advantages(UncertainTokens(Given(), alpha=0.4, kappa=1.0))
    close(found, outputs("entropy_advantage")["advantage"])


def test_epo():
    found = EntropyBonus(0.001)(LossInputs(TokenStats(NEW, H), BATCH))
    slope = found.weight / TOKENS
    assert slope == pytest.approx(outputs("epo")["grad_entropy_every_token"], rel=1e-6)


def test_tea_rl():
    logprob, advantage, _ = covariances()
    term = lagged(CovarianceEntropyBonus(1.0), logprob=logprob, advantage=advantage)
    entropy = H.clone().requires_grad_()
    found = term(LossInputs(TokenStats(NEW, entropy), BATCH, None, ADVANTAGE))
    loss = found.weight * found.terms[MASK].sum() / TOKENS
    assert loss.item() == pytest.approx(outputs("tea_rl")["loss"], rel=1e-6)
    (gradient,) = torch.autograd.grad(loss, entropy)
    close(gradient, outputs("tea_rl")["grad_entropy"])


def test_entropy_sft():
    targets, mask = torch.tensor(numbers.TOKENS), torch.tensor(numbers.LMASK).bool()
    logprob = torch.log_softmax(LOGITS, -1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    surprise = -logprob - 0.8 * token_entropy(LOGITS)
    torch.testing.assert_close(
        surprise, torch.tensor(outputs("entropy_sft")["delta_coef_0_8"]).double(), rtol=1e-6, atol=1e-7
    )
    threshold = surprise[mask].sort().values[3].item()  # 8 of 11 are kept
    batch = batch_of([6, 5], 2)
    stats = TokenStats(*(torch.nn.functional.pad(each, (1, 0)) for each in (logprob, token_entropy(LOGITS))))
    weights = lagged(SurprisingTokens(0.8, 0.8), threshold=threshold)(LossInputs(stats, batch), stats.logprob)
    loss = -(weights * stats.logprob)[batch.loss_mask].sum() / 20
    assert loss.item() == pytest.approx(outputs("entropy_sft")["losses_0_8"][1], rel=1e-6)


@pytest.mark.parametrize(("name", "step", "maximum"), [("skywork", 1e-4, 0.005), ("trl_adaptive_entropy", 0.005, 1.0)])
def test_adaptive_coefficients(name, step, maximum):
    """Skywork's floor is strict, TRL's and emlit's are not: 0.2 itself is below them."""
    expected, term, applied = outputs(name), EntropyFloor(0.2, step, maximum), []
    for entropy in expected["entropies"]:
        # Skywork's floor is strict: 0.2 itself is not below it.
        value = entropy + (1e-9 if name == "skywork" else -1e-9)
        applied.append(-term(LossInputs(TokenStats(NEW, torch.full_like(NEW, value)), BATCH)).weight)
        term.update(lambda value, how: value)
    assert applied == pytest.approx(expected["applied"], abs=1e-12)


def test_empg():
    """The batch's statistics there, the group's here: the same in a batch of one group."""

    class Given(Advantage):
        def __call__(self, rewards, batch, stats):
            return ADVANTAGE

    batch = batch_of(LENGTHS, 6, old=TokenStats(OLD, H))
    found = advantages(EMPG(Given()), size=6, batch=batch)
    assert found.flatten().tolist() == pytest.approx(outputs("empg")["single_turn"], rel=1e-6)


def test_hicra():
    advantage = torch.tensor(CASES["hicra"]["inputs"]["row_advantage"], dtype=torch.float64).unsqueeze(1)
    weights = PlanningTokens(0.2, 0.7)(LossInputs(TokenStats(NEW, H), BATCH, None, advantage), NEW)
    changed = [(row, column - 1, (weights * advantage)[row, column].item()) for row, column in (weights > 1).nonzero()]
    assert [list(each) for each in changed] == [pytest.approx(each) for each in outputs("hicra")["entropy_only"]]


def test_agentic_aepo():
    """Of 2.5 - H: the port keeps the clipped gradients of certain tokens, emlit those of uncertain ones."""
    entropy, expected = 2.5 - H, outputs("aepo_agentic")
    mean, std = entropy[MASK].mean().item(), entropy[MASK].std().item()  # unbiased there
    weigh = lagged(EntropyScaledTokens(0.2), mean=mean, std=std)
    scaled = weigh(LossInputs(TokenStats(NEW, entropy), BATCH, None, ADVANTAGE), NEW)
    logprob = NEW.clone().requires_grad_()
    terms, _ = lagged(EntropyPPO(**{**DAPO, "dual_clip": 3.0}), entropy=H[MASK].mean().item())(
        TokenStats(logprob, H), ADVANTAGE, BATCH
    )
    loss = (terms * scaled)[MASK].sum() / TOKENS
    assert loss.item() == pytest.approx(expected["inverted_loss"], rel=1e-6)
    (gradient,) = torch.autograd.grad(loss, logprob)
    for place, z, slope in zip(
        expected["clipped_high"], expected["inverted_z_of_clipped"], expected["inverted_grad_of_clipped"], strict=True
    ):
        row, column = place[0], place[1] + 1
        assert (entropy[row, column].item() - mean) / std == pytest.approx(z, rel=1e-6)
        assert gradient[row, column].item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("name", ["majority", "tie", "equivalent", "last_number", "no_answer_wins"])
def test_ttrl(name):
    """They vote on strings and let silence win, and read a number that nothing marks as the answer."""
    texts, _, theirs, _ = outputs("ttrl")[name]
    found = MajorityReward()(make_batch([answered(*texts.split("|"))]), None).tolist()
    mine = {"last_number": "010", "no_answer_wins": "00010"}.get(name, theirs)
    assert "".join(str(int(each)) for each in found) == mine


@pytest.mark.parametrize(("mass", "name"), [(0.9, "0.9"), (0.5, "0.5"), (0.2, "0.2")])
def test_locally_typical_sampling(mass, name):
    kept = locally_typical(LOGITS.flatten(0, 1), mass).isfinite()
    rows = ["".join(map(str, row.nonzero().flatten().tolist())) for row in kept]
    assert "/".join(rows) == outputs("typical")[name]


def test_particle_filtering():
    expected = outputs("particle_filtering")
    weights = [step_weight(math.log(score), "odds") for score in expected["scores"]]
    assert weights == pytest.approx(expected["log_weights"], abs=1e-6)
    probabilities = torch.tensor(weights, dtype=torch.float64).softmax(dim=0)
    assert probabilities.tolist() == pytest.approx(expected["probabilities"], rel=1e-6)
    drawn = outputs("entropic_particle_filter")["systematic"]
    places = systematic_resampling(probabilities, drawn["u"])
    assert [places.count(place) for place in range(4)] == drawn["of_4"]


def test_entropic_particle_filtering():
    expected = outputs("entropic_particle_filter")
    log_weights = torch.tensor(expected["log_weights"], dtype=torch.float64)
    for step, temperature in expected["ess"].items():
        found = annealed_weights(log_weights, int(step) / expected["max_steps"])
        torch.testing.assert_close(found, (log_weights / temperature).softmax(dim=0), rtol=1e-6, atol=1e-9)
    assert annealed_weights(log_weights, 0.1).tolist() == pytest.approx(expected["probabilities_ess_step_1"], rel=1e-6)


def test_dcpo():
    given, expected = CASES["dcpo"]["inputs"], outputs("dcpo")
    logp, tempered = placed(given["logp"]), placed(given["logp_temperature"])

    class Given(Advantage):
        def __call__(self, rewards, batch, stats):
            return torch.tensor(given["row_advantage"], dtype=torch.float64).unsqueeze(1)

    batch, rewards = batch_of([3] * 4, 4), torch.tensor(given["rewards"], dtype=torch.float64).view(1, 4)
    for entropy, rows in (
        (0.2, {0: "row_0", 1: "row_1", 2: "row_2"}),
        (0.45, {0: "row_0_at_0_45"}),
        (0.7, {0: "row_0"}),
    ):
        advantage = lagged(DCPO(Given()), entropy=entropy, right=0.5)
        stats = MoreStats(logp, logp, {advantage.hot: tempered, advantage.cold: tempered})
        found = advantage(rewards, batch, stats)
        for row, name in rows.items():
            assert found[row, 1:].tolist() == pytest.approx(expected[name], rel=1e-6)


def test_one_shot_em():
    expected = outputs("one_shot_em")
    entropy = token_entropy(LOGITS, 0.5)
    torch.testing.assert_close(entropy, torch.tensor(expected["token_entropy"]).double(), rtol=1e-6, atol=1e-7)
    mask = torch.tensor(expected["mask"]).bool()
    assert entropy[mask].mean().item() == pytest.approx(expected["loss"], rel=1e-6)
