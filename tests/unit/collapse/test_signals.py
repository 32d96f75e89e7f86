"""Signals and judgement of the collapse guard, by hand."""

import pytest

from emlit.collapse import (
    Answered,
    Finding,
    History,
    Limits,
    Signals,
    compression,
    decide,
    distinct,
    is_contested,
    judge,
    judge_start,
    measure,
    votes,
)
from emlit.errors import ConfigError

START = Signals(
    entropy=0.4, vote_agreement=0.4, start_agreement=0.4, unique_answers=0.6, distinct_3=0.9,
    compression=2.0, length=20.0, truncated=0.0, format=1.0, kl=0.0,
)  # fmt: skip


def same(left: str, right: str) -> bool:
    return left.strip() == right.strip()


def changed(**values: float) -> Signals:
    return Signals(**{**vars(START), **values})


def answered(answers: list[str | None], entropy: float = 0.5, length: int = 4, **values) -> Answered:
    n = len(answers)
    given = {
        "answers": answers,
        "texts": [str(answer) for answer in answers],
        "tokens": [list(range(length))] * n,
        "entropies": [entropy] * n,
        "format_ok": [answer is not None for answer in answers],
        "truncated": [False] * n,
    }
    return Answered(**{**given, **values})


def test_votes_count_by_meaning_and_leave_out_silence():
    assert votes(["3", " 3", None, "4", "3 "], same) == [("3", 3), ("4", 1)]
    assert votes(["5", "4", "4", "5"], same) == [("5", 2), ("4", 2)]  # a tie keeps the order of appearance
    assert votes([None], same) == []


def test_signals_by_hand():
    # First prompt: 7 three times, 8 once. Second: 1 and 2 twice each, one of its prompts' votes was 2.
    probe = [
        answered(["7", "7", "7", "8"], entropy=0.2, length=4),
        answered(["1", "2", "1", "2"], entropy=0.8, length=8),
    ]
    found = measure(probe, ["7", "2"], kl=0.3, same=same)
    assert found.vote_agreement == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert found.start_agreement == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert found.unique_answers == pytest.approx(2 / 4)
    assert [is_contested(group.answers, same) for group in probe] == [False, True]
    assert is_contested(["7"] * 5 + ["8"] * 2 + [None], same)
    assert not is_contested(["7"] * 6 + ["8"] * 2, same)
    assert not is_contested(["7"] * 7 + ["8"], same)
    assert not is_contested(["7", "7", "7", "8"], same)  # one stray answer
    assert is_contested(["7", "7", "8", "9"], same)
    assert is_contested(["6", "7", "8", "9"], same)
    assert not is_contested(["7", None, None, None], same)
    # Over tokens: 4 x 4 of 0.2 and 4 x 8 of 0.8.
    assert found.entropy == pytest.approx((16 * 0.2 + 32 * 0.8) / 48)
    assert (found.length, found.truncated, found.format, found.kl, found.accuracy) == (6.0, 0.0, 1.0, 0.3, None)


def test_prompts_without_a_vote_at_the_start_have_none_to_agree_with():
    probe = [answered(["7", "7"]), answered([None, None])]
    found = measure(probe, ["7", None], kl=0.0, same=same)
    assert found.start_agreement == 1.0
    assert found.vote_agreement == 0.5
    assert found.format == 0.5


def test_a_labelled_probe_is_scored_by_its_labels():
    probe = [answered(["7", "8"], correct=[True, False]), answered(["1", "1"], correct=[True, True])]
    assert measure(probe, ["9", "9"], kl=0.0, same=same).accuracy == 0.75


def test_repetition():
    # 1 2 3 1 2 3 1 2 3 has 7 trigrams, of which 123, 231 and 312 are different.
    assert distinct([1, 2, 3] * 3, 3) == pytest.approx(3 / 7)
    assert distinct(list(range(9)), 3) == 1.0
    assert distinct([1, 2], 3) == 1.0
    assert compression("wait, " * 200) > 20 * compression("the quick brown fox")
    assert compression("") == 1.0


def test_a_healthy_step_fires_nothing():
    now = changed(entropy=0.2, start_agreement=0.7, vote_agreement=0.8, unique_answers=0.3, length=30.0, kl=0.5)
    assert judge(START, 0.68, now, Limits()) == []


