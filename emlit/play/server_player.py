"""The same two answers from a running server: a token at a time, since only what is asked for has a distribution."""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError

from emlit.decoding.requests import to_flat_keys
from emlit.engines.server_calls import get, post, said
from emlit.errors import ConfigError, EngineError
from emlit.play.player import COLUMNS, LIKELIEST, MOST_TOKENS, Asked, told
from emlit.samples.token_texts import TextStream

_KNOWN = 20  # tokens of a distribution that vLLM tells unless it is started otherwise
_SECONDS = 120.0


class ServerPlayer:
    """vLLM with EM-INF, as `python -m emlit.serve` starts it, asked for one token after the other.

    Entropies are of the 20 likeliest tokens and of all others as one, which is at most the whole distribution's.

    Args:
        url: of the server

    Raises:
        ConfigError: there is none, or it lacks something
    """

    def __init__(self, url: str) -> None:
        self._url = self.name = url.rstrip("/").removesuffix("/v1")
        try:
            model = get(f"{self._url}/v1/models")["data"][0]
            self._model, self._context = model["id"], model["max_model_len"]
            plain = self._next([self._tokens("1 + 1 =")[0]], 1.0, 0, {})
            cooled = self._next([plain["token"]], 1.0, 0, {}), self._next([plain["token"]], 0.5, 0, {})
        except (OSError, LookupError, TypeError, ValueError) as error:
            raise ConfigError(f"{url} is no server that can be played with: {said(error)}") from None
        if cooled[0]["known"] == cooled[1]["known"]:
            raise ConfigError(f"{url} does not tell what it draws from; start it with python -m emlit.serve")
        try:
            self._next([plain["token"]], 1.0, 0, {"em_inf_steps": 0})
        except HTTPError:
            return
        raise ConfigError(f"{url} knows no EM-INF; start it with python -m emlit.serve")

    def play(self, asked: Asked) -> Iterator[dict[str, Any]]:
        """As `Player.play`.

        Raises:
            ConfigError: the prompt is longer than the model's context
            EngineError: the server does not answer
        """
        try:
            yield from self._play(asked)
        except (OSError, LookupError, ValueError) as error:
            raise EngineError(f"{self._url} does not answer: {said(error)}") from error

    def _play(self, asked: Asked) -> Iterator[dict[str, Any]]:
        prompt = self._tokens(asked.prompt)
        room = asked.room(len(prompt), self._context)
        decodings: list[dict[str, Any]] = [{}, to_flat_keys(asked.decoding())]
        drawn: list[list[int]] = [[] for _ in COLUMNS]
        entropies, texts = [0.0] * len(COLUMNS), [TextStream(self) for _ in COLUMNS]  # type: ignore[arg-type]
        alive = [*range(len(COLUMNS))]
        with ThreadPoolExecutor(3 * len(COLUMNS)) as pool:
            for step in range(room):
                seed = (asked.seed * MOST_TOKENS + step) % 2**63  # both columns', so that they part where EM-INF acts
                ways = {
                    (row, temperature, adjusted)
                    for row in alive
                    for temperature, adjusted in ((1.0, False), (1.0, row > 0), (asked.temperature, row > 0))
                }
                sent = {
                    (row, temperature, adjusted): pool.submit(
                        self._next, prompt + drawn[row], temperature, seed, decodings[row] if adjusted else {}
                    )
                    for row, temperature, adjusted in ways
                }
                found = {way: answer.result() for way, answer in sent.items()}
                for row in [*alive]:
                    own, after = found[row, 1.0, False]["known"], found[row, 1.0, row > 0]["known"]
                    token, ends = (found[row, asked.temperature, row > 0][key] for key in ("token", "ends"))
                    ends |= step + 1 == room
                    drawn[row].append(token)
                    entropy = _entropy(own)
                    entropies[row] += entropy
                    likeliest = sorted(own, key=own.__getitem__, reverse=True)[:LIKELIEST]
                    yield {
                        "column": row, "text": texts[row].push(token, ends), "entropy": entropy,
                        "after": _entropy(after),
                        "likeliest": [[text, math.exp(own[text]), math.exp(after.get(text, -math.inf))]
                                      for text in likeliest],
                    }  # fmt: skip
                    if ends:
                        alive.remove(row)
                        yield told(row, self.decode(drawn[row]), len(drawn[row]), entropies[row], asked)
                if not alive:
                    return

    def _next(self, tokens: list[int], temperature: float, seed: int, decoding: Mapping[str, Any]) -> dict[str, Any]:
        """The token after these, whether it ends the answer, and log-probabilities of the likeliest by their text."""
        body = {
            "model": self._model, "prompt": tokens, "max_tokens": 1, "temperature": temperature, "seed": seed,
            "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "logprobs": _KNOWN,
            "return_token_ids": True, "skip_special_tokens": False, "vllm_xargs": dict(decoding),
        }  # fmt: skip
        choice = post(f"{self._url}/v1/completions", body, _SECONDS)["choices"][0]
        return {
            "token": choice["token_ids"][0],
            "ends": choice["finish_reason"] == "stop",
            "known": choice["logprobs"]["top_logprobs"][0],
        }

    def _tokens(self, prompt: str) -> list[int]:
        """By the server's chat template where its model has one."""
        address = f"{self._url}/tokenize"
        try:
            chat = {"model": self._model, "messages": [{"role": "user", "content": prompt}]}
            return post(address, chat, _SECONDS)["tokens"]
        except HTTPError:
            return post(address, {"model": self._model, "prompt": prompt}, _SECONDS)["tokens"]

    def decode(self, tokens: list[int], **_: Any) -> str:
        """As a tokenizer's."""
        return post(f"{self._url}/detokenize", {"model": self._model, "tokens": tokens}, _SECONDS)["prompt"]


def _entropy(known: Mapping[str, float]) -> float:
    """In nats, of tokens by their log-probabilities, with all others as one."""
    shares = [math.exp(each) for each in known.values()]
    shares.append(max(0.0, 1.0 - sum(shares)))
    return -sum(each * math.log(each) for each in shares if each > 0)
