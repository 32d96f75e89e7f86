"""Rewards that read the answer, on completions written by hand."""

import math

import pytest
import torch

from emlit.engines import Completion
from emlit.errors import ConfigError, DataError
from emlit.rewards import EMPOReward, VerifiedAnswerReward, VoteFractionReward
from emlit.rewards.answers import vote_fractions
from emlit.rollout import Group, Prompt
from emlit.tasks import PromptFile, Row, Task, TinyArithmetic
from tests.conftest import make_batch

TASK = TinyArithmetic("train", n=1)


def answered(*texts: str, label: str | None = "1/2", task: Task = TASK) -> Group:
    completions = [Completion([5, 1], [-0.5, -0.5], "stop") for _ in texts]
    return Group(Prompt(task, Row(id="x", prompt="?", answer=label), [3]), completions, list(texts))


def rewarded(reward, *groups: Group) -> list[float]:
    return reward(make_batch(list(groups)), None).tolist()


def test_verified_answers():
    group = answered(r"\boxed{\frac{1}{2}}", r"so \boxed{0.5}", r"\boxed{2}", "no answer", "The answer is 1/2")
    assert rewarded(VerifiedAnswerReward(), group) == [1, 1, 0, 0, 1]
    # The last one's answer is right, but not in a box.
    found = rewarded(VerifiedAnswerReward(format_weight=0.25), group)
    assert found == [1.25, 1.25, 0.25, 0, 1]


def test_an_answer_is_graded_by_its_own_task():
    class Reversed(TinyArithmetic):
        def equal(self, answer, other):
            return answer is not None and answer[::-1] == other

    groups = [answered(r"\boxed{12}", label="21"), answered(r"\boxed{12}", label="21", task=Reversed("train", n=1))]
    assert rewarded(VerifiedAnswerReward(), *groups) == [0, 1]


def test_a_group_is_graded_once():
    calls = []

    class Counting(TinyArithmetic):
        def grade(self, row, completion):
            calls.append(completion)
            return super().grade(row, completion)

    group = answered(r"\boxed{1}", r"\boxed{2}", task=Counting("train", n=1))
    rewarded(VerifiedAnswerReward(), group)
    rewarded(VoteFractionReward(), group)
    assert len(calls) == 2


def test_prompts_without_labels_are_refused(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "1+1?", "answer": "2"}\n{"prompt": "1+2?"}\n')
    task = PromptFile(str(path))
    prompts = [Prompt(task, row, [1]) for row in task.rows()]
    VerifiedAnswerReward().check(prompts[:1])
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: no label.*answer_column"):
        VerifiedAnswerReward().check(prompts)
    VoteFractionReward().check(prompts)
    with pytest.raises(DataError, match="tiny, x: no label"):
        VerifiedAnswerReward().check([answered("", label=None).prompt])


def test_bad_weight():
    with pytest.raises(ConfigError, match="format_weight is -1"):
        VerifiedAnswerReward(format_weight=-1)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # 2 of 4 say a half, each in its own way; two others stand alone.
        ([r"\boxed{1/2}", r"\boxed{0.5}", r"\boxed{3}", r"\boxed{4}"], [0.5, 0.5, 0.25, 0.25]),
        # What cannot be parsed agrees with itself alone, and not with another of its kind.
        (["?", "?", r"\boxed{7}", r"\boxed{7}"], [0.25, 0.25, 0.5, 0.5]),
        ([r"\boxed{7}"] * 4, [1, 1, 1, 1]),
        # The same text, though it means nothing to math-verify, is the same answer.
        ([r"\boxed{blue}", r"\boxed{blue}", r"\boxed{red}"], [2 / 3, 2 / 3, 1 / 3]),
    ],
)
def test_votes_by_hand(texts, expected):
    assert vote_fractions(answered(*texts, label=None)) == pytest.approx(expected)


def test_votes_need_no_label_and_stay_in_their_group():
    groups = [answered(r"\boxed{1}", r"\boxed{1}", label=None), answered(r"\boxed{1}", r"\boxed{2}", label=None)]
    assert rewarded(VoteFractionReward(), *groups) == [1, 1, 0.5, 0.5]


def test_votes_do_not_depend_on_the_order():
    class OneWay(TinyArithmetic):
        """As math-verify: an equation as the label matches its value as the answer, and not the other way round."""

        def equal(self, answer, other):
            return answer == other or (answer, other) == ("1", "x=1")

    task = OneWay("train", n=1)
    assert vote_fractions(answered(r"\boxed{1}", r"\boxed{x=1}", task=task)) == [1, 1]
    assert vote_fractions(answered(r"\boxed{x=1}", r"\boxed{1}", task=task)) == [1, 1]


def test_rewards_are_float32():
    batch = make_batch([answered(r"\boxed{1}", r"\boxed{1}")])
    assert VerifiedAnswerReward()(batch, None).dtype == VoteFractionReward()(batch, None).dtype == torch.float32


def test_empo_by_hand():
    agreeing = answered(r"\boxed{1}", r"\boxed{1}", r"\boxed{2}", "no answer")
    assert agreeing.semantic_entropy() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(4))
    at_odds = answered(r"\boxed{1}", r"\boxed{3}", r"\boxed{2}", "no answer")
    assert at_odds.semantic_entropy() == pytest.approx(math.log(4))
    of_one_mind = answered(r"\boxed{1}", r"\boxed{1.0}")
    assert of_one_mind.semantic_entropy() == 0
    assert rewarded(EMPOReward(), agreeing) == [0.5, 0.5, 0.25, 0.0]
    assert rewarded(EMPOReward(), at_odds) == [0.0] * 4
    assert rewarded(EMPOReward(), of_one_mind) == [1.0, 1.0]


def test_empo_leaves_out_groups_whose_largest_share_is_out_of_bounds():
    scattered = answered(r"\boxed{1}", r"\boxed{1}", *(rf"\boxed{{{n}}}" for n in range(2, 7)))  # 2 of 7: 0.29
    half = answered(r"\boxed{1}", r"\boxed{1}", r"\boxed{2}", "no answer")
    settled = answered(r"\boxed{1}", r"\boxed{1.0}")
    published = EMPOReward(least=0.3)
    assert rewarded(published, scattered) == [0.0] * 7
    assert rewarded(published, half) == [0.5, 0.5, 0.25, 0.0]
    assert rewarded(published, settled) == [1.0, 1.0]
    assert rewarded(EMPOReward(least=0.5, most=0.5), half) == [0.5, 0.5, 0.25, 0.0]  # bounds are inside
    assert rewarded(EMPOReward(most=0.9), settled) == [0.0, 0.0]


@pytest.mark.parametrize("bounds", [(-0.1, 1.0), (0.6, 0.5), (0.0, 1.1), (math.nan, 1.0)])
def test_empos_bounds_are_shares(bounds):
    with pytest.raises(ConfigError, match="least first"):
        EMPOReward(*bounds)


def test_a_boundary_is_counted_in_tokens():
    pieces = {1: "I th", 2: "ink</th", 3: "ink> s", 4: "o 7", 5: "<end>"}
    group = Group(
        answered().prompt,
        [Completion([1, 2, 3, 4, 5], [-1.0] * 5, "stop"), Completion([1, 4], [-1.0] * 2, "stop")],
        ["I think</think> so 7", "I tho 7"],
        lambda tokens: "".join(pieces[token] for token in tokens if token != 5),
    )
    assert group.boundary("</think>", 0) == 3  # its end is inside of the third token
    assert group.boundary("</think>", 1) is None
    assert group.boundary("so 7", 0) == 4
