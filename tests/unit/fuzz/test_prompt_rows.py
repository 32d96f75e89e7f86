"""Prompt files with anything in them: each ends in the prompts that stand there, or in a sentence with the row."""

import csv
import io
import json

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emlit.errors import DataError
from emlit.rollout import render
from emlit.tasks import PromptFile
from tests.unit.fuzz.cases import JSON, cases, concise_error

TEXT = st.one_of(
    st.text(st.characters(), max_size=30),
    st.sampled_from(
        ["What is 1+1?", " ", "\x00\x07\x1b[0m", "a\u2028b\r\nc", "\ud83d", "\ufeff", "<|im_end|>", "漢" * 300]
    ),
)
MESSAGE = st.one_of(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "assistant", "clown", ""]), "content": TEXT}),
    st.dictionaries(st.sampled_from(["role", "content", "name", "tool_calls"]), st.one_of(TEXT, JSON), max_size=4),
    st.fixed_dictionaries(
        {"role": st.just("user"), "content": st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}))}
    ),
)
PROMPT = st.one_of(TEXT, TEXT, JSON, st.lists(st.one_of(MESSAGE, JSON), max_size=3), MESSAGE)
ROW = st.one_of(
    st.fixed_dictionaries({"prompt": TEXT}, optional={"answer": TEXT, "id": st.integers(0, 3)}),
    st.fixed_dictionaries(
        {"prompt": PROMPT}, optional={"answer": st.one_of(TEXT, JSON), "id": JSON, "a\nb": JSON, "\ud800": JSON}
    ),
    st.dictionaries(st.sampled_from(["prompt", "answer", "id", "Prompt", ""]), JSON, max_size=3),
    JSON,
)


def lone_surrogate(value) -> bool:
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)


def content_of(message) -> str | None:
    """The text of a message of role and content alone; None for any other."""
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        return None
    if any(value is not None for key, value in message.items() if key not in ("role", "content")):
        return None
    content = message.get("content")
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        content = "\n".join(part["text"] for part in content)
    return content if isinstance(content, str) and not lone_surrogate(content + message["role"]) else None


def well_formed(prompt) -> bool:
    """Whether it is a prompt of text: not blank, or messages with role and content alone."""
    if isinstance(prompt, str):
        return bool(prompt.strip()) and not lone_surrogate(prompt)
    return isinstance(prompt, list) and bool(prompt) and all(content_of(message) is not None for message in prompt)


def read(path, tokenizer, **options):
    """The task's rows and rendered prompts, or the sentence of its error."""
    try:
        task = PromptFile(str(path), **options)
        rows = task.rows()
        return rows, render(task, tokenizer, 200)
    except DataError as error:
        message = concise_error(error)
        assert path.name in message or path.stem in message
        return message


def assert_rendered(rows, prompts, tokenizer):
    assert [prompt.row for prompt in prompts] == rows
    assert len({row.id for row in rows}) == len(rows)
    for prompt in prompts:
        if not prompt.row.begun:
            text = tokenizer.apply_chat_template(prompt.row.messages(), add_generation_prompt=True, tokenize=False)
            assert prompt.tokens == tokenizer(text, add_special_tokens=False)["input_ids"]
        assert 0 < len(prompt.tokens) <= 200


@cases(300)
@given(st.lists(ROW, min_size=1, max_size=4), st.booleans())
def test_json_lines(tmp_path, tokenizer, rows, ascii_only):
    path = tmp_path / "p.jsonl"
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
    path.write_bytes(b"\n".join(line.encode("utf-8", "surrogatepass") for line in lines))
    result = read(path, tokenizer)
    if isinstance(result, str):
        assert "p.jsonl, line " in result
        return
    found, prompts = result
    assert_rendered(found, prompts, tokenizer)
    assert [row.source for row in found] == [f"{path}, line {i}" for i in range(1, len(rows) + 1)]
    for position, (row, source) in enumerate(zip(found, rows, strict=True)):
        answer, name = source.get("answer"), source.get("id")
        if not isinstance(answer, list | dict) and not (isinstance(answer, str) and "answer" in answer):
            blank = answer is None or isinstance(answer, str) and not answer.strip()
            assert row.answer == (None if blank else str(answer))
        assert row.id == str(position if name in (None, "") else name)
        if isinstance(source["prompt"], str):
            assert row.prompt == source["prompt"]
        elif well_formed(source["prompt"]):
            assert row.prompt == [{"role": m["role"], "content": content_of(m)} for m in source["prompt"]]


@cases(150)
@given(st.lists(ROW, min_size=1, max_size=4))
def test_bad_rows_are_skipped_and_only_they(tmp_path, tokenizer, rows):
    path = tmp_path / "p.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    result = read(path, tokenizer, skip_bad_rows=True)
    good = [row for row in rows if isinstance(row, dict) and "prompt" in row and well_formed(row["prompt"])]
    good = [row for row in good if not any(lone_surrogate(row.get(name)) for name in ("answer", "id"))]
    good = [row for row in good if not isinstance(row.get("answer"), list | dict)]
    if isinstance(result, str):
        return
    found, prompts = result
    assert {prompt.row.id for prompt in prompts} <= {row.id for row in found}
    if not any(isinstance(row, dict) and "id" in row for row in rows):
        sources = {int(row.source.rpartition(" ")[2]) - 1 for row in found}
        assert set(map(repr, good)) <= {repr(rows[index]) for index in sources}


