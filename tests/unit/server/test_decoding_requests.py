"""What a request asks for: refused in one sentence where it is nearly a decoding, said in the answer else."""

import asyncio
import json
import logging
import time
from types import SimpleNamespace

import pytest

pytest.importorskip("starlette")
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from emlit.decoding import PRESETS, AdaptiveTemperature, EntropyMinimization
from emlit.server.decoding_requests import DecodingRequests, requested

PLACE = "vllm_xargs"
CONFIG = SimpleNamespace(
    additional_config={"emlit": {"em_inf": 1, "em_inf_steps": 7}},
    model_config=SimpleNamespace(
        logits_processors=["emlit.decoding.vllm:EntropyDecoding"], get_diff_sampling_param=lambda: {"temperature": 0.6}
    ),
)


def nested(depth: int, body: dict) -> dict:
    for _ in range(depth):
        body = {"a": body}
    return body


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"em_inf": 1}, "em_inf is no parameter of this endpoint; put em_inf into vllm_xargs"),
        ({"em_info": 1}, "em_info is no parameter of this endpoint; put em_inf into vllm_xargs"),
        ({"EM_INF": 1}, "EM_INF is no"),
        ({"em-inf-steps": 3}, "'em-inf-steps' is no parameter of this endpoint; put em_inf_steps into vllm_xargs"),
        ({"adaptive_temperature": 1}, "put adaptive_temperature into vllm_xargs"),
        # As a client of OpenAI's would write it, who sends the body by hand.
        ({"extra_body": {"vllm_xargs": {"em_inf": 1}}}, "extra_body.vllm_xargs.em_inf is no parameter"),
        ({"extra_args": {"em_inf": 1}}, "extra_args.em_inf is no parameter"),
        ({"vllm-xargs": {"em_inf": 1}}, "'vllm-xargs'.em_inf is no parameter"),
        ({"a": [1, [{"em_inf": 1}]]}, "a.1.0.em_inf is no parameter"),
        ({"extra_body": [{"vllm_xargs": {"em_inf": 1}}]}, "extra_body.0.vllm_xargs.em_inf is no parameter"),
        ({"vllm_xargs": {"nested": [{"em_inf": 1}]}}, "vllm_xargs.nested.0.em_inf is no parameter"),
        ({"vllm_xargs": {"vllm_xargs": {"em_inf": 1}}}, "vllm_xargs.vllm_xargs.em_inf is no parameter"),
        ({"a.b.c.d.e.f.g.h.i": {"x": {"em_inf": 1}}}, "'a.b.c.d.e.f.g.h.i'.x.em_inf is no parameter"),
        (nested(300, {"em_inf": 1}), "a.a.a.a.a.a.a.em_inf is no parameter"),
        ({"vllm_xargs": {str(number): 1 for number in range(501)}}, "vllm_xargs has 501 keys; it may have at most 500"),
        ({"a\x1b[2J": {"em_inf": 1}}, "'a\\x1b[2J'.em_inf is no parameter"),
        ({"sampling_params": {"extra_args": {"em_inf": 1}}}, "sampling_params.extra_args.em_inf is no"),
        ({"chat_template_kwargs": {"em_inf": 1}}, "chat_template_kwargs.em_inf is no"),
        ({"vllm_xargs": {"em_info": 1}}, "em_info is no parameter of emlit; em_inf is the nearest"),
        ({"vllm_xargs": {"em_inf": 1, "steps": 5}}, "steps is no parameter of emlit; em_inf_steps is the nearest"),
        ({"vllm_xargs": {"em_inf": "1"}}, "em_inf is '1'; it must be 1 or 0, or the name of a preset"),
        ({"vllm_xargs": {"em_inf": {"steps": 3}}}, "em_inf is {'steps': 3}"),
        ({"vllm_xargs": {"em_inf": None}}, "em_inf is None"),
        ({"vllm_xargs": "em_inf=1"}, "vllm_xargs is 'em_inf=1'; it must be an object"),
        ({"vllm_xargs": ["em_inf"]}, "vllm_xargs is ['em_inf']; it must be an object"),
        ({"vllm_xargs": {"em_inf": 1}, "use_beam_search": True}, "use_beam_search draws no tokens"),
        ({"em_inf\x1b[2J": 1}, "'em_inf\\x1b[2J' is no parameter"),
    ],
)
def test_what_is_nearly_a_decoding_is_refused(body, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        requested(body, PLACE)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "decoding"),
    [
        ({}, None),
        ({"vllm_xargs": None}, None),
        ({"vllm_xargs": {"em_inf": "released"}}, PRESETS["released"]),
        ({"vllm_xargs": {"em_inf": "paper"}}, PRESETS["paper"]),
        ({"vllm_xargs": {"adaptive_temperature": 1}}, AdaptiveTemperature()),
        ({"vllm_xargs": {"em_inf": 0}}, None),
        # What a prompt, a tool or a caller's note says is not meant for emlit.
        ({"messages": [{"role": "user", "content": "em_inf", "em_inf": 1}]}, None),
        ({"prompt": "em_inf", "metadata": {"em_inf": "off"}, "tools": [{"em_inf": 1}]}, None),
        ({"response_format": {"schema": {"em_inf": {"type": "number"}}}}, None),
    ],
)
def test_what_is_asked_for(body, decoding):
    assert requested(body, PLACE) == decoding


