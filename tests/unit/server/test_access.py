"""Who may call the control endpoints of a server: vLLM's own application, in this process."""

import re

import pytest

pytest.importorskip("vllm")
from tests.unit.server.app import SECRET, build

WITH = {"X-Emlit-Secret": SECRET}
# What may be asked as vLLM lets it be asked. Whatever else it mounts, now or later, needs the secret.
READ = {"/health", "/ping", "/version", "/load", "/metrics", "/v1/models", "/v1/responses/{response_id}"}
ASK = {
    "/ping", "/tokenize", "/detokenize", "/generative_scoring", "/inference/v1/generate", "/v1/completions",
    "/v1/chat/completions", "/v1/chat/completions/batch", "/v1/messages", "/v1/messages/count_tokens", "/v1/responses",
    "/v1/responses/{response_id}/cancel", "/v1/systemone",
}  # fmt: skip
OPEN = {"GET": READ, "HEAD": READ, "POST": ASK, "OPTIONS": READ | ASK}
CONTROL = {
    "/collective_rpc", "/sleep", "/wake_up", "/is_sleeping", "/release_kv_cache_memory", "/reset_prefix_cache",
    "/reset_mm_cache", "/reset_encoder_cache", "/server_info", "/pause", "/resume", "/is_paused", "/abort_requests",
    "/init_weight_transfer_engine", "/shutdown_weight_transfer_engine", "/start_weight_update", "/update_weights",
    "/start_draft_weight_update", "/finish_weight_update", "/update_weight_version", "/weight_info", "/weight_checker",
    "/get_world_size", "/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/start_profile", "/stop_profile",
    "/scale_elastic_ep", "/is_scaling_elastic_ep", "/adapters", "/adapters/{adapter_name}", "/invocations",
    "/inference/v1/abort_requests",
}  # fmt: skip


@pytest.fixture(scope="module")
def client():
    return build()


def told(client) -> list[str]:
    found, client.app.state.engine_client.told = client.app.state.engine_client.told, []
    return found


def routes(client) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for route in client.app.routes:
        found.setdefault(route.path or "/metrics", set()).update(getattr(route, "methods", None) or {"GET"})
    return found


def test_every_route_that_vllm_mounts_is_known(client):
    assert set(routes(client)) >= CONTROL
    assert set(routes(client)) >= READ | ASK


@pytest.mark.parametrize(
    "secret", [SECRET[:-1] + "x", *(pytest.param(each, marks=pytest.mark.nightly) for each in (None, "", "ü"))]
)
def test_whatever_is_not_open_needs_the_secret(secret, client):
    headers = {b"Content-Type": b"application/json"}
    if secret is not None:
        headers["X-Emlit-Secret"] = secret.encode()
    for path, methods in routes(client).items():
        for method in methods | {"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"}:
            answer = client.request(method, re.sub(r"\{.*?\}", "x", path), json={}, headers=headers)
            # A fixed name may be another endpoint's variable.
            is_open = path in OPEN.get(method, ()) or (
                path == "/v1/responses/render" and method in ("GET", "HEAD", "OPTIONS")
            )
            assert (answer.status_code == 401) == (not is_open), (method, path, answer.text)
    assert told(client) == []


def test_the_secret_opens_what_the_trainer_needs(client):
    for path in ("/start_weight_update", "/pause", "/resume", "/collective_rpc", "/update_weight_version"):
        body = {"method": "x", "new_version": "x"}
        assert client.post(path, json=body, headers=WITH).status_code == 200, path
    assert client.get("/weight_info", headers=WITH).status_code != 401
    assert told(client)[:2] == ["start_weight_update", "pause_generation"]


