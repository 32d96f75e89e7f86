"""Nothing is deleted, replaced or written through that emlit did not write."""

import os
import re
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from emlit.errors import ConfigError, EmlitError, StorageError
from emlit.report.writing import write_report
from emlit.resilience import checkpoint_files
from emlit.resilience.files import append_to, replacing, set_aside, write_whole
from emlit.resilience.marks import MARK, facts_of, foreign, mark, require_own, seal
from emlit.resilience.run_lock import RunLock
from emlit.resuming import _summarised_step
from emlit.run_directory import make, require_directory, require_free, stale_paths, take
from emlit.saved_config import SavedConfig, keeps_config


def planted(path, text="mine"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("command", "name"),
    [
        *[("fit", name) for name in ("summary.json", "samples.jsonl", "samples.html", "tensorboard/events", "export/a",
                                     "non_finite/x", "checkpoints/kept-3.pt", "checkpoints/step-9.ckpt")],
        *[("predict", name) for name in ("predictions.jsonl", "predictions.rank0.jsonl", "costs.rank0.jsonl",
                                         "report.md", "comparisons.json", "figures/tiny.png")],
        *[("validate", name) for name in ("report.md", "report.json", "preflight/tiny/a.png",
                                          "tensorboard-validate/config.yaml")],
    ],
)  # fmt: skip
def test_what_somebody_else_wrote_is_refused(command, name, tmp_path):
    mine = planted(tmp_path / name)
    mark(tmp_path)
    if name.startswith("export"):  # HFExport asks for it, wherever it is
        with pytest.raises(ConfigError, match="holds a, which emlit did not write"):
            require_free(tmp_path, command, stale_paths(tmp_path, None, overwrite=True, automatic=False))
    else:
        with pytest.raises(ConfigError, match="which emlit did not write|is there, and emlit did not write it"):
            require_free(tmp_path, command)
    assert mine.read_text() == "mine"


def test_a_config_in_the_runs_directory_stays(tmp_path):
    saved = SavedConfig(SimpleNamespace(dump=lambda config, skip_none: config), "resolved", overwrite=True)
    trainer = SimpleNamespace(logger=None, default_root_dir=str(tmp_path / "run"))
    for _ in range(2):  # a resumed run writes its own again
        saved.save_config(trainer, None, "predict")
    assert (tmp_path / "run/config.yaml").read_text() == "resolved"
    trainer.default_root_dir, mine = str(tmp_path), planted(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="config.yaml is there, and emlit did not write it"):
        saved.save_config(trainer, None, "predict")
    with pytest.raises(ConfigError, match="config.yaml is there, and emlit did not write it"):  # before one is deleted
        require_free(tmp_path, "fit", keeps_config=True)
    require_free(tmp_path, "fit")
    assert mine.read_text() == "mine"


def test_whether_the_config_is_kept_in_the_runs_directory():
    csv, board = (SimpleNamespace(class_path=f"lightning.pytorch.loggers.{n}Logger") for n in ("CSV", "TensorBoard"))
    assert all(map(keeps_config, (False, csv, [csv, board], [])))
    assert not any(map(keeps_config, (None, True, board, [board, csv])))


