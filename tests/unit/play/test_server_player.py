"""What is played from a server is what the model in this process would say; servers that lack something are refused."""

import json
import threading
from http.server import BaseHTTPRequestHandler

import pytest
import torch

from emlit.decoding.requests import from_flat_keys
from emlit.errors import ConfigError, EngineError
from emlit.functional import token_entropy
from emlit.play.player import Asked, Player
from emlit.play.server_player import ServerPlayer
from tests.stand_in import StandIn

PROMPT = "Compute 17+25-8."


class Answers(BaseHTTPRequestHandler):
    """The endpoints of vLLM's that are asked, with the tiny model behind them."""

    server: "Served"

    def do_GET(self) -> None:
        self.answer({"data": [{"id": "tiny", "max_model_len": 256}]})

    def do_POST(self) -> None:
        body, player = json.loads(self.rfile.read(int(self.headers["Content-Length"]))), self.server.player
        if self.path == "/tokenize":
            self.answer({"tokens": player._chat.encode(body["messages"])})
        elif self.path == "/detokenize":
            self.answer({"prompt": player.tokenizer.decode(body["tokens"])})
        else:
            self.complete(body, player)

    def complete(self, body: dict, player: Player) -> None:
        try:
            decoding = from_flat_keys(body["vllm_xargs"] if self.server.decodes else {})
        except ValueError as error:
            self.answer({"error": str(error)}, 400)
            return
        with torch.inference_mode():
            logits = player._model(torch.tensor([body["prompt"]])).logits[:, -1].float()
            adjusted = logits if decoding is None else decoding(logits)
        told = (adjusted / (body["temperature"] or 1.0) if self.server.processed else logits).log_softmax(-1)[0]
        noise = torch.Generator().manual_seed(body["seed"])
        drawn = torch.multinomial((adjusted[0] / (body["temperature"] or 1e-9)).softmax(-1), 1, generator=noise).item()
        known = {player.tokenizer.decode([n]): told[n].item() for n in told.topk(body["logprobs"]).indices.tolist()}
        reason = "stop" if drawn in player._stop else "length"
        choice = {"token_ids": [drawn], "finish_reason": reason, "logprobs": {"top_logprobs": [known]}}
        self.answer({"choices": [choice]})

    def answer(self, content: dict, status: int = 200) -> None:
        sent = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None: ...


class Served(StandIn):
    def __init__(self, player: Player) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.player, self.decodes, self.processed = player, True, True
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture(scope="module")
def player():
    return Player("tiny")


@pytest.fixture
def served(player):
    server = Served(player)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_entropies_are_the_models_own_and_those_after_em_infs(served, player):
    events = list(ServerPlayer(f"{served.url}/v1").play(Asked(PROMPT, answer="34", max_tokens=12)))
    columns = [[each for each in events if "text" in each and each["column"] == column] for column in (0, 1)]
    prompt = player._chat.encode([{"role": "user", "content": PROMPT}])
    for column, tokens in enumerate(columns):
        sampled = player.tokenizer("".join(e["text"] for e in tokens), add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logits = player._model(torch.tensor([prompt + sampled])).logits[0, len(prompt) - 1 : -1].float()
        after = Asked(PROMPT).decoding()(logits) if column else logits
        for name, expected in (("entropy", token_entropy(logits)), ("after", token_entropy(after))):
            found = torch.tensor([each[name] for each in tokens])
            assert (found <= expected + 1e-5).all()  # of 20 tokens and the rest as one
            torch.testing.assert_close(found, expected, atol=0.01, rtol=0)
        assert [len(each["likeliest"]) for each in tokens] == [5] * len(tokens)
    ends = [each for each in events if "tokens" in each]
    assert [each["tokens"] for each in ends] == [len(columns[each["column"]]) for each in ends]
    assert all(each["right"] in (True, False) for each in ends)


@pytest.mark.parametrize("settings", [{"threshold": 100.0}, {"temperature": 0.0}])
def test_both_say_the_same_where_em_inf_does_not_act_or_nothing_is_drawn(served, settings):
    events = list(ServerPlayer(served.url).play(Asked(PROMPT, max_tokens=24, **settings)))
    plain, lowered = ("".join(e.get("text", "") for e in events if e["column"] == column) for column in (0, 1))
    assert plain == lowered


@pytest.mark.parametrize(
    ("lacks", "sentence"), [("decodes", "knows no EM-INF"), ("processed", "does not tell what it draws from")]
)
def test_a_server_that_lacks_something(served, lacks, sentence):
    setattr(served, lacks, False)
    with pytest.raises(ConfigError, match=f"{sentence}; start it with python -m emlit.serve"):
        ServerPlayer(served.url)


def test_a_server_that_is_not_there_and_one_that_is_gone(served, player):
    with pytest.raises(ConfigError, match="is no server that can be played with: .*refused"):
        ServerPlayer("http://127.0.0.1:1")
    gone = ServerPlayer(served.url)
    served.shutdown()
    served.server_close()
    with pytest.raises(EngineError, match="does not answer"):
        next(gone.play(Asked(PROMPT)))


def test_a_prompt_that_is_too_long(served):
    with pytest.raises(ConfigError, match="shorten it"):
        next(ServerPlayer(served.url).play(Asked("1+" * 2000)))
