"""Requests to servers that fail: a small HTTP server stands in for vLLM's."""

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest
import torch

from emlit.engines import Completion, ModelSource, Request, Sampling, VLLMServerEngine
from emlit.engines.http_requests import Patience, ServerChanged, ask_servers
from emlit.engines.server_facts import healthy_within, server_facts
from emlit.errors import EngineError
from tests.stand_in import StandIn

CONFIG = {
    "model_config": {
        "max_model_len": 256,
        "logprobs_mode": "processed_logprobs",
        "logits_processors": ["emlit.decoding.vllm:EntropyDecoding"],
    },
    "weight_transfer_config": {"backend": "emlit_shm"},
}


class Fake(StandIn):
    """Answers as vLLM's server does, or with what `failures` holds; None closes the connection without an answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.failures: list[int | None] = []
        self.bodies: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.secret = self.redirect = ""
        self.versions = ["default"] * 1000
        self.routes = {
            "/server_info": {"vllm_config": CONFIG},
            "/get_world_size": {"world_size": 1},
            "/is_paused": {"is_paused": False},
        }
        self.hang = self.health = 0
        self.lock, self.at_once, self.most_at_once = threading.Lock(), 0, 0
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.headers.append(dict(self.headers))
        if self.server.redirect:
            self.send_response(307)
            self.send_header("Location", self.server.redirect + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.server.secret and path != "/health" and self.headers["X-Emlit-Secret"] != self.server.secret:
            self.answer(401, {"error": {"message": "this endpoint needs the server's secret"}})
        elif path == "/health":
            self.answer(self.server.health or 200, {})
        elif path == "/weight_info":
            self.answer(200, {"weight_version": self.server.versions.pop(0)})
        else:
            self.answer(200 if path in self.server.routes else 404, self.server.routes.get(path, {}))

    def do_POST(self) -> None:
        server = self.server
        server.headers.append(dict(self.headers))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            failure = server.failures.pop(0) if server.failures else 200
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        time.sleep(server.hang or 0.02)
        with server.lock:
            server.at_once -= 1
        if failure is None:
            self.close_connection = True
            return
        if failure == 200:
            server.bodies.append(body)
        token = body.get("seed", 0)
        choice = {"token_ids": [token], "logprobs": {"token_logprobs": [-0.5]}, "finish_reason": "stop"}
        self.answer(failure, {"choices": [choice]} if failure == 200 else {"error": {"message": "not today"}})

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Location", self.server.redirect + self.path)  # counts for 3xx
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """No secret of whoever runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("EMLIT_SERVER_SECRET", "EMLIT_SERVER_SECRET_FILE", "VLLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    fake = Fake()
    yield fake
    fake.shutdown()
    fake.server_close()


def engine_of(*servers: Fake, **settings) -> VLLMServerEngine:
    engine = VLLMServerEngine([each.url for each in servers], **settings)
    engine.start(ModelSource("none", 256, (1,)))
    return engine


def requests(count: int) -> list[Request]:
    return [Request([5, 6], seed) for seed in range(count)]


@pytest.mark.parametrize("failure", [500, 503, 429, None])
def test_a_failing_server_is_asked_again(server, failure):
    server.failures = [failure] * 3
    done: dict[int, Completion] = {}
    completions = engine_of(server).generate(requests(5), Sampling(), done.__setitem__)
    # In order, each once: the seeds make a repeated request the same.
    assert [c.tokens for c in completions] == [[0], [1], [2], [3], [4]]
    assert [done[place] for place in range(5)] == completions
    assert sorted(body["seed"] for body in server.bodies) == list(range(5))


def test_a_server_that_keeps_failing_ends_the_run(server):
    server.failures = [500] * 1000
    started = time.monotonic()
    with pytest.raises(EngineError, match=r"127.*has not answered for 1 s \(last: HTTP 500.*not today.*ckpt_path auto"):
        engine_of(server, patience=1.0).generate(requests(3), Sampling())
    assert time.monotonic() - started < 8


def test_a_refused_request_is_not_repeated(server):
    server.failures = [400]
    with pytest.raises(EngineError, match=r"refuses a request with HTTP 400: .*not today"):
        engine_of(server).generate(requests(1), Sampling())
    assert not server.bodies


def test_an_unhealthy_server_ends_the_run_though_requests_hang(server):
    """A host that is gone ends no connection: only its health tells."""
    engine = engine_of(server, patience=0.5)
    server.hang, server.health = 10, 503
    started = time.monotonic()
    with pytest.raises(EngineError, match="has not answered for 0.5 s .last: HTTP 503 to /health"):
        engine.generate(requests(2), Sampling())
    assert time.monotonic() - started < 6


def test_slow_answers_of_a_healthy_server_are_waited_for(server):
    engine = engine_of(server, patience=0.5)
    server.hang = 2
    assert len(engine.generate(requests(2), Sampling())) == 2


def test_requests_under_way_are_bounded(server):
    engine_of(server, concurrency=3).generate(requests(20), Sampling())
    assert server.most_at_once == 3


def test_servers_share_requests_evenly_and_in_order(server):
    other = Fake()
    completions = engine_of(server, other).generate(requests(7), Sampling())
    assert [c.tokens[0] for c in completions] == list(range(7))
    assert sorted(len(each.bodies) for each in (server, other)) == [3, 4]
    other.shutdown()


@pytest.mark.parametrize("versions", [["default", "other"], ["other", "other"]], ids=["meanwhile", "before"])
def test_a_server_with_other_weights_is_noticed(server, versions):
    server.versions = versions
    with pytest.raises(ServerChanged, match="'other' in place of 'default'"):
        engine_of(server).generate(requests(2), Sampling())


def test_closing_ends_what_another_thread_samples(server):
    engine = engine_of(server)
    server.hang = 10
    ended = threading.Event()

    def sample() -> None:
        try:
            engine.generate(requests(2), Sampling())
        except asyncio.CancelledError:
            ended.set()

    threading.Thread(target=sample, daemon=True).start()
    while not server.at_once:
        time.sleep(0.01)
    engine.close()
    assert ended.wait(5)


def test_no_server(server):
    with pytest.raises(EngineError, match=r"no server at http://127.0.0.1:9 after 1 s .*refused.*emlit\.serve"):
        healthy_within("http://127.0.0.1:9", 1)
    server.shutdown()
    server.server_close()
    with pytest.raises(EngineError, match="refused"):
        asyncio.run(ask_servers({server.url: [{}]}, Patience(seconds=0.2), "default"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"/server_info": None}, "has no API for weights, which vLLM leaves out without VLLM_SERVER_DEV_MODE=1"),
        ({"max_model_len": 100}, "max_model_len 100; it must be at least 256, this run's context"),
        ({"logprobs_mode": "raw_logprobs"}, "logprobs_mode raw_logprobs; it must be processed_logprobs"),
        ({"logits_processors": None}, "logits_processors None; it must be emlit.decoding.vllm:EntropyDecoding"),
        ({"weight_transfer_config": None}, "without --weight-transfer-config"),
        ({"/is_paused": {"is_paused": True}}, "is paused"),
    ],
)
def test_a_server_that_was_started_wrongly(server, change, sentence):
    for key, value in change.items():
        if key.startswith("/"):
            server.routes = {path: body for path, body in (server.routes | {key: value}).items() if body is not None}
        elif key in CONFIG["model_config"]:
            config = {**CONFIG, "model_config": {**CONFIG["model_config"], key: value}}
            server.routes["/server_info"] = {"vllm_config": config}
        else:
            server.routes["/server_info"] = {"vllm_config": {**CONFIG, key: value}}
    with pytest.raises(EngineError, match=sentence) as caught:
        server_facts(server.url, 256)
    assert server.url in str(caught.value)


