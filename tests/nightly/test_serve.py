"""`python -m emlit.serve` as a process: its secret, what it refuses and says, and the command of docs/serving.md."""

import json
import re
import subprocess
import urllib.error
import urllib.request

import pytest

from emlit.engines import ModelSource, VLLMServerEngine
from emlit.errors import EngineError
from emlit.server import secret
from emlit.tiny import MODEL_DIR
from tests.servers import ROOT, serving

pytest.importorskip("vllm")
PROMPT = {"model": str(MODEL_DIR), "prompt": [5, 6, 7], "max_tokens": 8, "seed": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(home))
        for name in ("EMLIT_SERVER_SECRET", "EMLIT_SERVER_SECRET_FILE"):
            patch.delenv(name, raising=False)
        with serving(home / "log.txt", "--served-model-name", str(MODEL_DIR), "Qwen/Qwen2.5-7B-Instruct") as started:
            yield started


def ask(server, path: str, body: dict, **headers: str):
    data = json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json", **headers})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.read().decode(), answer.headers


def test_control_needs_the_secret(server):
    given = secret.find()
    for headers, status in (
        ({}, 401),
        ({"X-Emlit-Secret": "x" * 43}, 401),
        ({"X-Emlit-Secret": given, "Content-Type": "text/plain"}, 415),
        ({"X-Emlit-Secret": given, "Origin": "http://evil.example"}, 403),
        ({"X-Emlit-Secret": given, "Host": "evil.example"}, 403),
        ({"X-Emlit-Secret": given}, 200),
    ):
        assert ask(server, "/collective_rpc", {"method": "check_health"}, **headers)[0] == status, headers
    assert ask(server, "//collective_rpc", {"method": "check_health"})[0] == 401
    assert given not in server.log.read_text()


def test_the_trainer_finds_the_secret_or_says_where_it_is(server, monkeypatch):
    source = ModelSource(str(MODEL_DIR), 256, (1,))
    VLLMServerEngine([server.url]).start(source)
    monkeypatch.setenv("EMLIT_SERVER_SECRET", "another-secret-0123456789")
    with pytest.raises(EngineError, match=r"has another secret than this trainer.*EMLIT_SERVER_SECRET_FILE"):
        VLLMServerEngine([server.url]).start(source)


@pytest.mark.parametrize(
    "extra",
    [{"em_inf": 1}, {"em_info": 1}, {"vllm_xargs": {"em-inf": 1}}, {"vllm_xargs": {"em_inf": "1"}},
     {"vllm_xargs": {"em_inf": 1, "steps": 5}}, {"extra_body": {"vllm_xargs": {"em_inf": 1}}}],
)  # fmt: skip
def test_what_is_nearly_a_decoding_is_refused(server, extra):
    for path in ("/v1/completions", "/v1/chat/completions"):
        status, said, _ = ask(server, path, {**PROMPT, "messages": [{"role": "user", "content": "x"}], **extra})
        assert (status, "em_inf" in json.loads(said)["error"]["message"]) == (400, True)


def test_what_was_done_is_said(server):
    status, said, headers = ask(server, "/v1/completions", {**PROMPT, "vllm_xargs": {"em_inf": "paper"}})
    assert status == 200
    assert headers["X-Emlit-Decoding"] == "em_inf; threshold=0.3; kl_weight=0.0; learning_rate=0.1; steps=10"
    assert int(headers["X-Emlit-Decoding-Tokens"]) == json.loads(said)["usage"]["completion_tokens"] > 0
    assert "X-Emlit-Decoding" not in ask(server, "/v1/completions", PROMPT)[2]
    stream = {**PROMPT, "stream": True, "stream_options": {"include_usage": True}, "vllm_xargs": {"em_inf": 1}}
    _, said, headers = ask(server, "/v1/completions", stream)
    assert headers["X-Emlit-Decoding"].startswith("em_inf; threshold=0.3; kl_weight=0.05")
    name = re.search(r'"id":\s*"([^"]+)"', said)[1]
    assert re.search(rf"{name}: \d+ tokens drawn by em_inf", server.log.read_text())


def test_the_command_of_the_documentation(server):
    example = re.search(r"^curl .*?(?=^```)", (ROOT / "docs/serving.md").read_text(), re.DOTALL | re.MULTILINE)[0]
    found = subprocess.run(
        ["bash", "-c", example.replace("http://127.0.0.1:8000", server.url)], capture_output=True, text=True, timeout=60
    )
    assert "x-emlit-decoding: em_inf; threshold=0.3" in found.stdout.lower()
    assert '"role":"assistant"' in found.stdout
