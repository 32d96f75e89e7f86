"""The page that answers a prompt twice: what is drawn, what is said of it, who may ask."""

import http.client
import json
import subprocess
import threading
import time
import urllib.request

import pytest
import torch

from emlit.errors import ConfigError
from emlit.functional import token_entropy
from emlit.play.player import Asked, Player
from emlit.play.site import Site
from tests.browser import BROWSER, in_browser

connect = pytest.importorskip("websockets.sync.client").connect
PROMPT = "Compute 17+25-8."


@pytest.fixture(scope="module")
def player():
    return Player("tiny")


@pytest.fixture(scope="module")
def site(player):
    served = Site(player, 0)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()


def played(player, **settings) -> tuple[list[list[dict]], list[dict]]:
    events = list(player.play(Asked(PROMPT, **settings)))
    tokens = [[e for e in events if "text" in e and e["column"] == column] for column in (0, 1)]
    return tokens, sorted((e for e in events if "text" not in e), key=lambda e: e["column"])


def texts(tokens: list[dict]) -> str:
    return "".join(each["text"] for each in tokens)


def test_two_answers_with_what_they_come_to(player):
    (plain, lowered), told = played(player, answer="34", max_tokens=64)
    assert [each["tokens"] for each in told] == [len(plain), len(lowered)]
    assert all(each["right"] in (True, False) for each in told)
    assert told[0]["mean_entropy"] == pytest.approx(sum(e["entropy"] for e in plain) / len(plain))
    assert all(each["after"] == each["entropy"] for each in plain)
    acted = [each for each in lowered if each["after"] != each["entropy"]]
    assert acted
    assert all(each["entropy"] > 0.3 and each["after"] < each["entropy"] for each in acted)
    assert all(len(each["likeliest"]) == 5 for each in plain)


def test_entropies_are_the_models_own(player):
    (plain, _), _ = played(player, max_tokens=12)
    prompt = player._chat.encode([{"role": "user", "content": PROMPT}])
    sampled = player.tokenizer(texts(plain), add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = player._model(torch.tensor([prompt + sampled])).logits[0, len(prompt) - 1 : -1]
    found = torch.tensor([each["entropy"] for each in plain])
    assert torch.allclose(found, token_entropy(logits.float()), atol=1e-4)


def test_the_same_seed_draws_the_same_until_em_inf_acts(player):
    (plain, lowered), _ = played(player, threshold=100.0, max_tokens=48)
    assert texts(plain) == texts(lowered)
    again, _ = played(player, threshold=100.0, max_tokens=48)
    assert texts(again[0]) == texts(plain)
    others = {texts(played(player, seed=seed, max_tokens=48)[0][0]) for seed in range(4)}
    assert len(others) > 1


def test_greedily_both_say_the_same(player):
    (plain, lowered), _ = played(player, temperature=0.0, max_tokens=48)
    assert texts(plain) == texts(lowered)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"prompt": "x", "steps": 0}, "steps is 0"), ({"prompt": "x", "steps": 1.5}, "of type int"),
        ({"prompt": " "}, "the prompt is empty"), ({"prompt": 3}, "of type str"), ({"question": "x"}, "with a prompt"),
        ({"prompt": "x", "stepz": 1}, "stepz is no setting"), ([], "a JSON object"),
        ({"prompt": "x", "seed": -1}, "seed is -1"),
        ({"prompt": "x", "temperature": True}, "of type float"), ({"prompt": "x", "max_tokens": 10**6}, "max_tokens"),
        ({"prompt": "x", "temperature": -1}, "temperature is -1"),
    ],
)  # fmt: skip
def test_what_is_no_question(content, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Asked.of(content)


def test_a_prompt_that_is_too_long(player):
    with pytest.raises(ConfigError, match="shorten it"):
        next(player.play(Asked("1+" * 2000)))


def ask(site, body: str, **headers) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", site.server_port, timeout=60)
    connection.request("POST", "/play", body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_an_answer_is_lines_of_json(site):
    status, text = ask(site, json.dumps({"prompt": PROMPT, "max_tokens": 8}))
    events = [json.loads(line) for line in text.splitlines()]
    assert status == 200
    assert [event["column"] for event in events if "tokens" in event] == [0, 1]


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ("{", {}, 400), ("[" * 100_000, {}, 400), ('{"prompt": ""}', {}, 400),
        ('{"prompt": "x"}', {"Content-Type": "text/plain"}, 404),
        ('{"prompt": "x"}', {"Origin": "http://evil.example"}, 403), ('{"prompt": "x"}', {"Host": "evil.example"}, 403),
    ],
)  # fmt: skip
def test_who_may_not_ask_and_what(site, body, headers, expected):
    assert ask(site, body, **headers)[0] == expected


def test_a_port_that_is_taken(site, player):
    with pytest.raises(ConfigError, match="name another with --port"):
        Site(player, site.server_port)


@in_browser
def test_the_page_in_a_browser(site, tmp_path):
    """Asked until both answers have ended: a dump of the page alone would not wait for what is streamed."""
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    address = f"{site.address}#go"
    with subprocess.Popen(
        [*command, "--remote-debugging-port=0", address], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as browser:
        try:
            listens = next(line for line in browser.stderr if "DevTools listening on" in line)
            host = listens.partition("ws://")[2].partition("/")[0]
            with urllib.request.urlopen(f"http://{host}/json") as found:
                page = next(each for each in json.load(found) if each["type"] == "page")
            with connect(page["webSocketDebuggerUrl"]) as socket:
                told = wait_for(socket, "[...document.querySelectorAll('.told')].map((e) => e.textContent)")
                spans = evaluate(socket, "[...document.querySelectorAll('.text span')].map((e) => e.style.background)")
                said = evaluate(socket, "document.getElementById('difference').textContent")
                tip = evaluate(socket, HOVER)
                evaluate(socket, "document.querySelector('#presets button:last-child').click()")
                preset = evaluate(
                    socket, "[form.elements.steps.value, form.elements.steps.previousElementSibling.textContent]"
                )
                evaluate(socket, "form.elements.answer.value = '34'; form.requestSubmit()")
                judged = wait_for(socket, "[...document.querySelectorAll('.told')].map((e) => e.className)", " ")
                evaluate(socket, "form.elements.prompt.value = ''; form.requestSubmit()")
                (error,) = wait_for(socket, "[document.getElementById('error').textContent]")
        finally:
            browser.kill()
    assert all("nats a token" in each for each in told)
    assert len(set(spans)) > 2
    assert said.startswith("EM-INF's answer has ")
    assert tip == ["block", 5, 3]
    assert preset == ["10", "10"]
    assert set(judged) <= {"told right", "told wrong"}
    assert "prompt" in error


# Over a token: whether the tip is shown, and the rows and columns of its table.
HOVER = """(() => {
  document.querySelector('.text span').dispatchEvent(new MouseEvent('mousemove', {clientX: 5, clientY: 5}));
  const rows = tip.querySelectorAll('tr');
  return [tip.style.display, rows.length, rows[0].cells.length];
})()"""


def evaluate(socket, expression: str):
    question = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression, "returnByValue": True}}
    socket.send(json.dumps(question))
    return json.loads(socket.recv(timeout=60))["result"]["result"].get("value")


def wait_for(socket, expression: str, part: str = "") -> list[str]:
    """Texts, once none of them is empty and each has a part."""
    until = time.monotonic() + 60
    while not ((found := evaluate(socket, expression)) and all(each and part in each for each in found)):
        assert time.monotonic() < until, found
        time.sleep(0.2)
    return found