def test_the_servers_default_and_its_processor():
    assert requested({}, PLACE, (), CONFIG) == EntropyMinimization(steps=7)
    assert requested({"vllm_xargs": {"em_inf": 0}}, PLACE, (), CONFIG) is None
    without = SimpleNamespace(model_config=SimpleNamespace(logits_processors=None))
    assert requested({}, PLACE, (), without) is None
    with pytest.raises(ValueError, match="start it with --logits-processors emlit.decoding.vllm:EntropyDecoding"):
        requested({"vllm_xargs": {"em_inf": 1}}, PLACE, (), without)


def test_other_endpoints():
    tokens = {"sampling_params": {"extra_args": {"em_inf": 1}}}
    assert requested(tokens, "sampling_params.extra_args") == EntropyMinimization()
    with pytest.raises(ValueError, match=r"put em_inf into sampling_params\.extra_args"):
        requested({"vllm_xargs": {"em_inf": 1}}, "sampling_params.extra_args")
    with pytest.raises(ValueError, match=r"'sampling_params\.extra_args'\.em_inf is no parameter"):
        requested({"sampling_params.extra_args": {"em_inf": 1}}, "sampling_params.extra_args")
    with pytest.raises(ValueError, match=r"sampling_params\.0\.extra_args\.em_inf is no parameter"):
        requested({"sampling_params": [{"extra_args": {"em_inf": 1}}]}, "sampling_params.extra_args")
    with pytest.raises(ValueError, match="draws no tokens by a decoding"):
        requested({"vllm_xargs": {"em_inf": 1}}, None)
    with pytest.raises(ValueError, match="the URL's em_inf is no parameter"):
        requested({}, PLACE, ["em_inf"])


ANSWER = {"id": "cmpl-1", "choices": [{"text": '"completion_tokens": 99'}], "usage": {"completion_tokens": 24}}


@pytest.fixture(scope="module")
def client():
    async def complete(request):
        body = await request.json()
        if body.get("stream"):
            last = {"usage": {"completion_tokens": 3}} if body.get("stream_options") else {}
            parts = [f"data: {json.dumps(each)}\n\n" for each in ({"id": "cmpl-2"}, {"id": "cmpl-2"}, last)]
            return StreamingResponse(iter(parts), media_type="text/event-stream")
        return JSONResponse({**ANSWER, "asked": body}, body.get("status", 200))

    app = Starlette(
        routes=[
            Route(path, complete, methods=["POST"]) for path in ("/v1/completions", "/inference/v1/generate", "/other")
        ]
    )
    app.state.vllm_config = SimpleNamespace(model_config=CONFIG.model_config)
    app.add_middleware(DecodingRequests)
    return TestClient(app, raise_server_exceptions=False)


