"""Rows in the shapes of other frameworks' data sets: read right, or refused by name."""

import json
import logging

import pytest

from emlit.errors import DataError
from emlit.tasks import PromptFile

USER = {"role": "user", "content": "1+1?"}


@pytest.fixture
def row_of(tmp_path):
    def make(fields: dict, **columns):
        path = tmp_path / "p.jsonl"
        path.write_text(json.dumps(fields) + "\n")
        return PromptFile(str(path), **columns).rows()[0]

    return make


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (["2", "two"], ["2", "two"]),
        (["2", 2, None], ["2"]),
        ([], []),
        ('["2", "two"]', ["2", "two"]),
        ("['2', 'two']", ["2", "two"]),
        ("['2' 'two']", ["2", "two"]),  # as numpy prints it
        ('{"style": "rule", "ground_truth": "4"}', ["4"]),
        ("[1, 2]", ["[1, 2]"]),  # an interval
        ({"target": "4"}, ["4"]),
        ({"target": ["4", "four"]}, ["4", "four"]),
        ({"style": "rule", "ground_truth": "4"}, ["4"]),
        (4, ["4"]),
        (0.5, ["0.5"]),
        (True, ["True"]),
        (float("nan"), []),
        (None, []),
        ("", []),
        (" ", []),
        ("She sold 48/2 = <<48/2=24>>24.\n#### 72", ["72"]),
        ("#### 1,234", ["1,234"]),
        ("We get $c = \\boxed{116}$.\n~MRENTHUSIASM", ["116"]),
        ("$\\boxed{\\frac{1}{2}}$", ["\\frac{1}{2}"]),
        ("Half of 8 is 4.\nThe answer is: 4", ["4"]),
        ("<think>so</think><answer> 4 </answer>", ["4"]),
        ("We add.\n#### So the answer is \\boxed{4}", ["4"]),
        ("9 (apples)", ["9"]),
        ("f(2) (x+1)", ["f(2) (x+1)"]),
        ("\\frac{1}{2}", ["\\frac{1}{2}"]),
        ("(0, 3)", ["(0, 3)"]),
    ],
)
def test_labels(label, expected, row_of, caplog):
    row = row_of({"prompt": "?", "answer": label})
    assert [each for each in (row.answer, *row.alternatives) if each is not None] == expected
    assert not caplog.records


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        (
            {"text": ["a"], "answer_start": [3]},
            r"line 1: the label 'answer' is an object with text, answer_start; set",
        ),
        ({}, "is an object with nothing in it"),
        ([["2"], ["3"]], "is a list of lists"),
    ],
)
def test_labels_that_are_refused(label, sentence, row_of):
    with pytest.raises(DataError, match=sentence):
        row_of({"prompt": "?", "answer": label})


@pytest.mark.parametrize(
    ("label", "expected"),
    [(0.1, "0.1"), (0.10000000149011612, "0.1"), (3.140000104904175, "3.14"), (0.30000000000000004, "0.3"),
     (2.5, "2.5"), (7.000000000000001, "7"), (-4.0, "-4.0"), (16777217.5, "16777217.5"), (1e300, "1e+300")],
)  # fmt: skip
def test_numbers_are_what_they_were_before_they_became_binary(label, expected, row_of):
    assert row_of({"prompt": "p", "answer": label}).answer == expected


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"images": ["a.png"]}, "'images', which a model for text cannot see"),
        ({"image": {"path": "a.png"}}, "'image', which"),
        ({"system": ["be brief"]}, "'system' is no text"),
        ({"tools": '[{"name": "f"}]'}, "'tools' stands beside a text"),
        ({"chat_template_kwargs": "[1]"}, "'chat_template_kwargs' is no object"),
        ({"chat_template_kwargs": "thinking"}, "'chat_template_kwargs' is no object"),
    ],
)
def test_columns_that_no_one_would_read_are_refused(fields, sentence, row_of):
    with pytest.raises(DataError, match=sentence):
        row_of({"prompt": "p", "answer": "1", **fields})


def test_columns_with_nothing_in_them_are_no_matter(row_of):
    assert row_of({"prompt": "p", "images": None, "image": "", "videos": [], "tools": "", "system": None}).prompt == "p"


def test_arguments_of_the_template_may_be_text(row_of):
    given = '{"enable_thinking": false, "budget": null}'
    row = row_of({"prompt": [{"role": "user", "content": "p"}], "chat_template_kwargs": given})
    assert row.template_arguments == {"enable_thinking": False}


