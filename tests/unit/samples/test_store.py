"""samples.jsonl through kills and resumes."""

import json
import os
from dataclasses import asdict

import pytest

from emlit.resilience.files import write_whole
from emlit.samples import Sample, SampleStore
from tests.unit.samples.rounds import make_sample


def filled(path, steps=(1, 2, 4)) -> SampleStore:
    store = SampleStore(path)
    for step in steps:
        store.append([make_sample(step, id=f"{step}/{i}", texts=["é\n", "</script>"]) for i in range(3)])
    return store


def test_what_is_read_is_what_was_written(tmp_path):
    store = filled(tmp_path / "samples.jsonl")
    again = SampleStore(tmp_path / "samples.jsonl")
    again.load(last_step=4)
    assert again.places == store.places
    sample = Sample(**json.loads(again.read(2)[1]))
    assert json.loads(json.dumps(asdict(make_sample(2, id="2/1", texts=["é\n", "</script>"])))) == asdict(sample)


def test_a_resumed_run_drops_what_came_after_its_checkpoint(tmp_path):
    path = tmp_path / "samples.jsonl"
    filled(path)
    store = SampleStore(path)
    store.load(last_step=3)
    assert sorted(store.places) == [1, 2]
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 1, 1, 2, 2, 2]
    store.load(last_step=0)  # a run begun anew in the same directory
    assert store.places == {}
    assert path.read_text() == ""


@pytest.mark.parametrize("cut", [1, 10, 150])
def test_a_line_cut_short_by_a_kill(tmp_path, cut):
    path = tmp_path / "samples.jsonl"
    filled(path)
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    store = SampleStore(path)
    store.load(last_step=9)
    assert sum(map(len, store.places.values())) == 8
    store.append([make_sample(5)])
    again = SampleStore(path)
    again.load(last_step=9)
    assert again.places == store.places


def test_lines_that_are_no_samples_are_dropped_with_a_warning(tmp_path, caplog):
    path = tmp_path / "samples.jsonl"
    filled(path)
    path.write_bytes(b'\x00\x00\xff\n{"step": 1}\n[]\n' + path.read_bytes())
    store = SampleStore(path)
    store.load(last_step=9)
    assert sum(map(len, store.places.values())) == 9
    assert "line 2 is no sample and is dropped" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        *(b"[" * 100_000, b"1" * 5000, b'{"a":' * 100_000, b"null", b"\xff"),
        *({"step": step} for step in ("x", [1], None, 1e400, float("nan"), True, 10**400)),
        *({"mean_entropy": float("nan")}, {"tokens": [["a", 0.1]]}, {"tokens": 5}, {"omitted": [1]}, {"more": 1}),
    ],
)  # fmt: skip
def test_lines_that_somebody_else_wrote_are_dropped(line, tmp_path, caplog):
    path = tmp_path / "samples.jsonl"
    filled(path)
    whole = path.read_bytes()
    path.write_bytes(
        whole + (line if isinstance(line, bytes) else json.dumps(asdict(make_sample(1)) | line).encode()) + b"\n"
    )
    store = SampleStore(path)
    store.load(last_step=9)
    assert path.read_bytes() == whole
    assert "line 10 is no sample and is dropped" in caplog.text


def test_nothing_there_yet(tmp_path):
    store = SampleStore(tmp_path / "samples.jsonl")
    store.load(last_step=0)
    assert store.places == {}
    assert not (tmp_path / "samples.jsonl").exists()


def test_a_long_run_is_thinned_evenly_and_keeps_both_ends(tmp_path):
    store = filled(tmp_path / "samples.jsonl", steps=range(1, 102))
    shown = [json.loads(line)["step"] for line in store.spread(18)]
    assert shown == [step for step in (1, 21, 41, 61, 81, 101) for _ in range(3)]
    assert len(store.spread(303)) == 303
    assert len(store.spread(302)) == 300


def test_only_places_are_kept_in_memory(tmp_path):
    path = tmp_path / "samples.jsonl"
    store = filled(path)
    whole = path.read_text().splitlines()
    assert [line for step in (1, 2, 4) for line in store.read(step)] == whole == store.spread(400)
    assert all(isinstance(place, int) for places in store.places.values() for place in places)


@pytest.mark.parametrize("removed", [True, False])
def test_a_file_that_is_emptied_during_the_run(tmp_path, removed):
    path = tmp_path / "samples.jsonl"
    store = filled(path)
    path.unlink() if removed else path.write_bytes(b"")
    store.append([make_sample(5)])
    assert [json.loads(line)["step"] for line in store.spread(400)] == [5]


def test_a_kill_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    page, path = tmp_path / "samples.html", tmp_path / "samples.jsonl"
    write_whole(page, "old")
    store = filled(path)
    old = path.read_bytes()

    def dies(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        write_whole(page, "new")
    with pytest.raises(KeyboardInterrupt):
        store.load(last_step=1)
    assert page.read_text() == "old"
    assert path.read_bytes() == old
