"""What the answers of a problem say of each other, without labels."""

import math
import random

import pytest
import torch

from emlit.preflight.measurements import measure
from tests.unit.metrics.test_answer_table import table
from tests.unit.metrics.test_completions import prediction


def test_semantic_entropy_by_hand():
    ln = math.log
    spread = [prediction("a", i, answer, None) for i, answer in enumerate(["1", "1.0", "2", None])]
    certain = [prediction("b", i, "7", None) for i in range(4)]
    answers = table(spread + certain).answers()
    assert sorted(answers.alike.tolist()) == [1, 1, 2, 2, 4, 4, 4, 4]
    measured = measure(answers, resamples=100)
    assert measured.values["semantic_entropy"].value == pytest.approx((0.5 * ln(2) + 0.5 * ln(4)) / 2)
    assert measured.values["agreement"].value == pytest.approx((1 / 6 + 1) / 2)  # of pairs of a problem's samples
    single = [prediction(f"p{i}", 0, "1", None) for i in range(4)]
    assert "semantic_entropy" not in measure(table(single).answers(), resamples=100).values
    programs = [prediction("p", i, "1", True, vote=None) for i in range(2)]
    filled = type(table(single))()
    filled.update(programs)
    assert filled.answers().alike.isnan().all()
    assert torch.equal(filled.answers().where(torch.tensor([True, False])).sample, torch.tensor([0.0]).double())


def test_confidence_against_the_votes_is_a_count_of_pairs():
    rng = random.Random(0)
    drawn = [(f"p{i}", j, rng.choice(["1", "2", None]), rng.random()) for i in range(12) for j in range(5)]
    drawn += [("apart", j, str(j), rng.random()) for j in range(5)]  # no answer twice: none is voted for
    voted = []
    for id, _, answer, entropy in drawn:
        given = [other for name, _, other, _ in drawn if name == id and other is not None]
        most = max((given.count(each) for each in given), default=0)
        voted.append((id, entropy, answer is not None and most > 1 and given.count(answer) == most))
    pairs = [
        (id == other, (a < b) + (a == b) / 2) for id, a, of in voted for other, b, also in voted if of and not also
    ]
    within = [surer for same, surer in pairs if same]
    predictions = [prediction(id, j, answer, None, mean_entropy=entropy) for id, j, answer, entropy in drawn]
    values = measure(table(predictions).answers(), resamples=100).values
    assert values["auroc_votes"].value == pytest.approx(sum(surer for _, surer in pairs) / len(pairs))
    assert values["auroc_votes_within"].value == pytest.approx(sum(within) / len(within))
    assert "auroc" not in values
    of_one_mind = [prediction(f"p{i}", j, "1", None) for i in range(5) for j in range(2)]
    assert "auroc_votes" not in measure(table(of_one_mind).answers(), resamples=100).values


def test_whether_entropy_prefers_what_ends_is_a_count_of_pairs():
    rng = random.Random(1)
    drawn = [(f"p{i}", j, rng.random() < 0.3, rng.random()) for i in range(10) for j in range(4)]
    predictions = [
        prediction(id, j, None, None, mean_entropy=entropy, finish_reason="length" if cut else "stop")
        for id, j, cut, entropy in drawn
    ]
    pairs = [a < b for _, _, cut, a in drawn if not cut for _, _, also, b in drawn if also]
    values = measure(table(predictions).answers(), resamples=100).values
    assert values["auroc_ended"].value == pytest.approx(sum(pairs) / len(pairs))
    whole = [prediction(f"p{i}", 0, None, None, mean_entropy=0.1) for i in range(4)]
    assert "auroc_ended" not in measure(table(whole).answers(), resamples=100).values