@pytest.mark.parametrize(
    ("values", "signal"),
    [
        ({"start_agreement": 0.62}, "agreement"),  # 0.68 less 0.05 is 0.63
        ({"unique_answers": 0.8}, "unique_answers"),
        ({"distinct_3": 0.5}, "distinct_3"),
        ({"compression": 7.0}, "compression"),
        ({"length": 7.0}, "length"),
        ({"length": 51.0}, "length"),
        ({"truncated": 0.3}, "truncated"),
        ({"format": 0.85}, "format"),
        ({"kl": 6.0}, "kl"),
    ],
)
def test_each_signal_fires_past_its_limit(values, signal):
    found = judge(START, 0.68, changed(**{"start_agreement": 0.7, **values}), Limits())
    assert [(each.signal, each.level) for each in found] == [(signal, "stop")]
    assert f"{signal} " in str(found[0])


def test_low_entropy_alone_is_a_warning():
    (found,) = judge(START, 0.4, changed(entropy=0.05), Limits())
    assert (found.signal, found.level) == ("entropy", "warn")


def test_what_speaks_against_training_at_all():
    assert judge_start(START, 0.2, Limits()) == []
    assert [each.signal for each in judge_start(changed(entropy=0.07), 0.7, Limits())] == [
        "entropy at the start", "contested at the start",
    ]  # fmt: skip


def test_the_best_of_a_labelled_probe_is_its_accuracy():
    now = changed(start_agreement=0.9, accuracy=0.3)
    assert [each.signal for each in judge(START, 0.4, now, Limits())] == ["agreement"]


def test_what_labels_teach_is_no_collapse():
    """A certain and wrong start learns other and shorter answers, far from where it was; a loss of accuracy counts."""
    taught = {"unique_answers": 0.9, "length": 5.0, "kl": 9.0}
    history = History()
    history.add(0, changed(entropy=0.07, accuracy=0.0), None, Limits(), patience=1)
    history.add(5, changed(**taught, accuracy=0.4), None, Limits(), patience=1)
    assert (history.kept_step, history.stop_step) == (5, None)
    assert {each.signal for each in history.fired[5]} == {"unique_answers", "length", "kl"}
    history.add(10, changed(**taught, accuracy=0.3), None, Limits(), patience=1)
    assert (history.kept_step, history.stop_step) == (5, 10)
    without_labels = History()
    for step, agreement in enumerate((0.07, 0.4, 0.3)):
        without_labels.add(step, changed(**taught, accuracy=agreement), 0.2, Limits(), patience=1)
    assert without_labels.stop_step == 1


def test_limits_are_not_negative():
    with pytest.raises(ConfigError, match=r"limits\.kl is -1"):
        Limits(kl=-1)


STOP = [Finding("agreement", 0.0, 1.0)]
WARN = [Finding("entropy", 0.0, 1.0, "warn")]


def scores(*values: float | None) -> dict[int, Signals]:
    return {5 * i: changed(start_agreement=value) for i, value in enumerate(values)}


@pytest.mark.parametrize(
    ("history", "fired", "expected"),
    [
        (scores(0.4, 0.5, 0.6), {}, (10, None)),
        (scores(0.4, 0.6, 0.5), {10: WARN}, (5, None)),  # a warning counts for nothing
        (scores(0.4, 0.6, 0.5), {10: STOP}, (5, None)),  # once is not patience
        (scores(0.4, 0.6, 0.5, 0.5, 0.7), {10: STOP, 15: STOP}, (5, 15)),  # what comes after the stop does not count
        (scores(0.4, 0.6, 0.5, 0.7, 0.5), {10: STOP, 20: STOP}, (15, None)),
        (scores(0.4, 0.6, 0.7), {0: STOP}, (0, 0)),  # the start spoke against training
        (scores(0.4, 0.6, 0.7), {10: STOP}, (5, None)),  # a step at which something fired is not kept
        (scores(None, None, None), {}, (10, None)),  # no votes: the last that nothing fired at
        (scores(None, None, None), {10: STOP}, (5, None)),
    ],
)
def test_what_is_kept_and_where_it_stops(history, fired, expected):
    assert decide(history, {step: fired.get(step, []) for step in history}, patience=2) == expected


def test_without_answers_there_is_no_score_and_no_limit_on_them():
    found = measure([answered([None, None])], [None], kl=0.0, same=same)
    assert found.start_agreement is None
    start = changed(start_agreement=None, unique_answers=0.0, format=0.0)
    assert judge(start, None, changed(start_agreement=None, unique_answers=0.5), Limits()) == []
