"""Models and data sets that come from the hub, against a stand-in of its API."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants

from emlit import pretrained
from emlit.engines.vllm import installed
from emlit.errors import DataError
from emlit.tiny import MODEL_DIR
from tests.hub import Hub

ROOT = Path(__file__).parents[2]
PROBLEMS = [{"problem": f"{n} + 1 = ?", "label": str(n + 1)} for n in range(20)]


@pytest.fixture
def hub():
    server = Hub()
    files = {each.name: each.read_bytes() for each in MODEL_DIR.iterdir() if each.is_file()}
    server.repositories |= {
        "someone/tiny": files,
        "someone/gated": files,
        "datasets/someone/sums": {"train.jsonl": "\n".join(map(json.dumps, PROBLEMS)).encode()},
    }
    server.gated.add("someone/gated")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("fit", ["--config=configs/tiny/em_ft.yaml", "--trainer.max_steps=1", "--data.prompts_per_round=4"]),
        ("predict", ["--config=configs/tiny/em_inf.yaml"]),
    ],
)
def test_a_model_and_its_problems_by_their_names(verb, more, hub, tmp_path):
    engine = "vllm" if verb == "predict" and installed() else "transformers"
    sums = ["emlit.tasks.HubDataset", "path=someone/sums", "prompt_column=problem", "answer_column=label"]
    where = "train" if verb == "fit" else "evaluation"
    data = [f"--data.{where}={sums[0]}", *(f"--data.{where}.{each}" for each in sums[1:])]
    rest = ["--data.evaluation=null", "--guard.mode=off"] if verb == "fit" else ["--data.evaluation_samples=1"]
    run = [
        sys.executable, "cli.py", verb, *more, "--model.pretrained=someone/tiny", *data, *rest, f"--engine={engine}",
        "--data.sampling.max_tokens=8", f"--run_dir={tmp_path / 'run'}",
    ]  # fmt: skip
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(run, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    if verb == "fit":
        exported = (tmp_path / "run/export/README.md").read_text()
        assert "base_model: someone/tiny" in exported
    else:
        assert len((tmp_path / "run/predictions.jsonl").read_text().splitlines()) == len(PROBLEMS)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("someone/gated", "it is gated: ask for access on its page, then `hf auth login`"),
        ("someone/absent", "the hub has no such repository, or it is private: check the id, or `hf auth login`"),
        ("someone/tiny:absent.gguf", "its repository has no such file"),
    ],
)
def test_what_the_hub_does_not_give_is_one_sentence(name, reason, hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants._HF_DEFAULT_ENDPOINT, hub.address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError) as raised:
        pretrained.load_config(pretrained.resolve(name))
    assert str(raised.value).endswith(f": {reason}")


def test_what_the_cache_has_not_got_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"the hub cannot be reached, and its cache has not got it: give a local"):
        pretrained.load_config("someone/tiny")