def test_an_earlier_run_is_deleted_and_what_was_put_into_it_is_not(tmp_path):
    take(tmp_path, "fit", [], None)
    write_whole(tmp_path / "summary.json", "{}")
    for name in ("checkpoints/last.ckpt", "checkpoints/step-3.ckpt", "non_finite/step-4.pt"):
        with replacing(tmp_path / name) as scratch:
            checkpoint_files.write({}, scratch)
    planted(tmp_path / "tensorboard/events.out.tfevents.1.host")
    planted(tmp_path / "tensorboard/checkpoints/best.ckpt")
    with replacing(tmp_path / "export", word=mark(tmp_path)) as scratch:
        planted(scratch / "adapter/weights")
        seal(scratch, run=mark(tmp_path), step=3)
    notes = planted(tmp_path / "checkpoints/notes.txt")
    with pytest.raises(ConfigError, match=r"checkpoints holds notes\.txt, which emlit did not write.*--run_dir"):
        require_free(tmp_path, "fit", stale_paths(tmp_path, None, overwrite=True, automatic=False))
    notes.rename(tmp_path / "notes.txt")
    take(tmp_path, "fit", stale_paths(tmp_path, None, overwrite=True, automatic=False), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [MARK, "notes.txt", "tensorboard"]
    assert [path.name for path in (tmp_path / "tensorboard").iterdir()] == [MARK]


def test_an_export_is_replaced_where_it_is_the_runs_own(tmp_path):
    word, target = mark(tmp_path / "run"), tmp_path / "models/mine"

    def export(text):
        with replacing(target, word=word) as scratch:
            planted(scratch / "config.json", text)
            seal(scratch, run=word, step=1)

    export("first")
    export("second")
    assert (target / "config.json").read_text() == "second"
    assert [path.name for path in target.parent.iterdir()] == ["mine"]  # no mark in somebody else's directory
    planted(target / "README.md")
    with pytest.raises(ConfigError, match=r"mine holds README\.md, which emlit did not write"):
        export("third")
    assert (target / "config.json").read_text() == "second"


@pytest.mark.parametrize("name", ["mine", "mine.partial", "mine.old"])
def test_neighbours_of_an_export_stay(name, tmp_path):
    thesis = planted(tmp_path / f"{name}/thesis.tex")
    word = mark(tmp_path / "run")
    with pytest.raises(ConfigError) if name == "mine" else replacing(tmp_path / "mine", word=word) as scratch:
        if name == "mine":
            require_own(tmp_path / "mine", "export.dirpath")
        else:
            planted(scratch / "config.json")
            seal(scratch)
    assert thesis.read_text() == "mine"


@pytest.mark.parametrize("name", ["report.json", "report.json.partial", "report.json.old", "comparisons.json"])
def test_a_planted_link_is_not_written_through(name, tmp_path):
    outside = planted(tmp_path / "outside")
    out = tmp_path / "out"
    out.mkdir()
    (out / name).symlink_to(outside)
    if name.endswith(("partial", "old")):
        write_report(out, [])
        assert (out / "report.json").read_text() == "[]\n"
    else:
        with pytest.raises(ConfigError, match=f"{name} is there, and emlit did not write it, being a link"):
            write_report(out, [])
    assert outside.read_text() == "mine"
    assert (out / name).is_symlink()


def test_links_in_the_place_of_files_that_grow(tmp_path):
    outside = planted(tmp_path / "outside")
    for name in ("samples.jsonl", "predictions.rank0.jsonl"):
        (tmp_path / name).symlink_to(outside)
        with pytest.raises(ConfigError, match="being a link"):
            append_to(tmp_path / name)
    # Planted after the mark was made, under the very name of a scratch file.
    scratch = tmp_path / f".x.{mark(tmp_path)}.partial"
    scratch.symlink_to(outside)
    write_whole(tmp_path / "x", "new")
    (tmp_path / MARK).unlink()
    (tmp_path / MARK).symlink_to(outside)
    with pytest.raises(EmlitError):
        write_whole(tmp_path / "x", "newer")
    assert outside.read_text() == "mine"
    assert (tmp_path / "x").read_text() == "new"


def test_a_link_to_another_disk_serves_for_checkpoints(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    (run_dir / "checkpoints").symlink_to(disk)
    take(run_dir, "fit", stale_paths(run_dir, None, overwrite=True, automatic=False), None)
    write_whole(run_dir / "checkpoints/last.ckpt", "x")
    assert (disk / "last.ckpt").read_text() == "x"
    with pytest.raises(ConfigError, match="being a link"):
        require_free(run_dir, "fit", stale_paths(run_dir, None, overwrite=True, automatic=False))


def test_files_follow_the_umask(tmp_path):
    from safetensors.torch import save_file

    before = os.umask(0o022)
    try:
        with replacing(tmp_path / "export", word=mark(tmp_path)) as scratch:
            scratch.mkdir()
            save_file({"w": torch.ones(1)}, scratch / "model.safetensors")
            seal(scratch)
        write_whole(tmp_path / "report.md", "x")
        with replacing(tmp_path / "last.ckpt") as scratch:
            checkpoint_files.write({}, scratch)
        append_to(tmp_path / "samples.jsonl").close()
    finally:
        os.umask(before)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o644, path


def test_one_run_at_a_time(tmp_path):
    code = "import sys, pathlib; from emlit.resilience.run_lock import RunLock; lock = RunLock(); "
    code += f"lock.take(pathlib.Path({str(tmp_path)!r}), 'fit'); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    mine = RunLock()
    with pytest.raises(ConfigError, match=rf"in use by process {holder.pid} on .* \(fit\); .*another --run_dir"):
        mine.take(tmp_path, "fit")
    mine.take(tmp_path, "predict")  # reads checkpoints, and writes other files
    mine.release()
    holder.kill()  # a dead process holds nothing
    holder.wait()
    mine.take(tmp_path, "fit")
    mine.release()


@pytest.mark.parametrize("kind", ["text", "link", "second name", "fifo"])
def test_a_lock_that_somebody_else_made_is_left_alone(kind, tmp_path):
    path, outside = tmp_path / ".emlit.fit.lock", planted(tmp_path / "outside")
    {
        "text": lambda: path.write_text("mine"), "link": lambda: path.symlink_to(outside),
        "second name": lambda: os.link(outside, path), "fifo": lambda: os.mkfifo(path),
    }[kind]()  # fmt: skip
    with pytest.raises(ConfigError, match="choose another --run_dir"):
        RunLock().take(tmp_path, "fit")
    assert outside.read_text() == "mine"


def test_pipes_in_the_place_of_files_are_somebody_elses(tmp_path):
    mark(tmp_path, "summary.json", "samples.jsonl")
    for name in ("summary.json", "samples.jsonl"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(ConfigError, match=f"{name} is there, and emlit did not write it"):
            require_own(tmp_path / name)
        with pytest.raises(ConfigError, match="emlit did not write"):
            require_own(tmp_path)
    with pytest.raises(ConfigError, match="emlit did not write"):
        append_to(tmp_path / "samples.jsonl")
    assert _summarised_step(tmp_path) is None


def test_the_lock_outlives_all_that_its_holder_reads_and_writes(tmp_path):
    code = (
        "import sys, pathlib, os; from emlit.resilience.run_lock import RunLock; "
        "from emlit.resilience.files import sync, write_whole; from emlit.resilience.marks import mark; "
        f"run = pathlib.Path({str(tmp_path)!r}); lock = RunLock(); lock.take(run, 'fit'); "
        "write_whole(run / 'summary.json', '{}'); sync(run); "
        "[file.read_bytes() for file in run.rglob('*') if file.is_file()]; "
        "os.fork() or (print('held', flush=True), sys.stdin.read(), os._exit(0)); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        mine = RunLock()
        with pytest.raises(ConfigError, match="is in use by process"):
            mine.take(tmp_path, "fit")
        holder.kill()  # what it forked lives on, and holds nothing
        holder.wait()
        mine.take(tmp_path, "fit")
        mine.release()
    finally:
        holder.stdin.close()


def test_processes_of_one_run_share_its_directory(tmp_path, monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "1")
            RunLock().take(tmp_path, "fit")
    assert not list(tmp_path.iterdir())


def test_directories_that_cannot_be(tmp_path):
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for path, reason in (
        (planted(tmp_path / "file"), "it is a file"),
        (tmp_path / "file/below", "Not a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
        (tmp_path / "nowhere", "it is a link to nowhere"),
    ):
        with pytest.raises(ConfigError, match=f"run_dir .* cannot be used: {reason}; choose another --run_dir"):
            require_directory(path)
    with pytest.raises(ConfigError, match="cannot be made: .*; choose another --run_dir"):
        make(tmp_path.__class__("/proc/run"))
    for refuse in (
        lambda path: RunLock().take(path, "fit"),
        lambda path: take(path, "fit", [], None),
    ):
        with pytest.raises(ConfigError, match="cannot be written to: .*; choose another --run_dir"):
            refuse(tmp_path.__class__("/proc/self"))
    with pytest.raises(StorageError, match=r"/proc/self/report\.json could not be written"):
        write_report(tmp_path.__class__("/proc/self"), [])


@pytest.mark.parametrize("name", [".emlit-notes.txt", "sub/.emlit.tar.gz", ".emlit", ".emlit.fit.lock"])
@pytest.mark.parametrize("marked", [True, False])
def test_names_like_the_marks_are_not_emlits(name, marked, tmp_path):
    directory = tmp_path / "dir"
    mine = planted(directory / name)
    if marked and name != ".emlit":
        mark(directory)
    with pytest.raises(ConfigError, match="did not write"), replacing(directory):
        raise AssertionError
    assert mine.read_text() == "mine"


def test_what_a_kill_left_of_a_mark_is_emlits(tmp_path):
    word = mark(tmp_path / "dir")
    (tmp_path / "dir" / MARK).rename(tmp_path / f"dir/{MARK}.{word}")
    assert foreign(tmp_path / "dir") is None
    (tmp_path / f"dir/{MARK}.{word}").rename(tmp_path / f"dir/{MARK}.0{word}")
    assert foreign(tmp_path / "dir") is not None


@pytest.mark.parametrize("name", ["checkpoints/mine/best.ckpt", "events.out.tfevents.mine", "sub/config.yaml"])
def test_a_pattern_stays_within_its_folder(name, tmp_path):
    take(tmp_path, "fit", [], None)
    assert foreign(planted(tmp_path / "tensorboard" / "checkpoints/best.ckpt").parents[2]) is None
    mine = planted(tmp_path / "tensorboard" / name)
    assert foreign(tmp_path / "tensorboard") == mine


def test_what_profilers_write_is_emlits_where_one_was_asked_for(tmp_path):
    theirs = ["fit-profile.txt", "fit-profile-1.txt", "fit-profile-[Strategy]X.training_step.17.pt.trace.json"]
    mine = ["fit-profile-notes.md", "fit-profiles/x.csv", "fit-profile-a.json", "fit-profile-1a.txt"]
    take(tmp_path / "plain", "fit", [], None)
    planted(tmp_path / "plain/fit-profile.txt")
    with pytest.raises(ConfigError, match="emlit did not write"):
        require_free(tmp_path / "plain", "fit", profiled=True)
    take(tmp_path, "fit", [], None, profiled=True)
    for name in [*theirs, *mine]:
        planted(tmp_path / name)
    require_free(tmp_path, "fit", profiled=True)
    assert [name for name in [*theirs, *mine] if foreign(tmp_path / name) is not None] == mine


def test_a_name_of_several_lines_names_no_other(tmp_path):
    planted(tmp_path / "export/a\nnotes.md")
    seal(tmp_path / "export")
    assert foreign(tmp_path / "export") is None
    notes = planted(tmp_path / "export/notes.md")
    assert foreign(tmp_path / "export") == notes


def test_a_mark_that_somebody_else_made_is_none(tmp_path):
    for content in ("[" * 100_000, "1" * 5000, '{"word": 1}', '{"word": "../x"}', "[]", ""):
        planted(tmp_path / MARK, content)
        assert facts_of(tmp_path) is None


def test_a_mark_is_made_once(tmp_path):
    assert mark(tmp_path, "*.x") == mark(tmp_path) == facts_of(tmp_path)["word"]
    assert foreign(planted(tmp_path / "a.x")) is None
    assert foreign(planted(tmp_path / "a.y")) == tmp_path / "a.y"
    assert re.fullmatch(r"\.a\.[0-9a-f]{16}\.old", set_aside(tmp_path / "a").name)
