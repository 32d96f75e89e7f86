"""Files as people have them: encodings, line ends, compression, and JSON that is one document."""

import codecs
import gzip
import json

import pyarrow.parquet
import pytest

from emlit.errors import ConfigError, DataError
from emlit.sources import file_rows, hub_rows, require_file
from emlit.tasks import PromptFile

ROWS = [{"prompt": "1+1?", "answer": "2"}, {"prompt": "é 漢 🙂\u2028", "answer": "3"}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
TABLE = 'prompt,answer\n1+1?,2\n"é 漢 🙂\u2028",3\n'
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


def rows_of(path) -> list:
    return [row for _, row in file_rows(require_file(str(path)))]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("name", "text"), [("p.jsonl", LINES), ("p.json", LINES), ("p.json", json.dumps(ROWS)), ("p.csv", TABLE)]
)
def test_encodings(name, text, encoding, ends, tmp_path):
    content = text.replace("\n", ends).encode(encoding)
    for path, written in ((tmp_path / name, content), (tmp_path / f"{name}.gz", gzip.compress(content, mtime=0))):
        path.write_bytes(written)
        assert rows_of(path) == ROWS
    assert [row.source for row in PromptFile(str(tmp_path / f"{name}.gz")).rows()][-1].endswith(
        ("line 2", "2", "line 3")
    )
    assert PromptFile(str(tmp_path / f"{name}.gz")).name == "p"


def test_big_letters_in_a_suffix(tmp_path):
    (tmp_path / "P.JSONL").write_text(LINES, encoding="utf-8")
    assert rows_of(tmp_path / "P.JSONL") == ROWS


