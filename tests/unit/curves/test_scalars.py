"""The scalars of a round do not depend on how it was cut, and are what their names say."""

import math

import pytest
import torch

from emlit.callbacks.entropy_curves import add_profile
from emlit.curves.round_tokens import RoundTokens, token_losses
from emlit.curves.scalars import completion_scalars, token_scalars
from emlit.engines import Completion
from emlit.functional import Normaliser, TokenStats, policy_gradient_loss, reduce_tokens
from emlit.modules import StepOutput
from tests.conftest import make_batch, make_group


def make_record(groups, normaliser=None, advantage=None, reduction="token_mean", seed=0) -> StepOutput:
    """Entropy of a token is a tenth of its id and log p minus that of its place, so that cutting changes nothing."""
    batch = make_batch(groups, normaliser=normaliser)
    mask = batch.completion_mask
    entropy = (batch.tokens / 10.0).masked_fill(~mask, 0.0)
    logprob = -(mask.long().cumsum(1) / 10.0).masked_fill(~mask, 0.0)
    values = {}
    if advantage is not None:
        per_row = torch.tensor(
            [advantage[tuple(g.prompt.tokens)][i] for g in groups for i in range(len(g.completions))]
        )
        values = {"advantage": per_row.unsqueeze(1).expand(mask.shape), "reward": per_row}
        loss = policy_gradient_loss(logprob, values["advantage"]).loss
    else:
        loss = entropy
    whole = reduce_tokens(loss, mask, reduction, batch.normaliser)
    return StepOutput(batch, TokenStats(logprob, entropy), values, whole, loss)


LONG, SHORT, ONE = list(range(1, 21)), [30, 40], [50]


def test_token_scalars_by_hand():
    groups = [make_group([7, 7], [LONG]), make_group([8], [SHORT])]
    found = token_scalars(RoundTokens.of([make_record(groups)], "token_mean"), tau=1.95)
    # Entropies 0.1 to 2.0, 3 and 4 over 22 tokens.
    assert found["entropy/token_mean"] == pytest.approx((21.0 + 7.0) / 22)
    assert found["entropy/fraction_above_tau"] == pytest.approx(3 / 22)
    # A fifth of 22 is 4.4: 4 + 3 + 2.0 + 1.9 + 0.4 * 1.8 of 28.
    assert found["entropy/top20_share"] == pytest.approx((4 + 3 + 2.0 + 1.9 + 0.4 * 1.8) / 28)
    assert found["loss/top20_share"] == pytest.approx(found["entropy/top20_share"])
    # The last tokens: 2.0 and 4.
    assert found["entropy/end_token"] == pytest.approx(3.0)
    # The first tenth has tokens 1 and 2 of the long one and the first of the short one; the sixth the second.
    assert found["entropy_by_position/00-10"] == pytest.approx((0.1 + 0.2 + 3) / 3)
    assert found["entropy_by_position/50-60"] == pytest.approx((1.1 + 1.2 + 4) / 3)
    assert found["entropy_by_position/90-100"] == pytest.approx((1.9 + 2.0) / 2)
    # log p: -0.1 to -2.0, and -0.1 and -0.2.
    assert found["logprob/token_mean"] == pytest.approx(-(21.0 + 0.3) / 22)


def test_cut_off_completions_have_no_end_token():
    cut, whole = make_group([7], [LONG]), make_group([8], [SHORT])
    object.__setattr__(cut, "completions", [Completion(LONG, [-0.5] * 20, "length")])
    assert token_scalars(RoundTokens.of([make_record([cut, whole])], "token_mean"), 0.5)["entropy/end_token"] == 4.0
    assert "entropy/end_token" not in token_scalars(RoundTokens.of([make_record([cut])], "token_mean"), 0.5)


@pytest.mark.parametrize("reduction", ["token_mean", "sequence_mean", "sequence_sum"])
@pytest.mark.parametrize("with_advantage", [False, True])
def test_scalars_do_not_depend_on_the_cut(reduction, with_advantage):
    groups = [make_group([7, 7], [LONG, SHORT]), make_group([8], [SHORT, ONE]), make_group([9], [ONE, LONG])]
    advantage = {(7, 7): [1.0, -1.0], (8,): [0.5, -0.5], (9,): [-0.2, 0.2]} if with_advantage else None
    whole = Normaliser(46.0, 6.0)
    cuts = [[groups], [[group] for group in groups], [groups[:1], groups[1:]]]
    found = []
    for cut in cuts:
        records = [make_record(piece, whole, advantage, reduction) for piece in cut]
        found.append(token_scalars(RoundTokens.of(records, reduction), 0.5) | completion_scalars(records))
    for other in found[1:]:
        assert other == pytest.approx(found[0])
    assert ("advantage/abs_mean" in found[0]) == with_advantage


@pytest.mark.parametrize("reduction", ["token_mean", "sequence_mean", "sequence_sum"])
def test_token_losses_of_an_entropy_objective_add_up_to_its_loss(reduction):
    record = make_record([make_group([7, 7], [LONG]), make_group([8], [SHORT])], reduction=reduction)
    assert token_losses(record, reduction).sum().item() == pytest.approx(record.loss.item())


def test_token_losses_of_a_policy_gradient_by_hand():
    record = make_record([make_group([7], [SHORT, ONE])], advantage={(7,): [2.0, -3.0]})
    # |A log p| / tokens: 2 * 0.1, 2 * 0.2 and 3 * 0.1, over 3.
    losses = token_losses(record, "token_mean")[record.batch.completion_mask]
    torch.testing.assert_close(losses, torch.tensor([0.2, 0.4, 0.3]) / 3)
    # A fifth of three tokens is 0.6 of the largest.
    share = token_scalars(RoundTokens.of([record], "token_mean"), 0.5)["loss/top20_share"]
    assert share == pytest.approx(0.6 * 0.4 / 0.9)
    # Weighed by completion, the one-token row counts twice as much a token: 0.1, 0.2 and 0.3 of 0.6.
    share = token_scalars(RoundTokens.of([record], "sequence_mean"), 0.5)["loss/top20_share"]
    assert share == pytest.approx(0.6 * 0.3 / 0.6)


def test_a_round_without_entropy_has_no_shares():
    record = make_record([make_group([7], [[0, 0]])])
    found = token_scalars(RoundTokens.of([record], "token_mean"), 0.5)
    assert found["entropy/token_mean"] == 0.0
    assert "entropy/top20_share" not in found
    assert all(map(math.isfinite, found.values()))


def test_a_profile_is_drawn_as_it_is(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    means = [0.5, float("nan"), 0.0, 1.5, 0.25, 0.0, 0.0, 0.0, 0.0, 2.0]
    with SummaryWriter(str(tmp_path)) as writer:
        add_profile(writer, "entropy/by_position", torch.tensor(means), step=3)
    events = EventAccumulator(str(tmp_path)).Reload()
    (event,) = events.Histograms("entropy/by_position")
    found = event.histogram_value
    assert event.step == 3
    assert list(found.bucket_limit)[-10:] == [10.0, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert list(found.bucket)[-10:] == [0.5, 0.0, 0.0, 1.5, 0.25, 0.0, 0.0, 0.0, 0.0, 2.0]
    assert (found.min, found.max, found.num) == (0.0, 100.0, 4.25)
