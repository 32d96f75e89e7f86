"""The table is the same however many processes filled it."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from emlit.metrics import AnswerTable, CompletionMetrics
from emlit.preflight.measurements import measure
from tests.unit.metrics.test_completions import prediction, voted


def answered(problems: int, samples: int = 4) -> list:
    """Problems whose completions are right when they are certain, but for one in seven."""
    found = []
    for index in range(problems):
        for sample in range(samples):
            number = index * samples + sample
            entropy = 0.05 + (number * 37 % 101) / 100
            right = (entropy < 0.5) != (number % 7 == 0)
            answer = "1" if right else str(2 + number % 3)
            found.append(
                prediction(
                    f"p{index}", sample, answer, right,
                    mean_entropy=entropy, mean_logprob=-entropy / 2, tokens=5 + number % 9,
                )
            )  # fmt: skip
    return list(voted(*found))


def table(predictions: list) -> AnswerTable:
    filled = AnswerTable()
    filled.update(voted(*predictions))
    return filled


def test_columns_by_hand():
    first = [prediction("b", i, answer, answer == "5") for i, answer in enumerate(["5", "5", "6", None])]
    first[3].finish_reason = "length"
    second = [prediction("a", 0, "x", None, mean_entropy=None, mean_logprob=None, tokens=3)]
    filled = table(first)
    filled.update(second)
    answers = filled.answers()
    assert answers.problems == 2
    labelled = answers.where(~answers.correct.isnan())
    assert labelled.problem.tolist() == [0, 0, 0, 0]
    assert labelled.sample.tolist() == [0, 1, 2, 3]
    assert labelled.correct.tolist() == [1, 1, 0, 0]
    assert labelled.vote.tolist() == [1, 1, 1, 1]
    assert labelled.format_ok.tolist() == [1, 1, 1, 0]
    assert labelled.truncated.tolist() == [0, 0, 0, 1]
    assert labelled.entropy.tolist() == [0.5] * 4
    other = answers.where(answers.correct.isnan())
    assert other.tokens.tolist() == [3]
    assert other.entropy.isnan().all()
    assert labelled.per_problem(labelled.tokens).tolist() == [40]


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_one_completion_and_none():
    assert len(table([prediction("a", 0, "1", True)]).answers()) == 1
    assert len(AnswerTable().answers()) == 0


def test_updates_in_any_order_are_the_same_table():
    predictions = answered(6)
    whole, parts = table(predictions), AnswerTable()
    for start in (16, 0, 8):
        parts.update(predictions[start : start + 8])
    for name, column in vars(whole.answers()).items():
        assert torch.equal(column, getattr(parts.answers(), name)), name


def _fill(rank: int, place: str) -> None:
    dist.init_process_group("gloo", init_method=f"file://{place}/store", rank=rank, world_size=2)
    for problems in SIZES:
        predictions = [p for p in answered(problems) if int(p.id[1:]) % 2 == rank]
        filled, rates = AnswerTable(), CompletionMetrics()
        if predictions:
            filled.update(predictions)
            rates.update(predictions)
        torch.save((vars(filled.answers()), rates.compute()), f"{place}/{problems}.{rank}.pt")
    dist.destroy_process_group()


SIZES = (7, 1)  # problems: uneven shares, and a rank that has none


@pytest.mark.nightly
def test_two_processes_gather_what_one_has(tmp_path):
    mp.spawn(_fill, (str(tmp_path),), nprocs=2)
    for problems in SIZES:
        whole, rates = table(answered(problems)).answers(), CompletionMetrics()
        rates.update(answered(problems))
        for rank in (0, 1):
            columns, values = torch.load(tmp_path / f"{problems}.{rank}.pt")
            for name, column in vars(whole).items():
                assert torch.equal(column, columns[name]), name
            assert values == rates.compute()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_states_of_two_tables_merge_into_one():
    predictions = answered(6)
    left, right, none = table(predictions[:8]), table(predictions[8:]), AnswerTable()
    none.sync(should_sync=False)
    for part in (right, none):
        for name in left._defaults:
            getattr(left, name).extend(getattr(part, name))
    for name, column in vars(table(predictions).answers()).items():
        assert torch.equal(column, getattr(left.answers(), name)), name


def test_measurements_agree_with_the_sums():
    """The names of summary.json mean the same here."""
    predictions = answered(40)
    rates = CompletionMetrics()
    rates.update(predictions)
    measured = measure(table(predictions).answers(), resamples=200)
    for name, value in rates.compute().items():
        assert measured.values[name].value == pytest.approx(value.item(), rel=1e-6), name
        assert measured.values[name].low <= measured.values[name].value <= measured.values[name].high
    assert measured.pass_at_all is measured.values["pass@4"]
    assert measured.values["room"].value == pytest.approx(
        measured.values["pass@4"].value - measured.values["pass@1"].value
    )
    assert measured == measure(table(predictions).answers(), resamples=200)
    assert sum(each.completions for each in measured.deciles) == 160
    assert len(measured.deciles) == 10
    assert measured.deciles[0].accuracy.value > 0.8 > 0.2 > measured.deciles[-1].accuracy.value


def test_token_entropy_weighs_by_length():
    predictions = [
        prediction("a", 0, "1", True, mean_entropy=1.0, tokens=1),
        prediction("a", 1, "1", True, mean_entropy=0.2, tokens=3),
    ]
    measured = measure(table(predictions).answers(), resamples=100)
    assert measured.values["mean_entropy"].value == pytest.approx(0.6)
    assert measured.values["token_entropy"].value == pytest.approx((1.0 + 3 * 0.2) / 4)
    rates = CompletionMetrics()
    rates.update(predictions)
    assert rates.compute()["token_entropy"].item() == pytest.approx(0.4)


def test_what_is_missing_is_left_out():
    unlabelled = [prediction(f"p{i}", 0, "1", None, mean_entropy=0.5 + i / 100) for i in range(20)]
    measured = measure(table(unlabelled).answers(), resamples=100)
    assert measured.values.keys() == {
        "format_rate", "mean_length", "truncated", "token_entropy", "mean_entropy", "mean_logprob",
    }  # fmt: skip
    assert measured.labelled == 0
    assert measured.deciles == []
    unscored = [prediction(f"p{i}", 0, "1", i % 2 == 0, mean_entropy=None) for i in range(20)]
    measured = measure(table(unscored).answers(), resamples=100)
    assert measured.values.keys() == {"pass@1", "accuracy_given_format", "format_rate", "mean_length", "truncated"}
    one_sample = [prediction(f"p{i}", 0, "1", i % 2 == 0, mean_entropy=0.1 + i % 2) for i in range(20)]
    measured = measure(table(one_sample).answers(), resamples=100)
    assert measured.values["auroc"].value == 1.0  # over problems
    assert measured.samples == 1
    assert "auroc_within" not in measured.values
    assert measured.pass_at_all is None
