"""Prompt sets that are copied to the disk and read row by row."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from benchmarks.measure import in_own_process
from emlit.errors import ConfigError, DataError, StorageError
from emlit.tasks import PromptFile, StreamedPrompts

ROOT = Path(__file__).parents[3]
ROWS = [
    {"prompt": "1+1?", "answer": "2", "id": "a"},
    {"prompt": "é 漢 🙂", "answer": "", "id": "b"},
    {"prompt": "007", "answer": "010", "id": "007"},
    {"prompt": 'a, b\nand "c"', "answer": "3.50", "id": "d"},
]


@pytest.fixture
def streamed(tmp_path):
    def make(path, **options) -> StreamedPrompts:
        return StreamedPrompts(str(path), **{"cache_dir": str(tmp_path / "cache")} | options)

    return make


def write(path: Path, rows: list) -> Path:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet", ".csv"])
def test_rows_are_those_of_a_prompt_file(suffix, tmp_path, streamed):
    path = write(tmp_path / f"p{suffix}", ROWS)
    rows = streamed(path).rows()
    assert list(rows) == PromptFile(str(path)).rows()
    assert rows[2].answer == "010"
    assert rows[-1] == rows[3]
    with pytest.raises(IndexError):
        rows[4]


def test_columns_of_any_kind_are_those_of_a_prompt_file(tmp_path, streamed):
    rows = [
        {"chat": [{"role": "user", "content": "x"}], "label": 1, "solution": "so \\boxed{1}", "more": {"deep": [1.5]}},
        {"chat": "text", "label": 12345678901234567890123, "solution": None},
        {"chat": "text", "label": 0.1, "solution": " "},
    ]
    path = write(tmp_path / "p.jsonl", rows)
    columns = {"prompt_column": "chat", "answer_column": "label", "system_prompt": "Think."}
    assert list(streamed(path, **columns).rows()) == PromptFile(str(path), **columns).rows()
    short = write(tmp_path / "q.jsonl", rows[:1])
    columns = {"prompt_column": "chat", "answer_from_solution": True}
    assert list(streamed(short, **columns).rows()) == PromptFile(str(short), **columns).rows()


@pytest.mark.parametrize("workers", [1, 3])
def test_many_files_are_one_set_in_the_order_of_their_names(workers, tmp_path, streamed):
    shards = tmp_path / "shards"
    for number in (3, 1, 0, 2, 4):
        suffix = [".jsonl", ".parquet", ".csv"][number % 3]
        rows = [{"prompt": f"{number} {i}", "answer": str(i)} for i in range(number + 1)]
        write(shards / f"part-{number}{suffix}", rows)
    (shards / "README.md").write_text("not a shard")
    expected = [f"{number} {i}" for number in range(5) for i in range(number + 1)]
    for path in (shards, shards / "part-*", tmp_path / "**/part-?.*"):
        rows = streamed(path, workers=workers).rows()
        assert [row.prompt for row in rows] == expected
        assert [row.id for row in rows] == [str(i) for i in range(len(expected))]
    assert rows[3].source == f"{shards / 'part-2.csv'}, line 2"
    assert rows[14].source == f"{shards / 'part-4.parquet'}, row 5"
    assert streamed(shards).name == "shards"


def test_the_copy_is_made_once_for_the_same_files(tmp_path, streamed):
    path = write(tmp_path / "p.jsonl", ROWS)
    streamed(path).rows()
    copies = {each: each.stat().st_mtime_ns for each in (tmp_path / "cache").rglob("*.arrow")}
    assert len(copies) == 1
    rows = streamed(path).rows()
    assert {each: each.stat().st_mtime_ns for each in (tmp_path / "cache").rglob("*.arrow")} == copies
    # Another size or time of change is another set.
    write(path, [*ROWS, {"prompt": "new", "id": "e"}])
    more = streamed(path).rows()
    assert len(more) == 5
    assert more.fingerprint != rows.fingerprint
    assert len(rows) == 4


def test_a_copied_set_is_the_same_set(tmp_path, streamed):
    here, there = write(tmp_path / "a/p.jsonl", ROWS), write(tmp_path / "b/p.jsonl", ROWS)
    assert streamed(here).rows().fingerprint == streamed(there).rows().fingerprint


def test_a_row_that_is_none_ends_it_before_anything_is_drawn(tmp_path, streamed):
    shards = tmp_path / "shards"
    write(shards / "a.jsonl", ROWS * 1000)
    write(shards / "b.jsonl", [*ROWS, *ROWS, '{"prompt": ', *ROWS])
    with pytest.raises(DataError, match=r"b\.jsonl, line 9: not valid JSON .*skip_bad_rows: true"):
        streamed(shards).rows()
    rows = streamed(shards, skip_bad_rows=True).rows()
    assert len(rows) == 4013
    with pytest.raises(DataError, match=r"b\.jsonl, line 9: not valid JSON") as caught:
        rows[4008]
    assert "skip_bad_rows" not in str(caught.value)
    assert rows[4009].prompt == "1+1?"


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"question": "x"}, "no column 'prompt'; the columns are question"),
        ({"prompt": " "}, "the prompt is empty"),
        ({"prompt": "\ud800"}, "half of a surrogate pair"),
        ({"prompt": 3}, "a prompt must be text"),
    ],
)
def test_a_row_that_cannot_be_used_says_so_when_it_is_drawn(row, problem, tmp_path, streamed):
    rows = streamed(write(tmp_path / "p.jsonl", [*ROWS, row])).rows()
    assert rows[3].id == "d"
    with pytest.raises(DataError, match=rf"line 5: {problem}|line 5: the prompt has {problem}") as caught:
        rows[4]
    assert str(caught.value).endswith("(or skip such rows with skip_bad_rows: true)")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_file_is_named(workers, tmp_path, streamed):
    shards = tmp_path / "shards"
    write(shards / "a.parquet", ROWS)
    whole = write(shards / "b.parquet", ROWS).read_bytes()
    (shards / "b.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"b\.parquet is not a whole Parquet file"):
        streamed(shards, workers=workers).rows()
    (shards / "b.parquet").write_bytes(whole)
    assert len(streamed(shards, workers=workers).rows()) == 8


def test_nothing_to_read(tmp_path, streamed):
    (tmp_path / "empty").mkdir()
    for path, sentence in [
        (tmp_path / "empty", "a directory without a file that ends in"),
        (tmp_path / "none-*.jsonl", "no such file, directory or glob"),
        (tmp_path / "none.jsonl", "no such file, directory or glob"),
    ]:
        with pytest.raises(ConfigError, match=sentence):
            streamed(path)
    (tmp_path / "p.txt").write_text("x")
    with pytest.raises(ConfigError, match="must end in"):
        streamed(tmp_path / "p.txt")
    (tmp_path / "p.jsonl").touch()
    with pytest.raises(DataError, match="is empty"):
        streamed(tmp_path / "p.jsonl")
    with pytest.raises(ConfigError, match="workers of StreamedPrompts is 0"):
        streamed(tmp_path, workers=0)
    shards = tmp_path / "shards"
    write(shards / "a.jsonl", ROWS)
    (shards / "b.jsonl").write_text("\n\n")
    with pytest.raises(DataError, match=r"b\.jsonl has no row"):
        list(streamed(shards).first_rows())


def test_no_place_for_the_copy(tmp_path, streamed):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"could not be copied to .*file.*cache_dir"):
        streamed(write(tmp_path / "p.jsonl", ROWS), cache_dir=str(tmp_path / "file")).rows()


@pytest.mark.nightly
def test_processes_that_start_together_make_one_copy(tmp_path):
    path = write(tmp_path / "p.jsonl", ROWS * 20_000)
    program = (
        "import sys; from emlit.tasks import StreamedPrompts; sys.stdin.readline(); "
        f"rows = StreamedPrompts({str(path)!r}, cache_dir={str(tmp_path / 'cache')!r}).rows(); "
        "print(len(rows), rows[79_999].id, rows.fingerprint)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for each in started:
        each.stdin.write("\n")
        each.stdin.flush()
    ended = [each.communicate(timeout=100) for each in started]
    assert ended[0][0] == ended[1][0] != ""
    assert ended[0][0].startswith("80000 d ")
    # One of them wrote; the other waited and found it.
    assert sum("Generating" in errors for _, errors in ended) == 1
    assert len(list((tmp_path / "cache").rglob("*.arrow"))) == 1


@pytest.mark.nightly
def test_memory_does_not_grow_with_the_set(tmp_path):
    """300 MB of rows, prepared and drawn from; a file read whole takes 2.5 times its size."""
    place = tmp_path / "shards"
    place.mkdir()
    for file in range(3):
        with (place / f"{file}.jsonl").open("w") as out:
            out.writelines(f'{{"prompt": "{file} + {i}?", "more": "{i:0950}"}}\n' for i in range(100_000))
    assert sum(each.stat().st_size for each in place.iterdir()) > 280e6
    for _ in range(2):  # first use, and again
        found = in_own_process(
            "benchmarks.streamed_prompts", "--rounds", "2", "--child", str(place), str(tmp_path / "cache")
        )
        assert found["rows"] == 300_000
        assert found["peak"] < 100e6
