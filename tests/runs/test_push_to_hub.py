"""An export that is pushed, against a stand-in of the hub's API."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants, hf_api

import cli
from tests.stand_in import StandIn

ROOT = Path(__file__).parents[2]
FIT = [
    "fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), "--engine=transformers", "--trainer.max_steps=1",
    "--data.prompts_per_round=4", "--data.evaluation.n=2", "--data.evaluation_samples=2", "--guard.mode=off",
]  # fmt: skip


class Hub(StandIn):
    """Repositories in memory, with the files of their last commit."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.refused_from = ""  # a path
        self.told: list[dict] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def answer(self, content: dict, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
        hub = self.server
        if (
            hub.refused_from
            and self.path.startswith(hub.refused_from)
            or "Bearer hf_own" not in self.headers.get("Authorization", "")
        ):
            self.answer({"error": "You may not write here"}, 403)
        elif self.path == "/api/repos/create":
            asked = json.loads(sent)
            hub.told.append(asked)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            hub.repositories.setdefault(name, {})
            self.answer({"url": f"{hub.address}/{name}", "name": name})
        elif "/preupload/" in self.path:
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                for each in json.loads(sent)["files"]
            ]
            self.answer({"files": files})
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in sent.splitlines()]
            name = "/".join(self.path.split("/")[3:5])
            for line in lines:
                if line["key"] == "file":
                    hub.repositories[name][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self.answer({"success": True, "commitOid": "0" * 40, "commitUrl": f"{hub.address}/{name}/commit/0"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        else:
            self.answer({}, 404)

    def do_GET(self) -> None:
        name = "/".join(self.path.split("/")[3:5])
        self.answer({"id": name, "siblings": [], "sha": "0" * 40}, 200 if name in self.server.repositories else 404)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub(monkeypatch):
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
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


def test_a_hub_that_refuses_in_the_end_costs_nothing_else(hub, tmp_path, run_sentence):
    hub.refused_from = "/api/models/someone/model/commit"
    sentence = run_sentence(cli.main, [*FIT, f"--run_dir={tmp_path}", "--export.push_to_hub=someone/model"])
    assert f"hf upload someone/model {tmp_path / 'export'}" in sentence
    assert (tmp_path / "export/model.safetensors").exists()
    assert (tmp_path / "checkpoints/last.ckpt").exists()