RPC = b'{"method": "shutdown"}'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        # As a page in a browser can: no preflight is asked for text/plain.
        ({"Content-Type": "text/plain", "Origin": "http://evil.example", "Host": "evil.example"}, 403),
        ({"Content-Type": "text/plain", **WITH}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded", **WITH}, 415),
        ({**WITH, "Content-Type": ""}, 415),
        ({"Content-Type": "application/jsonx", **WITH}, 415),
        # Somebody with the secret, through a page of another site, or through a name that was made to lead here.
        ({"Origin": "http://evil.example", **WITH}, 403),
        ({"Origin": "null", **WITH}, 403),
        ({"Origin": "http://127.0.0.1:9", **WITH}, 403),
        ({"Origin": "http://127.0.0.1:8000.evil.example", **WITH}, 403),
        ({"Origin": "http://evil.example", "Host": "evil.example", **WITH}, 403),
        ({"Host": "evil.example", **WITH}, 403),
        ({"Host": "evil.example:8000", **WITH}, 403),
        ({"Host": "127.0.0.1.evil.example", **WITH}, 403),
        ({"Host": "localhost@evil.example", **WITH}, 403),
        ({"Host": "[evil", **WITH}, 403),
        ({"Host": "", **WITH}, 403),
        *(
            ({"Host": host, **WITH}, 403)
            for host in ("localhost/evil", "localhost#x", "evil.com@localhost", "127.0.0.1:x", "localhost:", "a b")
        ),
        *(
            ({"Origin": origin, **WITH}, 403)
            for origin in ("chrome-extension://127.0.0.1:8000", "//127.0.0.1:8000", "http:127.0.0.1:8000", "file://")
        ),
        ({"Authorization": f"Bearer {SECRET}"}, 401),
        ({"Cookie": f"X-Emlit-Secret={SECRET}"}, 401),
        ({"Host": "localhost:8000", **WITH}, 200),
        ({"Host": "[::1]:8000", **WITH}, 200),
        ({"Host": "LOCALHOST.", **WITH}, 200),
        ({"Origin": "http://127.0.0.1:8000", **WITH}, 200),
        ({"Content-Type": "application/json; charset=utf-8", **WITH}, 200),
    ],
)
def test_hosts_origins_and_content_types(client, headers, status):
    answer = client.post("/collective_rpc", content=RPC, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code == status, answer.text
    assert told(client) == (["collective_rpc"] if status == 200 else [])


def test_a_secret_given_twice_is_none(client):
    headers = [("X-Emlit-Secret", SECRET), ("X-Emlit-Secret", "x"), ("Content-Type", "application/json")]
    assert client.post("/collective_rpc", content=RPC, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["//collective_rpc", "/collective_rpc/", "/collective%5frpc", "/%63ollective_rpc", "/collective_rpc%2f",
     "/COLLECTIVE_RPC", "/v1/models/../../collective_rpc", "/health/../collective_rpc", "/health%2f..%2fcollective_rpc",
     "/health;/collective_rpc", "/health%00", "/health?/../collective_rpc", "/./collective_rpc", "/collective_rpc%20",
     "/v1/responses/x/cancel/../../../../collective_rpc", "/metrics/../collective_rpc", "/%2e/collective_rpc"],
)  # fmt: skip
def test_paths_do_not_get_round_it(client, path):
    for method in ("POST", "GET", "HEAD"):
        client.request(method, path, content=RPC, headers={"Content-Type": "application/json"})
    assert told(client) == []


@pytest.mark.parametrize("path", ["/collective_rpc", "/prefix/collective_rpc", "/v1/completions/collective_rpc"])
def test_under_a_root_path(path):
    for root in ("/prefix", "/v1/completions"):
        client = build("--root-path", root)
        assert client.post(path, content=RPC, headers={"Content-Type": "application/json"}).status_code == 401
        assert client.get("/health").status_code != 401
        assert client.post(f"{root}/collective_rpc", json={"method": "x"}, headers=WITH).status_code == 200
        assert told(client) == ["collective_rpc"]


def test_web_sockets_are_shut(client):
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/v1/realtime"):
        pass


def test_pages_of_other_sites_may_not_generate_either(client):
    body = {"model": "x", "prompt": "x"}
    evil = {"Origin": "http://evil.example"}
    assert client.post("/v1/completions", json=body, headers=evil).status_code == 403
    assert (
        client.options("/v1/completions", headers=evil | {"Access-Control-Request-Method": "POST"}).status_code == 403
    )
    open_to_all = build("--allowed-origins", '["*"]')
    assert open_to_all.post("/tokenize", content="{", headers=evil).status_code != 403
    one = build("--allowed-origins", '["http://chat.example"]')
    assert one.post("/tokenize", content="{", headers=evil).status_code == 403
    assert one.post("/tokenize", content="{", headers={"Origin": "http://chat.example"}).status_code != 403


def test_vllms_own_key_guards_what_it_guarded():
    client = build("--api-key", "key")
    assert client.get("/v1/models").status_code == 401
    assert client.get("/v1/models", headers=WITH).status_code == 401  # the secret is for control
    assert client.get("/health").status_code != 401
    assert (
        client.post("/collective_rpc", json={"method": "x"}, headers={"Authorization": "Bearer key"}).status_code == 401
    )
    assert client.post("/collective_rpc", json={"method": "x"}, headers=WITH).status_code == 200


def test_without_a_secret_nobody_controls(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("EMLIT_SERVER_SECRET", raising=False)
    client = build(secret=None)
    for headers in ({}, {"X-Emlit-Secret": ""}, {"X-Emlit-Secret": "None"}):
        assert client.post("/collective_rpc", json={"method": "x"}, headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/metrics", "/v1/models", "/v1/responses/x", "/version", "/health"])
def test_names_that_were_made_to_lead_here_read_nothing(client, path):
    for host, refused in (("evil.example:8000", True), ("10.0.0.2", True), ("127.0.0.1.evil.example", True), ("", True),
                          ("localhost:1", False), ("[::1]", False), ("LOCALHOST.", False)):  # fmt: skip
        assert (client.get(path, headers={"Host": host}).status_code == 403) is refused, host
    assert build(hosts="evil.example").get(path, headers={"Host": "evil.example"}).status_code != 403
    assert build("--allowed-origins", '["*"]').get(path, headers={"Host": "evil.example"}).status_code != 403


def test_over_the_network_any_name_may_lead_here():
    from starlette.testclient import TestClient

    app = build().app
    for address, status in (("10.0.0.2", 200), ("[::ffff:10.0.0.2]", 200), ("[::ffff:127.0.0.1]", 403)):
        client = TestClient(app, f"http://{address}:8000")
        assert client.get("/version", headers={"Host": "gpu.example"}).status_code == status, address
        answer = client.post("/collective_rpc", json={"method": "x"}, headers={"Host": "gpu.example", **WITH})
        assert answer.status_code == 403


def test_names_of_the_server():
    client = build(hosts="gpu.example, other")
    for host, status in (("gpu.example:8000", 200), ("OTHER", 200), ("evil.example", 403), ("10.0.0.2", 403)):
        answer = client.post("/collective_rpc", json={"method": "x"}, headers={"Host": host, **WITH})
        assert answer.status_code == status, host