def test_answers_say_what_was_done(client):
    body = {"prompt": "x" * 100_000, "vllm_xargs": {"em_inf": "paper"}}
    answer = client.post("/v1/completions", json=body)
    assert answer.headers["X-Emlit-Decoding"] == "em_inf; threshold=0.3; kl_weight=0.0; learning_rate=0.1; steps=10"
    assert answer.headers["X-Emlit-Decoding-Tokens"] == "24"
    assert answer.json() == {**ANSWER, "asked": body}
    greedy = client.post("/v1/completions", json={"vllm_xargs": {"em_inf": 1}, "temperature": 0})
    assert greedy.headers["X-Emlit-Decoding"] == "none; temperature=0"
    assert greedy.headers["X-Emlit-Decoding-Tokens"] == "0"
    for body, path in (({"prompt": "x"}, "/v1/completions"), ({"em_inf": 1}, "/other"), ([], "/v1/completions"),
                       ({"vllm_xargs": {"em_inf": 1}, "status": 500}, "/v1/completions")):  # fmt: skip
        if isinstance(body, dict):
            assert "X-Emlit-Decoding" not in client.post(path, json=body).headers


def test_streams_are_logged(client, caplog):
    caplog.set_level(logging.INFO, "vllm.emlit")
    with_usage = {"stream_options": {"include_usage": True}}
    for options, said in (({}, "cmpl-2: a stream of tokens drawn by em_inf; threshold=0.3"),
                          (with_usage, "cmpl-2: 3 tokens drawn by em_inf")):  # fmt: skip
        body = {"vllm_xargs": {"em_inf": 1}, "stream": True, **options}
        answer = client.post("/v1/completions", json=body)
        assert answer.headers["X-Emlit-Decoding"].startswith("em_inf; threshold=0.3")
        assert answer.text.count("data: ") == 3
        assert said in caplog.text


def test_refusals_have_vllms_form(client):
    answer = client.post("/v1/completions", json={"em_info": 1})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("em_info is no parameter of this endpoint; put em_inf")
    assert client.post("/v1/completions", content=b"{").status_code == 500  # the application's to refuse


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"a":' * 200_000, b'{"vllm_xargs":{"em_inf":[' + b"[" * 200_000])
def test_bodies_that_are_nested_too_deeply(client, content):
    answer = client.post("/v1/completions", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("the body is nested too deeply")


def test_other_peoples_values_have_any_type(client):
    for other in ([1], "x", None, {"temperature": 0}):
        answer = client.post("/v1/completions", json={"vllm_xargs": {"em_inf": 1}, "sampling_params": other})
        assert answer.headers["X-Emlit-Decoding"].startswith("em_inf; ")
    assert client.post("/v1/completions", content=b'{"\\ud800em_inf": 1}').status_code == 400
    assert client.post("/v1/completions", content=b'{"\\ud800": {"em_inf": 1}}').status_code == 400


def test_where_the_temperature_stands(client):
    greedy = {"sampling_params": {"extra_args": {"em_inf": 1}, "temperature": 0}}
    for body, said in ((greedy, "none; "), ({**greedy, "temperature": 1}, "none; "),
                       ({"sampling_params": {"extra_args": {"em_inf": 1}}, "temperature": 0}, "em_inf; ")):  # fmt: skip
        answer = client.post("/inference/v1/generate", json=body)
        assert answer.headers["X-Emlit-Decoding"].startswith(said)


def test_many_keys_take_little_time():
    body = {"vllm_xargs": {"em_inf": 1}, "a": [{str(number): {"b": 1}} for number in range(100_000)]}
    started = time.process_time()
    assert requested(body, PLACE) == EntropyMinimization()
    assert time.process_time() - started < 3


def test_bodies_in_parts_and_clients_that_leave(monkeypatch):
    parts = [
        {"type": "http.request", "body": b'{"prompt"', "more_body": True},
        {"type": "http.request", "body": b': "x"}', "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def app(scope, receive, send):
        assert [await receive() for _ in parts] == parts

    async def once() -> None:
        coming = iter(parts)

        async def receive():
            return next(coming)

        scope = {"type": "http", "method": "POST", "path": "/v1/completions", "query_string": b"", "headers": []}
        await DecodingRequests(app)(scope, receive, None)

    asyncio.run(once())
    monkeypatch.setattr("emlit.server.decoding_requests._LARGEST", 5)  # of larger ones no more than this is held
    asyncio.run(once())
