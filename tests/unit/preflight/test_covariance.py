"""Covariance of log-probability and advantage, against a sum over tokens in Python."""

import math

import pytest

from emlit.preflight.covariance import covariance, group_advantages
from emlit.preflight.measurements import measure
from tests.unit.metrics.test_answer_table import answered, table
from tests.unit.metrics.test_completions import prediction


def reference(predictions) -> float:
    groups: dict[str, list] = {}
    for each in predictions:
        groups.setdefault(each.id, []).append(each)
    tokens = []
    for group in groups.values():
        if len(group) < 2:
            continue
        rewards = [float(each.correct) for each in group]
        mean = sum(rewards) / len(rewards)
        std = math.sqrt(sum((r - mean) ** 2 for r in rewards) / (len(rewards) - 1))
        for each, reward in zip(group, rewards, strict=True):
            tokens += [((reward - mean) / (std + 1e-6), each.mean_logprob)] * each.tokens
    a, logp = (sum(values) / len(tokens) for values in zip(*tokens, strict=True))
    return sum((one - a) * (other - logp) for one, other in tokens) / len(tokens)


def test_equals_a_sum_over_tokens():
    predictions = answered(40, samples=5)
    answers = table(predictions).answers()
    found = covariance(answers, resamples=200)["covariance"]
    assert found.value == pytest.approx(reference(predictions), abs=1e-9)
    assert found.low < found.value < found.high
    assert found.value > 0  # right ones are the surer ones here


def test_groups_of_any_size_and_what_is_left_out():
    predictions = [
        *(prediction("a", i, str(i), i == 0, mean_logprob=-0.1 - i, tokens=3 + i) for i in range(3)),
        *(prediction("b", i, "1", True, mean_logprob=-0.5, tokens=4) for i in range(2)),  # all right: A = 0
        prediction("c", 0, "1", True, mean_logprob=-9.0),  # alone
    ]
    answers = table(predictions).answers()
    advantages = group_advantages(answers)
    assert advantages.isnan().sum() == 1
    assert covariance(answers, resamples=100)["covariance"].value == pytest.approx(reference(predictions), abs=1e-12)
    one = table(predictions[:3]).answers()
    alone = covariance(one)["covariance"]
    assert alone.ends is None  # one problem tells no interval
    assert covariance(table(predictions[-1:]).answers()) == {}


def test_it_is_measured_where_there_are_labels_and_scores():
    values = measure(table(answered(20)).answers(), resamples=100).values
    assert {"covariance", "semantic_entropy"} <= values.keys()
    unlabelled = [prediction(f"p{i}", j, "1", None) for i in range(5) for j in range(3)]
    assert "covariance" not in measure(table(unlabelled).answers(), resamples=100).values
    unscored = [
        prediction(f"p{i}", j, "1", True, mean_entropy=None, mean_logprob=None) for i in range(5) for j in (0, 1)
    ]
    assert "covariance" not in measure(table(unscored).answers(), resamples=100).values