def test_any_of_several_labels_is_right(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "1+1=", "answer": ["2", "two"]}\n')
    task = PromptFile(str(tmp_path / "p.jsonl"))
    row = task.rows()[0]
    assert [task.grade(row, f"\\boxed{{{answer}}}").correct for answer in ("2", "two", "3")] == [True, True, False]


def test_a_label_that_looks_like_no_answer_is_told_once(tmp_path, caplog):
    path = tmp_path / "p.jsonl"
    path.write_text((json.dumps({"prompt": "?", "answer": "We add one and one. " * 20}) + "\n") * 3)
    PromptFile(str(path)).rows()
    assert [r.message.partition(":")[0] for r in caplog.records] == [f"{path}, line 1"]
    assert "set answer_column" in caplog.text


@pytest.mark.parametrize("key", ["answer_column", "solution_column", "id_column"])
def test_a_named_column_that_no_row_has(key, row_of):
    with pytest.raises(DataError, match=f"no row has the column 'gold' of {key}; the columns are prompt, answer"):
        row_of({"prompt": "?", "answer": "4"}, **{key: "gold"})


@pytest.mark.parametrize(
    ("fields", "columns", "sentence"),
    [
        ({"prompt": "?", "ground_truth": "4"}, {}, "no column 'answer', so no label.*to ground_truth"),
        (
            {"instruction": "Add.", "input": "1 1"},
            {"prompt_column": "instruction"},
            r"'input' beside .*\{input\} \{inst",
        ),
        ({"prompt": [USER, {"role": "assistant", "content": "2"}]}, {}, "goes on with.*solution_column to prompt"),
    ],
)
def test_what_is_probably_not_meant_is_told(fields, columns, sentence, row_of, caplog):
    row_of(fields, **columns)
    assert len(caplog.records) == 1
    caplog.records[0].message.encode()
    import re

    assert re.search(sentence, caplog.text)


def test_a_row_of_verl(row_of):
    fields = {
        "data_source": "openai/gsm8k",
        "prompt": [USER],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": "2"},
        "extra_info": {"split": "train", "index": 7, "question": "1 + 1?"},
    }
    row = row_of(fields)
    assert (row.prompt, row.answer) == ([USER], "2")
    row = row_of(
        fields, prompt_column="extra_info.question", answer_column="reward_model", id_column="extra_info.index"
    )
    assert (row.prompt, row.answer, row.id) == ("1 + 1?", "2", "7")
    with pytest.raises(DataError, match="no column 'extra_info.problem'"):
        row_of(fields, prompt_column="extra_info.problem")


def test_objects_that_a_table_has_as_text(row_of):
    row = row_of({"prompt": str([USER]), "reward_model": json.dumps({"style": "rule", "ground_truth": "2"})})
    assert (row.prompt, row.answer) == ([USER], "2")
    other = {"role": "assistant", "content": "say 'a' 'b'"}
    assert row_of({"prompt": f"[{USER}\n {other}\n {USER}]"}).prompt == [USER, other, USER]


def test_speakers_by_other_names(row_of):
    turns = [{"role": "System", "content": "s"}, {"role": "human", "content": "q"}, {"role": "gpt", "content": "a"}]
    kept = {"role": "observation", "content": [{"type": "input_text", "text": "o"}]}
    prompt = row_of({"prompt": [*turns, kept]}).prompt
    assert [m["role"] for m in prompt] == ["system", "user", "assistant", "observation"]
    assert prompt[-1]["content"] == "o"


def test_a_row_of_trl(row_of):
    fields = {"prompt": [USER], "completion": [{"role": "assistant", "content": "2"}], "chat_template_kwargs": {"a": 1}}
    row = row_of(fields, solution_column="completion")
    assert (row.prompt, row.solution, row.template_arguments) == ([USER], "2", {"a": 1})
    fields = {
        "messages": [{"role": "system", "content": "Think."}, USER, {"role": "assistant", "content": "\\boxed{2}"}]
    }
    row = row_of(fields, prompt_column="messages", solution_column="messages", answer_from_solution=True)
    assert ([m["role"] for m in row.prompt], row.solution, row.answer) == (["system", "user"], "\\boxed{2}", "2")
    with pytest.raises(DataError, match="both prompt_column and solution_column"):
        row_of({"messages": [USER]}, prompt_column="messages", solution_column="messages")


