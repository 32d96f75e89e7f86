"""What is kept, deleted and refused of a run's directory."""

import pytest

from emlit.errors import ConfigError
from emlit.resilience.files import put_in_place, scratch_of, set_aside
from emlit.resilience.marks import adopt, mark, seal
from emlit.resuming import _summarised_step, find_checkpoint
from emlit.run_directory import is_of_run, stale_paths, take


def write(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    "left", ["tensorboard/checkpoints/best.ckpt", "non_finite/step-3.pt", "export/config.json", "summary.json"]
)
def test_auto_throws_nothing_away_that_somebody_may_want(left, tmp_path):
    take(tmp_path, "fit", [], None)
    write(tmp_path / left)
    with pytest.raises(ConfigError, match="holds an earlier run: start anew"):
        stale_paths(tmp_path, None, overwrite=False, automatic=True)
    for folder in ("non_finite", "export"):
        mark(tmp_path / folder, "*")
    adopt(tmp_path, "summary.json")
    assert stale_paths(tmp_path, None, overwrite=True, automatic=False)
    assert (tmp_path / left).exists()  # deleted later, by `take`


def test_auto_takes_over_what_a_kill_left(tmp_path):
    take(tmp_path, "fit", [], None)
    write(tmp_path / "tensorboard/events.out.tfevents.1")
    write(scratch_of(tmp_path / "checkpoints/last.ckpt"))
    assert tmp_path / "checkpoints" in stale_paths(tmp_path, None, overwrite=False, automatic=True)


@pytest.mark.parametrize(
    "content", ["[]", '{"steps": "4"}', "{}", "[" * 100_000, '{"steps":' + "1" * 5000 + "}", "\xff", None]
)
def test_a_summary_that_somebody_else_wrote_says_nothing(content, tmp_path):
    if content is not None:
        (tmp_path / "summary.json").write_bytes(content.encode("latin-1"))
    assert _summarised_step(tmp_path) is None


@pytest.mark.parametrize(
    ("path", "is_there"),
    [("", True), ("..", True), ("checkpoints", True), ("checkpoints/last", True), ("summary.json", True),
     ("samples.html", True), ("non_finite/export", True), ("out/..", True), ("tensorboard-predict", True),
     ("preflight", True), ("export", False), ("model", False), ("../other", False), ("export/inner", False)],
)  # fmt: skip
def test_an_export_has_a_place_of_its_own(path, is_there, tmp_path):
    (tmp_path / "run/out").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "run")
    for run_dir in (tmp_path / "run", tmp_path / "link"):
        assert is_of_run(run_dir, tmp_path / "run" / path) == is_there


def test_auto_and_overwrite_contradict_each_other(tmp_path):
    with pytest.raises(ConfigError, match="overwrite is true and ckpt_path is auto"):
        stale_paths(tmp_path, None, overwrite=True, automatic=True)


def test_a_sharded_checkpoint_is_there_under_one_name_or_the_other(tmp_path, monkeypatch):
    target = tmp_path / "checkpoints/last.ckpt"
    scratch = scratch_of(target)
    for folder, content in ((target, "old"), (scratch, "new")):
        write(folder / "shard", content)
        seal(folder)
    import os

    replace, calls = os.replace, []

    def killed(source, destination):
        calls.append(1)
        if len(calls) == 2:  # the old one is aside, the new one not yet in place
            raise KeyboardInterrupt
        replace(source, destination)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put_in_place(scratch, target)
    monkeypatch.setattr(os, "replace", replace)
    assert not target.exists()
    assert find_checkpoint("auto", tmp_path, fit=True) == target
    assert (target / "shard").read_text() == "old"
    put_in_place(scratch, target)
    assert (target / "shard").read_text() == "new"
    assert not set_aside(target).exists()
