"""A threshold is set on other cells than the one it judges."""

from benchmarks.foreknown import after_training, changed, left_out, stump
from benchmarks.real_cells import effect


def test_the_threshold_that_is_right_most_often():
    low_helps = stump([(0.1, True), (0.2, True), (0.5, False), (0.6, False)])
    assert [low_helps(value) for value in (0.0, 0.34, 0.36, 1.0)] == [True, True, False, False]
    assert stump([(0.3, True), (0.3, True), (0.3, False)])(0.9)  # nothing to part them by: the commoner


def test_the_cell_that_is_judged_has_no_say():
    apart = {"a-1": (0.1, True), "a-2": (0.2, True), "b-1": (0.8, False), "b-2": (0.9, False)}
    assert left_out(apart, str) == 4
    assert left_out(apart, lambda name: name[0]) == 0  # the other model has one outcome alone
    assert left_out({"a-1": (0.1, True), "b-1": (0.9, False)}, str) == 0


def test_training_helps_beyond_chance_alone():
    start, end = {"pass@1": 0.2}, {"pass@1": 0.3}
    assert effect(changed(start, end, problems=50)) == "no effect shown"
    assert effect(changed(start, end, problems=500)) == "helps"
    assert effect(changed(end, start, problems=500)) == "hurts"


def test_a_run_is_told_by_its_last_best_and_kept_step():
    curve = [{"step": n, "pass@1": right, "greedy": 0.5} for n, right in ((0, 0.2), (5, 0.6), (10, 0.5))]
    cell = {"verdict": {"level": "caution"}, "trained": {"em_ft-0": {"curve": curve, "kept": 5}}}
    (row,) = after_training({"qwen-coder-asdiv-direct": cell})
    assert row[2:] == [
        "to help, with reservations", "0.200", "0.500 (helps)", "0.500 to 0.500", "0.600 at 5", "0.600 at 5"
    ]  # fmt: skip