def test_a_conversation_of_sharegpt(row_of):
    turns = [{"from": "human", "value": "1+1?"}, {"from": "gpt", "value": "2"}, {"from": "human", "value": "Sure?"}]
    row = row_of({"conversations": turns, "system": "Think."}, prompt_column="conversations")
    assert [(m["role"], m["content"]) for m in row.prompt] == [
        ("system", "Think."), ("user", "1+1?"), ("assistant", "2"), ("user", "Sure?")
    ]  # fmt: skip
    with pytest.raises(DataError, match="message 1 of the prompt is from 'function_call'"):
        row_of({"conversations": [{"from": "function_call", "value": "{}"}]}, prompt_column="conversations")


def test_a_system_column_stands_before_a_text_too(row_of):
    asked = row_of({"prompt": "1+1?", "system": "Think."}).prompt
    assert [(m["role"], m["content"]) for m in asked] == [("system", "Think."), ("user", "1+1?")]
    assert row_of({"prompt": "1+1?", "system": ""}).prompt == "1+1?"
    assert row_of({"prompt": "1+1?", "system": "Think."}, prompt_column="{system} {prompt}").prompt == "Think. 1+1?"


def test_several_columns_make_one_prompt(row_of):
    fields = {"Body": "Two and one.", "Question": "How many?", "Answer": 3.0, "input": None}
    row = row_of(fields, prompt_column="{Body} {Question}", answer_column="Answer")
    assert (row.prompt, row.answer) == ("Two and one. How many?", "3.0")
    with pytest.raises(DataError, match="no column 'Passage'; the columns are Body"):
        row_of(fields, prompt_column="{Passage} {Question}")
    with pytest.raises(DataError, match="'Body' is no text"):
        row_of({**fields, "Body": ["a"]}, prompt_column="{Body} {Question}")


def test_content_in_parts(row_of):
    parts = [{"type": "text", "text": "1+1", "image": None}, {"type": "text", "text": "is?"}]
    assert row_of({"prompt": [{"role": "user", "content": parts}]}).prompt == [{"role": "user", "content": "1+1\nis?"}]
    image = {"type": "image_url", "image_url": {"url": "x"}}
    with pytest.raises(DataError, match="line 1: message 1 of the prompt has a part of type 'image_url'"):
        row_of({"prompt": [{"role": "user", "content": [*parts, image]}]})


def test_tool_calls_stay(row_of):
    call = {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    turns = [
        {**USER, "tool_calls": None, "weight": 1},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "2", "tool_call_id": "a", "name": "add"},
    ]
    row = row_of({"prompt": turns, "tools": json.dumps([{"type": "function"}])})
    assert row.prompt[0] == USER
    assert row.prompt[1]["content"] == ""
    assert row.prompt[1]["tool_calls"][0]["function"] == {"name": "add", "arguments": {"a": 1}}
    assert row.prompt[2] == turns[2]
    assert row.template_arguments == {"tools": [{"type": "function"}]}
    with pytest.raises(DataError, match="'tools' is no list of objects"):
        row_of({"prompt": turns, "tools": "a calculator"})


@pytest.mark.parametrize("text", [json.dumps([USER]), str([USER])])
def test_messages_that_a_table_has_as_text(text, row_of):
    assert row_of({"prompt": text}).prompt == [USER]
    assert row_of({"prompt": "[1, 2] + [3]?"}).prompt == "[1, 2] + [3]?"
    assert row_of({"prompt": '["a", "b"]'}).prompt == '["a", "b"]'


def test_what_the_prompt_began_of_an_answer_is_graded_with_it(tmp_path):
    rows = [
        {"prompt": [USER, {"role": "assistant", "content": "The answer is \\boxed{"}], "answer": "2"},
        {"prompt": [USER, {"role": "assistant", "content": "I say \\boxed{2}. No, "}], "answer": "2"},
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = PromptFile(str(tmp_path / "p.jsonl"))
    begun, given_away = task.rows()
    assert task.grade(begun, "2}").correct
    assert task.grade(begun, "3}").correct is False
    assert task.grade(given_away, "I do not know.").answer is None


def test_ids_that_are_there_twice_can_be_left_out(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "a", "id": 1}\n{"prompt": "b", "id": 1}\n')
    with pytest.raises(DataError, match="ids must differ: set id_column, or id_column: null"):
        PromptFile(str(tmp_path / "p.jsonl")).rows()
    assert [row.id for row in PromptFile(str(tmp_path / "p.jsonl"), id_column=None).rows()] == ["0", "1"]


def test_nothing_is_logged_for_plain_rows(row_of, caplog):
    with caplog.at_level(logging.INFO):
        row_of({"prompt": "1+1?", "answer": "2", "level": 3})
    assert not caplog.records
