import json

import pytest

from emlit.errors import ConfigError, DataError
from emlit.rollout import render, request_seed
from emlit.tasks import HubDataset, PromptFile


def write(path, *lines: str):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_jsonl_rows_with_and_without_labels(tmp_path):
    path = write(tmp_path / "p.jsonl", '{"prompt": "1+1?", "answer": 2}', "", '{"prompt": "é 漢 🙂", "id": "x"}')
    rows = PromptFile(path).rows()
    assert [(row.id, row.prompt, row.answer) for row in rows] == [("0", "1+1?", "2"), ("x", "é 漢 🙂", None)]


def test_messages_and_column_names(tmp_path):
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    path = write(tmp_path / "p.jsonl", json.dumps({"messages": chat, "gold": "a"}))
    row = PromptFile(path, prompt_column="messages", answer_column="gold", system_prompt="unused").rows()[0]
    assert row.messages("unused") == chat
    assert row.answer == "a"


def test_csv_and_parquet(tmp_path):
    import pyarrow
    import pyarrow.parquet

    csv = PromptFile(write(tmp_path / "p.csv", "prompt,answer", '"one, two",3', "four,")).rows()
    assert [(row.prompt, row.answer) for row in csv] == [("one, two", "3"), ("four", None)]
    pyarrow.parquet.write_table(pyarrow.table({"prompt": ["a", "b"], "answer": ["1", None]}), tmp_path / "p.parquet")
    parquet = PromptFile(str(tmp_path / "p.parquet")).rows()
    assert [(row.prompt, row.answer) for row in parquet] == [("a", "1"), ("b", None)]


def test_hub_dataset_from_a_directory(tmp_path):
    write(tmp_path / "train.jsonl", '{"problem": "2+2", "answer": "4"}', '{"problem": "2+3", "answer": "5"}')
    rows = HubDataset(str(tmp_path), prompt_column="problem").rows()
    assert [(row.prompt, row.answer) for row in rows] == [("2+2", "4"), ("2+3", "5")]


def test_hub_dataset_that_is_not_there():
    with pytest.raises(DataError, match="nobody/nothing"):
        HubDataset("nobody/nothing").rows()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"prompt": "a"', r"p\.jsonl, line 2: not valid JSON"),
        ("[1]", r"line 2: not a JSON object"),
        ('{"question": "a"}', r"line 2: no column 'prompt'; the columns are question"),
        ('{"prompt": "  "}', r"line 2: the prompt is empty"),
        ('{"prompt": 3}', r"line 2: a prompt must be text or a list of messages"),
        ('{"prompt": [{"role": "user", "content": [1]}]}', r"line 2: a prompt must be text or a list of messages"),
        ('{"prompt": []}', r"line 2: a prompt must be text or a list of messages"),
    ],
)
def test_malformed_rows_are_named_or_skipped(tmp_path, line, sentence):
    path = write(tmp_path / "p.jsonl", '{"prompt": "good"}', line, '{"prompt": "also good"}')
    with pytest.raises(DataError, match=sentence) as caught:
        PromptFile(path).rows()
    assert "skip_bad_rows" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [row.prompt for row in PromptFile(path, skip_bad_rows=True).rows()] == ["good", "also good"]


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "p.jsonl").write_bytes(b'{"prompt": "\xff"}\n')
    with pytest.raises(DataError, match="line 1: not UTF-8"):
        PromptFile(str(tmp_path / "p.jsonl")).rows()

    (tmp_path / "p.csv").write_bytes(b"prompt\n\xe9t\xe9\n")
    with pytest.raises(DataError, match=r"p\.csv, after line \d: not UTF-8"):
        PromptFile(str(tmp_path / "p.csv")).rows()


def test_files_that_cannot_be_prompts(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.jsonl, and there is no such file"):
        PromptFile(str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(ConfigError, match="must end in"):
        PromptFile(str(tmp_path / "p.txt"))
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match="is empty"):
        PromptFile(str(tmp_path / "empty.jsonl"))
    with pytest.raises(DataError, match="no usable row"):
        PromptFile(write(tmp_path / "blank.jsonl", "", "")).rows()


def test_ids_must_differ(tmp_path):
    path = write(tmp_path / "p.jsonl", '{"prompt": "a", "id": 1}', '{"prompt": "b", "id": "1"}')
    with pytest.raises(DataError, match="line 2: the 'id' '1' is there twice"):
        PromptFile(path).rows()


def test_chat_template_is_applied(tmp_path, tokenizer):
    task = PromptFile(write(tmp_path / "p.jsonl", '{"prompt": "What is 1+1?"}'), system_prompt="Think.")
    text = tokenizer.decode(render(task, tokenizer, 100)[0].tokens)
    assert text == (
        "<|im_start|>system\nThink.<|im_end|>\n<|im_start|>user\nWhat is 1+1?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_model_without_chat_template_works_too(tmp_path, tokenizer):
    from copy import deepcopy

    plain = deepcopy(tokenizer)
    plain.chat_template = None
    task = PromptFile(write(tmp_path / "p.jsonl", '{"prompt": "What is 1+1?"}'), system_prompt="Think.")
    assert plain.decode(render(task, plain, 100)[0].tokens) == "Think.\n\nWhat is 1+1?"


def test_prompt_longer_than_the_context(tmp_path, tokenizer):
    path = write(tmp_path / "p.jsonl", '{"prompt": "short"}', json.dumps({"prompt": "9" * 300}))
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: the prompt has \d+ tokens.*max_tokens"):
        render(PromptFile(path), tokenizer, 100)
    assert len(render(PromptFile(path, skip_bad_rows=True), tokenizer, 100)) == 1


def test_request_seeds():
    assert request_seed(0, "train", 1, 2) == request_seed(0, "train", 1, 2)
    assert len({request_seed(0, "train", i, j) for i in range(100) for j in range(10)}) == 1000
    assert all(0 <= request_seed("x", i) < 2**63 for i in range(100))