@cases(150)
@given(st.binary(max_size=60) | st.lists(st.text(max_size=20), max_size=5).map("\n".join).map(str.encode))
def test_bytes_that_may_be_no_json_at_all(tmp_path, tokenizer, content):
    path = tmp_path / "p.jsonl"
    path.write_bytes(content or b"\n")
    result = read(path, tokenizer)
    assert isinstance(result, str) or result[0]


@cases(200)
@given(
    st.lists(st.sampled_from(["prompt", "answer", "id", "", "x\ny"]), min_size=1, max_size=3, unique=True),
    st.lists(st.lists(TEXT.filter(lambda text: not lone_surrogate(text)), max_size=5), max_size=4),
)
def test_csv(tmp_path, tokenizer, header, cells):
    path = tmp_path / "p.csv"
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([header, *cells])
    path.write_bytes(buffer.getvalue().encode())
    result = read(path, tokenizer)
    if isinstance(result, str):
        return
    found, prompts = result
    assert_rendered(found, prompts, tokenizer)
    column = header.index("prompt")
    assert [row.prompt for row in found] == [row[column] for row in cells if row]
    assert all(len(row) <= len(header) for row in cells)


@cases(60)
@given(st.binary(min_size=1, max_size=80), st.sampled_from(["p.csv", "p.parquet"]))
def test_bytes_that_may_be_no_table_at_all(tmp_path, tokenizer, content, name):
    (tmp_path / name).write_bytes(content)
    result = read(tmp_path / name, tokenizer)
    assert isinstance(result, str) or result[0]


@cases(100)
@given(st.data())
def test_parquet(tmp_path, tokenizer, data):
    path = tmp_path / "p.parquet"
    count = data.draw(st.integers(0, 3))
    text = TEXT.filter(lambda text: not lone_surrogate(text))
    kinds = {
        "text": (text, pyarrow.string()),
        "maybe": (st.one_of(st.none(), text), pyarrow.large_string()),
        "bytes": (st.binary(max_size=5), pyarrow.binary()),
        "number": (st.floats(), pyarrow.float64()),
        "flag": (st.booleans(), pyarrow.bool_()),
        "list": (st.lists(text, max_size=2), pyarrow.list_(pyarrow.string())),
        "messages": (
            st.lists(st.fixed_dictionaries({"role": text, "content": text}), max_size=2),
            pyarrow.list_(pyarrow.struct([("role", pyarrow.string()), ("content", pyarrow.string())])),
        ),
        "nothing": (st.none(), pyarrow.null()),
    }
    columns = data.draw(
        st.fixed_dictionaries(
            {"prompt": st.sampled_from(list(kinds))}, optional={"answer": st.sampled_from(list(kinds))}
        )
    )
    values = {name: [data.draw(kinds[kind][0]) for _ in range(count)] for name, kind in columns.items()}
    table = pyarrow.table({name: pyarrow.array(values[name], kinds[kind][1]) for name, kind in columns.items()})
    pyarrow.parquet.write_table(table, path)
    content = path.read_bytes()
    if data.draw(st.booleans()):  # damaged on the way
        at = data.draw(st.integers(0, len(content) - 1))
        path.write_bytes(content[:at] + data.draw(st.binary(max_size=4)) + content[at + data.draw(st.integers(0, 4)) :])
        result = read(path, tokenizer)
        assert isinstance(result, str) or result[0]
        return
    result = read(path, tokenizer)
    if all(well_formed(value) and len(str(value)) < 30 for value in values["prompt"]) and count:
        assert not isinstance(result, str), result
    if not isinstance(result, str):
        assert_rendered(*result, tokenizer)
        assert [row.prompt for row in result[0]] == values["prompt"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"prompt": "\\ud83d"}', "line 1: the prompt has half of a surrogate pair"),
        ('{"prompt": "a", "id": "\\ud83d"}', "line 1: the 'id' has half of a surrogate pair"),
        ('{"prompt": "a", "answer": "\\ud83d"}', "line 1: the 'answer' has half of a surrogate pair"),
        ("[" * 100_000, "line 1: not valid JSON"),
        ('{"prompt": ' + "1" * 5000 + "}", "line 1: not valid JSON"),
        ('{"a\\nb": 1}', "line 1: no column 'prompt'; the columns are 'a\\nb'"),
        ('{"' + "x" * 5000 + '": 1}', "line 1: no column 'prompt'"),
        ('{"prompt": "' + "9" * 20_000 + '"}', "line 1: the prompt has 20"),
        (('{"prompt": "a", "id": "' + "9" * 5000 + '"}\n') * 2, "is there twice"),
    ],
)
def test_found_by_fuzzing(tmp_path, tokenizer, content, sentence):
    (tmp_path / "p.jsonl").write_text(content)
    assert sentence in read(tmp_path / "p.jsonl", tokenizer)


def test_rows_without_an_id_are_numbered(tmp_path, tokenizer):
    (tmp_path / "p.jsonl").write_text('{"prompt": "a", "id": null}\n{"prompt": "b", "id": null}\n')
    assert [row.id for row in PromptFile(str(tmp_path / "p.jsonl")).rows()] == ["0", "1"]


def test_a_prompt_without_a_token(tmp_path, tokenizer):
    from copy import deepcopy

    plain = deepcopy(tokenizer)
    plain.chat_template = None
    (tmp_path / "p.jsonl").write_text('{"prompt": [{"role": "user", "content": ""}]}')
    assert "line 1: the prompt has no token" in read(tmp_path / "p.jsonl", plain)
