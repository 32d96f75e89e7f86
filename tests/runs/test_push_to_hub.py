"""An export that is pushed, against a stand-in of the hub's API."""

import threading
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants, hf_api

import cli
from emlit import hub as pushed_to
from emlit.errors import ConfigError, EmlitError
from tests.hub import Hub

ROOT = Path(__file__).parents[2]
FIT = [
    "fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), "--engine=transformers", "--trainer.max_steps=1",
    "--data.prompts_per_round=4", "--data.evaluation.n=2", "--data.evaluation_samples=2", "--guard.mode=off",
]  # fmt: skip


@pytest.fixture
def hub(monkeypatch):
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(
        constants, "HF_HUB_DISABLE_XET", True
    )  # whose server is another; git LFS is what it falls back to
    monkeypatch.setattr(constants, "ENDPOINT", server.address)
    monkeypatch.setattr(hf_api.HfApi, "__init__", own_init(server.address))
    yield server
    server.shutdown()
    server.server_close()


def own_init(address: str):
    first = huggingface_hub.HfApi.__init__

    def init(self, *arguments, **keywords) -> None:
        first(self, *arguments, **{"endpoint": address, "token": "hf_own", **keywords})

    return init


def test_the_export_is_pushed_whole(hub, tmp_path):
    cli.main([*FIT, f"--run_dir={tmp_path}", "--export.push_to_hub=someone/tiny-em-ft"])
    pushed, export = hub.repositories["someone/tiny-em-ft"], tmp_path / "export"
    assert hub.told[0]["visibility"] == "private"
    assert set(pushed) == {str(each.relative_to(export)) for each in export.rglob("*") if each.name != ".emlit"}
    assert pushed["model.safetensors"] == (export / "model.safetensors").read_bytes()
    assert list(hub.stored.values()) == [pushed["model.safetensors"]]
    assert b"after 1 step of EMFT" in pushed["README.md"]


def test_who_may_not_write_is_told_before_a_model_loads(hub, tmp_path, run_sentence, monkeypatch):
    def no_model(*_, **__):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("emlit.engines.TransformersEngine.start", no_model)
    hub.refused_from = "/api/models"
    hub.repositories["another/model"] = {}
    sentence = run_sentence(cli.main, [*FIT, f"--run_dir={tmp_path / 'run'}", "--export.push_to_hub=another/model"])
    assert "export.push_to_hub is another/model, which cannot be pushed to (" in sentence
    assert "hf auth login" in sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_dry_run_makes_no_repository(there, hub, tmp_path):
    if there:
        hub.repositories["someone/model"] = {}
    cli.main([*FIT, f"--run_dir={tmp_path / 'run'}", "--export.push_to_hub=someone/model", "--dry_run"])
    assert not hub.told
    assert set(hub.repositories) == ({"someone/model"} if there else set())


def test_a_hub_that_refuses_in_the_end_costs_nothing_else(hub, tmp_path, run_sentence):
    hub.refused_from = "/api/models/someone/model/commit"
    sentence = run_sentence(cli.main, [*FIT, f"--run_dir={tmp_path}", "--export.push_to_hub=someone/model"])
    assert f"hf upload someone/model {tmp_path / 'export'}" in sentence
    assert (tmp_path / "export/model.safetensors").exists()
    assert (tmp_path / "checkpoints/last.ckpt").exists()


def test_a_hub_that_is_gone_is_one_sentence(hub, tmp_path):
    hub.shutdown()
    hub.server_close()
    (tmp_path / "README.md").touch()
    for make in (True, False):
        with pytest.raises(ConfigError, match="which cannot be pushed to"):
            pushed_to.require_repository("someone/model", make)
    with pytest.raises(EmlitError, match=f"hf upload someone/model {tmp_path}"):
        pushed_to.push(tmp_path, "someone/model", "Step 1")
