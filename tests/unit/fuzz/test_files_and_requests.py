"""Lines of predictions.jsonl and keys of requests, with anything in them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emlit.decoding import AdaptiveTemperature, EntropyMinimization
from emlit.decoding.requests import DECODINGS, PARAMETERS, from_flat_keys, from_settings, to_flat_keys
from emlit.errors import DataError
from emlit.report import read_predictions, summarise, to_markdown
from tests.unit.fuzz.cases import JSON, cases, concise_error

GOOD = {"task": "t", "id": "1", "sample": 0, "completion": "x", "answer": None, "correct": True, "format_ok": False,
        "tokens": 3, "mean_entropy": 0.5, "mean_logprob": -1.0, "finish_reason": "stop", "decoding": "T=1", "vote": 0,
        "parts": None, "prompt_tokens": 9, "sampled_tokens": 3}  # fmt: skip


@st.composite
def lines(draw):
    """A good line; one with another value somewhere, a key too many or too few; or anything."""
    line = dict(GOOD)
    for key in draw(st.lists(st.sampled_from(sorted(GOOD)), max_size=2)):
        line[key] = draw(JSON)
    if draw(st.integers(0, 5)) == 0:
        line.pop(draw(st.sampled_from(sorted(line))))
    if draw(st.integers(0, 5)) == 0:
        line[draw(st.text(max_size=5))] = draw(JSON)
    return draw(st.sampled_from([line, line, line, draw(JSON)]))


@cases(200)
@given(st.lists(lines(), max_size=3), st.binary(max_size=6))
def test_read_predictions(tmp_path, content, garbage):
    path = tmp_path / "predictions.jsonl"
    text = "".join(json.dumps(line) + "\n" for line in content).encode()
    path.write_bytes(text + (garbage if len(content) == 2 else b""))
    try:
        predictions = read_predictions(path)
    except DataError as error:
        message = concise_error(error)
        assert "predictions.jsonl, line " in message
        return
    assert len(predictions) == len(content)
    assert [prediction.to_dict() for prediction in predictions] == content or "nan" in repr(content)
    # What was read can be used: reported, sorted, and written again.
    to_markdown(summarise(predictions, resamples=100))
    sorted((p.task, p.id, p.sample) for p in predictions)
    "".join(json.dumps(p.to_dict(), ensure_ascii=False) for p in predictions).encode()


KEYS = st.sampled_from(
    ["emlit_decoding", *DECODINGS, *PARAMETERS, "em_inf_step", "em_inf_", "adaptive_temperature_x\ny", "other", ""]
)
OWN = st.sampled_from(["", "[]", "{}", '["os.system", {}]', '[["a"], {}]', '["emlit.decoding.Nothing", 3]', "[" * 90])
VALUE = st.one_of(
    OWN, JSON, st.integers(-1, 120), st.floats(-1, 2), st.sampled_from([0, 1, True, False, 1.0, 10**400, -(10**400)])
)


@cases(300)
@given(st.dictionaries(KEYS, VALUE, max_size=3), st.sampled_from([None, EntropyMinimization(), AdaptiveTemperature()]))
def test_request_keys(arguments, default):
    try:
        decoding = from_flat_keys(arguments, default)
    except ValueError as error:
        concise_error(error)
        return
    assert decoding is None or type(decoding) in DECODINGS.values()
    assert from_flat_keys(to_flat_keys(decoding)) == decoding
    for key, (prefix, field) in PARAMETERS.items():
        if key in arguments and isinstance(decoding, DECODINGS[prefix]):
            assert getattr(decoding, field.name) == arguments[key]


@cases(100)
@given(JSON | st.dictionaries(st.one_of(KEYS, st.integers(), st.none()), VALUE, max_size=2))
def test_server_settings(settings):
    try:
        decoding = from_settings(settings)
    except ValueError as error:
        concise_error(error)
        return
    assert set(settings) <= {*DECODINGS, *PARAMETERS}
    assert from_settings(to_flat_keys(decoding)) == decoding


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"em_inf_threshold": 10**400}, "em_inf_threshold is 1000"),
        ({3: 4, "em_inf_step\n": 1}, "'em_inf_step\\\\n' is no parameter of emlit"),
        ({"em_inf_steps": "9" * 5000}, "em_inf_steps is '9999"),
    ],
)
def test_found_by_fuzzing(arguments, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        from_flat_keys(arguments)
    concise_error(caught.value)
