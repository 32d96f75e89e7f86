"""Without a network nobody waits for a minute."""

import logging
import socket

import pytest
from huggingface_hub import constants

from emlit import hub


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    for name in hub._PROXIES:
        monkeypatch.delenv(name, raising=False)
    hub.configure.cache_clear()
    yield
    hub.configure.cache_clear()


def test_a_hub_out_of_reach_is_said_once_and_left_alone(online, monkeypatch, caplog):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")  # nobody listens there any more
    with caplog.at_level(logging.WARNING):
        hub.configure()
        hub.configure()
    assert constants.HF_HUB_OFFLINE
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        f"http://127.0.0.1:{port} cannot be reached"
    ]


def test_a_hub_that_answers_is_used(online, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        hub.configure()
    assert not constants.HF_HUB_OFFLINE


def test_a_proxy_decides_for_itself(online, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "ENDPOINT", "http://host.invalid")
    hub.configure()
    assert not constants.HF_HUB_OFFLINE
