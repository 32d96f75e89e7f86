"""The command that starts a server, and what it is given."""

import pytest
import torch

from emlit import serve
from emlit.engines.vllm import VLLMEngine

pytest.importorskip("vllm")
RECIPE = {
    "model": {"pretrained": "tiny"},
    "data": {"engine": {"class_path": "VLLMEngine", "init_args": {"gpu_memory_utilization": 0.3, "sleep": True}}},
}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("EMLIT_SERVER_SECRET", "EMLIT_SERVER_SECRET_FILE", "EMLIT_SERVER_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def parsed(words: list[str]):
    """As vLLM reads the command."""
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    return make_arg_parser(FlexibleArgumentParser()).parse_args(words[3:])


def test_a_recipe_for_a_shared_gpu_leaves_the_server_all_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert VLLMEngine("float32", 0.3).arguments("tiny", 1)["gpu_memory_utilization"] == 0.3
    found = parsed(serve.command(RECIPE, "127.0.0.1", 8000, "nccl"))
    assert found.gpu_memory_utilization == 0.9
    assert found.enable_sleep_mode is False
    more = ["--gpu-memory-utilization", "0.5", "--enable-sleep-mode"]
    found = parsed(serve.command(RECIPE, "127.0.0.1", 8000, "nccl", more))
    assert found.gpu_memory_utilization == 0.5
    assert found.enable_sleep_mode is True


def test_the_middleware_and_the_origins():
    found = parsed(serve.command(RECIPE, "127.0.0.1", 8000, "shm", ["--middleware", "mine.Last"]))
    assert found.middleware == [
        "emlit.server.decoding_requests.DecodingRequests", "emlit.server.access.ControlAccess", "mine.Last"
    ]  # fmt: skip
    assert found.allowed_origins == []
    assert found.host == "127.0.0.1"
    assert parsed(serve.command({}, "::1", 1, "shm", ["--allowed-origins", '["http://a"]'])).allowed_origins == [
        "http://a"
    ]


def test_the_secret_is_in_a_file_and_nowhere_else(home, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(serve.os, "execve", lambda *arguments: started.append(arguments))
    monkeypatch.setenv("VLLM_ALLOW_INSECURE_SERIALIZATION", "1")
    (home / "run.yaml").write_text("model: {pretrained: tiny}\n")
    serve.main(["--config", str(home / "run.yaml"), "--allow-host", "gpu.example"])
    (_, words, variables), file = started[0], home / "emlit/server-secret"
    assert variables["EMLIT_SERVER_SECRET_FILE"] == str(file)
    assert variables["EMLIT_SERVER_HOSTS"].split(",")[:2] == ["gpu.example", "127.0.0.1"]
    assert variables["VLLM_ALLOW_INSECURE_SERIALIZATION"] == "0"
    secret = file.read_text().strip()
    assert secret not in " ".join(words) + "".join(variables.values())
    serve.main(["--config", str(home / "run.yaml"), "--print"])
    said = capsys.readouterr()
    assert secret not in said.out + said.err
    serve.main(["--config", str(home / "run.yaml"), "--host", "0.0.0.0"])
    assert "HTTP is not encrypted" in capsys.readouterr().err
    assert file.read_text().strip() == secret


def test_a_bad_secret_ends_it_in_one_sentence(home, monkeypatch, run_sentence):
    monkeypatch.setenv("EMLIT_SERVER_SECRET", "short")
    (home / "run.yaml").write_text("model: {pretrained: tiny}\n")
    said = run_sentence(serve.main, ["--config", str(home / "run.yaml")])
    assert said.startswith("emlit: error: EMLIT_SERVER_SECRET holds no usable secret")