@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"version": "1.0", "data": ROWS},
        {"features": [{"name": "prompt", "type": {}}], "rows": [{"row_idx": n, "row": r} for n, r in enumerate(ROWS)]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_documents(document, indent, tmp_path):
    (tmp_path / "p.json").write_text(json.dumps(document, indent=indent))
    assert rows_of(tmp_path / "p.json") == ROWS
    assert PromptFile(str(tmp_path / "p.json")).rows()[1].source == f"{tmp_path / 'p.json'}, row 2"


def test_one_row_is_a_row_and_not_its_messages(tmp_path):
    row = {"prompt": [{"role": "user", "content": "1+1?"}], "answer": "2"}
    for indent in (None, 2):
        (tmp_path / "p.json").write_text(json.dumps(row, indent=indent))
        assert rows_of(tmp_path / "p.json") == [row]


def test_bad_lines_of_a_json_file(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"prompt": "a"\n{"prompt": "b"}\n[1]\n')
    assert [row.prompt for row in PromptFile(str(path), skip_bad_rows=True).rows()] == ["b"]
    path.write_text('[{"prompt": "a"}, 3]')
    with pytest.raises(DataError, match=r"p\.json, row 2: not a JSON object"):
        PromptFile(str(path)).rows()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("p.json", b'[{"prompt": "a"},', r"p\.json: not valid JSON \(.*line 1 column"),
        ("p.json", b"3", r"p\.json: neither an array of objects nor an object"),
        (
            "p.json",
            b'{"train": [{"a": 1}], "test": [{"a": 1}]}',
            r"p\.json: several arrays of rows \('train', 'test'\)",
        ),
        ("p.json", b"[]", r"p\.json has no usable row"),
        ("p.json", b'["\xff"]', r"p\.json: not UTF-8 text; save it as UTF-8"),
        ("p.jsonl", b'[{"prompt": "a"}]\n', r"line 1: not a JSON object; .*must end in \.json"),
        ("p.jsonl", b"[\n", r"line 1: not valid JSON.*must end in \.json"),
        ("p.jsonl", codecs.BOM_UTF16_LE + b"{\x00\x00", r"p\.jsonl: neither UTF-8 nor whole UTF-16"),
        ("p.jsonl", codecs.BOM_UTF8, r"p\.jsonl has no usable row"),
        ("p.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("p.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("p.jsonl", gzip.compress(LINES.encode(), mtime=0), r"p\.jsonl is compressed by gzip; end its name in \.gz"),
        ("p.csv", b"PK\x03\x04\0", r"p\.csv is a zip archive; unpack it"),
        ("p.json", b"PAR1\0\0PAR1", r"p\.json is a Parquet file"),
        ("p.jsonl", b"\n<!DOCTYPE html><html>", r"p\.jsonl is a web page"),
        ("p.jsonl.gz", b"{}\n", r"p\.jsonl\.gz is not a whole gzip file"),
        ("p.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)[:-9], r"p\.jsonl\.gz is not a whole gzip file"),
        ("p.csv", b"prompt,answer\n", r"p\.csv has no usable row"),
        ("p.csv", b'prompt,answer\nq1,2\n"unbalanced,7\nq3,3\nq4,4\n', r"p\.csv, line 3: not CSV \(unexpected end"),
        ("p.csv", b'prompt,answer\n\n"What is 5" board?",7\n', r"p\.csv, line 2: not CSV .*within quotes is doubled"),
        ("p.csv", b"prompt,answer,prompt\na,b,c\n", r"p\.csv has several columns named 'prompt'"),
        ("p.jsonl", b'{"prompt": "a", "prompt": "b"}\n', r"p\.jsonl, line 1: .*'prompt' stands twice in one object"),
        ("p.json", b'[{"prompt": "a",\n "prompt": "b"}]\n', r"p\.json: .*'prompt' stands twice in one object"),
        ("p.csv", b"prompt;answer\na;b\n", "no column 'prompt'; the columns are 'prompt;answer'"),
        ("p.csv", "prompt\n\u00e9t\u00e9\n".encode("latin-1"), r"p\.csv, after line \d: not UTF-8 .*save it as UTF-8"),
    ],
)
def test_files_that_cannot_be_read(name, content, sentence, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        PromptFile(str(tmp_path / name)).rows()
    assert "\n" not in str(caught.value)


def test_a_table_with_spaces_in_its_header_and_a_long_cell(tmp_path):
    (tmp_path / "p.csv").write_text(f"prompt, answer\n{'q' * 200_000},4\n")
    assert rows_of(tmp_path / "p.csv") == [{"prompt": "q" * 200_000, "answer": "4"}]


def test_a_directory_is_no_prompt_file(tmp_path):
    with pytest.raises(ConfigError, match="a directory.*StreamedPrompts"):
        PromptFile(str(tmp_path))


def test_a_parquet_column_that_stands_twice(tmp_path):
    table = pyarrow.table([pyarrow.array(["a"]), pyarrow.array(["b"])], names=["prompt", "prompt"])
    pyarrow.parquet.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(DataError, match=r"p\.parquet has several columns named 'prompt'"):
        rows_of(tmp_path / "p.parquet")


def test_cells_of_several_lines_and_rows_after_blank_ones(tmp_path):
    (tmp_path / "p.csv").write_text('prompt,answer,,\n"a\nsays ""b""",2,,\n\n5" board,3,,\n')
    found = [(where[-6:], row["prompt"]) for where, row in file_rows(tmp_path / "p.csv")]
    assert found == [("line 3", 'a\nsays "b"'), ("line 5", '5" board')]


@pytest.mark.parametrize("name", ["data", "problems", "rows"])
def test_rows_that_only_look_like_messages(name, tmp_path):
    rows = [{"problem": "1+1", "type": "Algebra", "level": "1"}, {"problem": "2+2", "from": "AMC", "role": "x"}]
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({name: rows}))
    assert [row for _, row in file_rows(file)] == rows


def test_a_file_is_no_data_set(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "1+1"}')
    with pytest.raises(ConfigError, match="a file, and a data set is a hub id or a directory; PromptFile reads files"):
        list(hub_rows(str(file), None, "train"))


def test_a_data_set_that_was_saved_to_disk(tmp_path):
    from datasets import Dataset, DatasetDict

    rows = Dataset.from_list([{"prompt": "1+1", "answer": "2"}])
    rows.save_to_disk(tmp_path / "one")
    DatasetDict({"test": rows}).save_to_disk(tmp_path / "several")
    for name in ("one", "several"):
        assert [row for _, row in hub_rows(str(tmp_path / name), None, "test")] == [{"prompt": "1+1", "answer": "2"}]
    with pytest.raises(DataError, match="could not be loaded: it has no split 'train'$"):
        list(hub_rows(str(tmp_path / "several"), None, "train"))
