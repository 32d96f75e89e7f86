"""A checkpoint is data: what it names is not run, whatever reads it."""

import io
import os
import pickle
import re

import pytest
import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import _StorageInfo
from torch.distributed.checkpoint.metadata import BytesStorageMetadata, Metadata, MetadataIndex

import cli
from emlit.errors import ConfigError
from emlit.parallel.plain_shards import load_plain
from emlit.resilience.direct_checkpoint_io import DirectCheckpointIO
from emlit.resuming import read_checkpoint
from tests.runs.test_runs import ROOT

PLAIN = {"global_step": 1, "loops": {"fit_loop": {}}, "emlit": {"pretrained": "tiny", "lora": None}, "state_dict": {}}


class Evil:
    """Unpickled, it makes a directory."""

    def __init__(self, path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def evil(tmp_path):
    made = tmp_path / "breach"
    yield Evil(made)
    assert not made.exists()


def shards(path, meta=PLAIN, table=None, value=None):
    """A folder of shards as torch writes it, with one tensor and one value."""
    dcp.save({"w": torch.ones(2), "lr": 0.5}, checkpoint_id=path, no_dist=True)
    torch.save(meta, path / "meta.pt")
    if table is not None:
        (path / ".metadata").write_bytes(pickle.dumps(table))
    if value is not None:
        content = io.BytesIO()
        torch.save(value, content)
        (path / "value").write_bytes(content.getvalue())
        place = MetadataIndex("lr")
        info = {place: _StorageInfo("value", 0, len(content.getvalue()))}
        (path / ".metadata").write_bytes(pickle.dumps(Metadata({"lr": BytesStorageMetadata()}, storage_data=info)))
    return path


def file(path, content):
    torch.save(content, path)
    return path


REFUSED = "not a checkpoint of emlit: only tensors and plain values are read"


def test_plain_checkpoints_are_read(tmp_path):
    assert read_checkpoint(file(tmp_path / "a.ckpt", PLAIN), "tiny", None) == PLAIN
    folder = shards(tmp_path / "b.ckpt")
    assert read_checkpoint(folder, "tiny", None) == PLAIN
    state = {"w": torch.zeros(2), "lr": 0.0}
    load_plain(state, folder)
    assert state["w"].tolist() == [1, 1]
    assert state["lr"] == 0.5


def test_files_that_would_run_code(evil, tmp_path):
    for number, content in enumerate([evil, {**PLAIN, "optimizer_states": [evil]}]):
        path = file(tmp_path / f"{number}.ckpt", content)
        for read in (lambda path: read_checkpoint(path, "tiny", None), DirectCheckpointIO().load_checkpoint):
            with pytest.raises(ConfigError, match=REFUSED):
                read(path)
        with pytest.raises(ConfigError, match=REFUSED):
            DirectCheckpointIO().load_checkpoint(path, weights_only=False)
    (tmp_path / "old.ckpt").write_bytes(pickle.dumps(evil))  # without torch's zip around it
    with pytest.raises(ConfigError, match="ckpt_path is .*old.ckpt, which"):
        read_checkpoint(tmp_path / "old.ckpt", "tiny", None)


def test_folders_that_would_run_code(evil, tmp_path):
    for folder in (shards(tmp_path / "meta", meta={**PLAIN, "x": evil}), shards(tmp_path / "table", table=evil)):
        with pytest.raises(ConfigError, match=REFUSED):
            read_checkpoint(folder, "tiny", None)
    for folder in (tmp_path / "table", shards(tmp_path / "value", value=evil)):
        with pytest.raises(CheckpointException):
            load_plain({"lr": 0.0}, folder)


def laughs(depth: int = 60) -> list:
    """Two to the power of `depth` words, in a few bytes."""
    found = ["lol"]
    for _ in range(depth):
        found = [found, found]
    return found


@pytest.mark.parametrize(
    "altered",
    [{"global_step": "2"}, {"global_step": laughs()}, {"global_step": -1}, {"global_step": True},
     {"emlit": {"pretrained": laughs()}}, {"emlit": {"pretrained": 3}},
     {"emlit": {"pretrained": "tiny", "lora": laughs()}}, {"emlit": {"pretrained": "tiny", "lora": {"r": laughs()}}}],
    ids=lambda each: f"{next(iter(each))}",
)  # fmt: skip
def test_values_of_another_type_are_told_at_once(altered, tmp_path):
    path = file(tmp_path / "last.ckpt", PLAIN | altered)
    with pytest.raises(ConfigError, match=r"ckpt_path is .*last\.ckpt") as caught:
        read_checkpoint(path, "tiny", None)
    assert len(str(caught.value)) < 1000


def test_what_is_no_checkpoint(tmp_path):
    empty, text = tmp_path / "empty", tmp_path / "text"
    empty.touch()
    text.write_text("x" * 100)
    (tmp_path / "folder").mkdir()
    for path in (empty, text, tmp_path / "folder", file(tmp_path / "list", [1]), file(tmp_path / "none", None)):
        with pytest.raises(ConfigError, match=f"ckpt_path is {re.escape(str(path))}, which"):
            read_checkpoint(path, "tiny", None)


@pytest.mark.parametrize(("command", "config"), [("fit", "em_ft"), ("validate", "em_ft"), ("predict", "em_inf")])
def test_no_command_runs_a_checkpoint(command, config, evil, tmp_path, run_sentence):
    path = file(tmp_path / "evil.ckpt", evil)
    arguments = [command, "--config", str(ROOT / f"configs/tiny/{config}.yaml"), f"--run_dir={tmp_path / 'run'}"]
    assert REFUSED in run_sentence(cli.main, [*arguments, f"--ckpt_path={path}"])
    assert "weights_only is false" in run_sentence(cli.main, [*arguments, "--weights_only=false"])
    assert not (tmp_path / "run").exists()


def test_weights_that_are_a_pickle_run_nothing(evil, tmp_path):
    import shutil

    from emlit.errors import DataError
    from emlit.pretrained import load_model
    from emlit.tiny import MODEL_DIR

    model = tmp_path / "model"
    shutil.copytree(MODEL_DIR, model)
    (model / "model.safetensors").unlink()
    torch.save({"model.norm.weight": evil}, model / "pytorch_model.bin")
    with pytest.raises((DataError, pickle.UnpicklingError)):
        load_model(str(model))
