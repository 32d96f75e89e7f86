import json

import pytest

from emlit.engines import NEXT_TURN, AnswerKey, ModelSource, ReplayEngine, Request, Sampling
from emlit.errors import ConfigError, DataError, EngineError
from emlit.tiny import MODEL_DIR

SOURCE = ModelSource(str(MODEL_DIR), 512, (1,))


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def started(*arguments, **options) -> ReplayEngine:
    engine = ReplayEngine(*arguments, **options)
    engine.start(SOURCE)
    return engine


def test_what_is_written_comes_back(tmp_path):
    file = lines(
        tmp_path / "made.jsonl",
        {"task": "t", "id": "1", "completion": "first α"},
        {"task": "t", "id": "1", "sample": 1, "completion": NEXT_TURN.join(["second", "turn"])},
    )
    engine = started(file)
    requests = [Request([1], 0, AnswerKey("t", "1", *place)) for place in ((0,), (1, 0), (1, 1))]
    assert [each.text for each in engine.generate(requests, Sampling())] == ["first α", "second", "turn"]
    with pytest.raises(EngineError, match="no sample 2"):
        engine.generate([Request([1], 0, AnswerKey("t", "1", 2))], Sampling())
    with pytest.raises(DataError, match="no completion of t, 2"):
        engine.offer({("t", "2"): "x"})


def test_the_rows_own_solutions():
    engine = started()
    engine.offer({("t", "1"): NEXT_TURN.join(["a", "b"])})
    requests = [Request([1], 0, AnswerKey("t", "1", sample, 1)) for sample in range(2)]
    assert [each.text for each in engine.generate(requests, Sampling())] == ["b", "b"]
    with pytest.raises(DataError, match="no solution to replay"):
        engine.offer({("t", "2"): None})


@pytest.mark.parametrize(
    ("rows", "error", "sentence"),
    [
        ([{"task": "t", "id": "1"}], DataError, "line 1: not a completion"),
        ([{"task": "t", "id": "1", "completion": 3}], DataError, "no text"),
        ([{"task": "t", "id": "1", "completion": "\ud800"}], DataError, "surrogate"),
        ([{"task": "t", "id": "1", "completion": "a"}] * 2, DataError, "line 2: sample 0 of t, 1 is there twice"),
        (
            [{"task": "t", "id": str(i), "completion": "a", "decoding": str(i)} for i in range(2)],
            ConfigError,
            "several decodings",
        ),
    ],
)
def test_bad_files_are_named(tmp_path, rows, error, sentence):
    with pytest.raises(error, match=sentence):
        ReplayEngine(lines(tmp_path / "made.jsonl", *rows))


def test_what_was_cut_stays_cut(tmp_path):
    rows = [
        {"task": "t", "id": str(i), "completion": "12", "finish_reason": f} for i, f in enumerate(["stop", "length"])
    ]
    engine = started(lines(tmp_path / "made.jsonl", *rows))
    stopped, cut = engine.generate([Request([1], 0, AnswerKey("t", str(i))) for i in range(2)], Sampling())
    assert (stopped.finish_reason, cut.finish_reason) == ("stop", "length")
    assert stopped.tokens == [*cut.tokens, 1]  # the end token


def test_a_conversation_that_was_cut_has_empty_turns(tmp_path):
    engine = started(lines(tmp_path / "made.jsonl", {"task": "t", "id": "1", "completion": "one"}))
    assert engine.generate([Request([1], 0, AnswerKey("t", "1", 0, 1))], Sampling())[0].text == ""


def test_files_that_differ_have_other_digests(tmp_path):
    row = {"task": "t", "id": "1", "completion": "a"}
    first, second = lines(tmp_path / "1.jsonl", row), lines(tmp_path / "2.jsonl", {**row, "completion": "b"})
    assert ReplayEngine(first).digest() == ReplayEngine(first).digest() != ReplayEngine(second).digest()


def test_one_of_several_decodings(tmp_path):
    rows = [{"task": "t", "id": "1", "completion": name, "decoding": name} for name in "ab"]
    file = lines(tmp_path / "made.jsonl", *rows)
    assert ReplayEngine(file, decoding_name="b").texts == {AnswerKey("t", "1"): "b"}
    with pytest.raises(DataError, match="no completion of the decoding 'c'"):
        ReplayEngine(file, decoding_name="c")


def test_no_such_file():
    with pytest.raises(ConfigError, match=r"engine\.path"):
        ReplayEngine("nowhere.jsonl")