SECRET = "a-secret-of-the-tests-0123456789"


def test_the_secret_and_vllms_key_go_with_every_request(server, monkeypatch):
    monkeypatch.setenv("EMLIT_SERVER_SECRET", SECRET)
    monkeypatch.setenv("VLLM_API_KEY", "key")
    server.secret = SECRET
    engine_of(server).generate(requests(2), Sampling())
    named = [headers for headers in server.headers if headers.get("X-Emlit-Secret") == SECRET]
    assert {headers["Authorization"] for headers in named} == {"Bearer key"}
    # One is without, which finds out whether the server needs it.
    assert len(server.headers) - len(named) == 1


def test_a_server_with_another_secret(server, monkeypatch):
    server.secret = SECRET
    for value in (None, "another-secret-0123456789"):
        if value:
            monkeypatch.setenv("EMLIT_SERVER_SECRET", value)
        with pytest.raises(
            EngineError, match="has another secret than this trainer: give it here.*emlit/server-secret"
        ):
            engine_of(server)


def test_a_server_that_needs_no_secret_is_warned_of(server, caplog):
    engine_of(server)
    assert "lets anybody who reaches it replace its weights" in caplog.text


def test_the_secret_follows_no_redirect(server, monkeypatch):
    monkeypatch.setenv("EMLIT_SERVER_SECRET", SECRET)
    other, engine = Fake(), engine_of(server)
    server.redirect = other.url
    with pytest.raises(EngineError, match="refuses a request with HTTP 307"):
        engine.generate(requests(1), Sampling())
    with pytest.raises(EngineError, match="last: HTTP 307"):
        healthy_within(server.url, 0.1)
    from emlit.engines.server_calls import post

    server.failures = [307]
    with pytest.raises(OSError, match="307"):
        post(f"{server.url}/resume", {}, 5)
    assert other.headers == []
    other.shutdown()


@pytest.mark.parametrize(
    ("dtypes", "found"),
    [
        (["torch.bfloat16"] * 2, torch.bfloat16),
        (["torch.float32"] * 2, None),
        (["torch.bfloat16", "torch.float16"], None),
        ([None] * 2, None),
    ],
)
def test_weights_are_wanted_in_the_dtype_of_the_servers(server, dtypes, found):
    other = Fake()
    for each, dtype in zip((server, other), dtypes, strict=True):
        config = {**CONFIG, "model_config": {**CONFIG["model_config"], "dtype": dtype}}
        each.routes = each.routes | {"/server_info": {"vllm_config": config}}
    assert engine_of(server, other).weights_dtype == found
    other.shutdown()


def test_a_server_that_was_started_again_gets_a_transfer_of_its_own(server, monkeypatch):
    """The old one's communicator would hold memory of the GPU."""
    made = []

    class Transfer:
        def __init__(self, *_):
            self.did = []
            made.append(self)

        def send(self, weights, pushed):
            self.did.append("send")
            server.versions = [pushed] * 10

        def close(self):
            self.did.append("close")
            raise EngineError("the server has forgotten it")

    monkeypatch.setattr("emlit.engines.vllm_server.WeightTransfer", Transfer)
    engine = engine_of(server)
    engine.load_weights([], 1)
    engine.load_weights([], 2)
    server.versions = ["default"] * 10
    engine.load_weights([], 3)
    assert [each.did for each in made] == [["send", "send", "close"], ["send"]]
    engine.close()
    assert made[1].did == ["send", "close"]
