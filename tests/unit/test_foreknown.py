"""A threshold is set on other cells than the one it judges."""

from benchmarks.foreknown import left_out, stump


def test_the_threshold_that_is_right_most_often():
    low_helps = stump([(0.1, True), (0.2, True), (0.5, False), (0.6, False)])
    assert [low_helps(value) for value in (0.0, 0.34, 0.36, 1.0)] == [True, True, False, False]
    assert stump([(0.3, True), (0.3, True), (0.3, False)])(0.9)  # nothing to part them by: the commoner


def test_the_cell_that_is_judged_has_no_say():
    apart = {"a-1": (0.1, True), "a-2": (0.2, True), "b-1": (0.8, False), "b-2": (0.9, False)}
    assert left_out(apart, str) == 4
    assert left_out(apart, lambda name: name[0]) == 0  # the other model has one outcome alone
    assert left_out({"a-1": (0.1, True), "b-1": (0.9, False)}, str) == 0
