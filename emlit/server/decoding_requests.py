"""The decoding of HTTP requests: what is nearly one is refused, and what was done is said.

vLLM lets unknown keys of a body pass, and its logits processors see `vllm_xargs` alone. So this middleware reads the
body: keys of emlit's that stand elsewhere, or are misspelt, get HTTP 400 and one sentence. Answers to requests with a
decoding carry it in a header, with the number of tokens that were drawn by it; for a stream the server's log has that.
"""

import logging
import re
from itertools import chain
from typing import Any

from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emlit.decoding import Decoding
from emlit.decoding.requests import KEYS, from_flat_keys, from_settings, shown, to_flat_keys
from emlit.decoding.spelling import meant, nearest
from emlit.printable import printable
from emlit.server.request_body import below, keys, parsed, written

log = logging.getLogger("vllm.emlit")  # a child of the one that vLLM's server shows

HEADER, TOKENS_HEADER = "X-Emlit-Decoding", "X-Emlit-Decoding-Tokens"
PROCESSOR = "emlit.decoding.vllm:EntropyDecoding"
_MOST_KEYS = 500  # of a request that are compared with emlit's, which takes 0.2 ms each
_LARGEST = 2**28  # bytes of a body; what is larger goes to vLLM as it comes
_GREEDY = 1e-5  # vLLM's: at a lower temperature it takes the most likely token

_NONE_DRAWN = "this endpoint draws no tokens by a decoding"

# Where each endpoint's body has the keys; None where it takes none, and would ignore them.
_PLACES = {
    "/v1/completions": "vllm_xargs",
    "/v1/chat/completions": "vllm_xargs",
    "/v1/chat/completions/batch": "vllm_xargs",
    "/v1/responses": "vllm_xargs",
    "/v1/messages": "vllm_xargs",
    "/invocations": "vllm_xargs",
    "/inference/v1/generate": "sampling_params.extra_args",
    "/generative_scoring": None,
    "/v1/systemone": None,
}
# What prompts, tools, schemas and a caller's own notes hold is not for emlit.
_CONTENT = {"prompt", "messages", "input", "system", "documents", "tools", "metadata", "logit_bias", "response_format",
            "structured_outputs", "text", "output_config"}  # fmt: skip


class DecodingRequests:
    """ASGI middleware: `--middleware emlit.server.decoding_requests.DecodingRequests`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = get_route_path(scope) if scope["type"] == "http" else ""
        if path not in _PLACES or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        raw, receive = await _whole(receive)
        try:
            body = parsed(raw)
            if isinstance(body, dict):
                decoding = requested(body, _PLACES[path], QueryParams(scope["query_string"]), _config(scope))
                if decoding is not None:
                    send = _Answer(send, decoding, _is_greedy(body, _PLACES[path], _config(scope)))
        except ValueError as error:
            said = {"message": str(error), "type": "BadRequestError", "param": None, "code": 400}
            await JSONResponse({"error": said}, 400)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def requested(body: dict[str, Any], place: str | None, query: Any = (), config: Any = None) -> Decoding | None:
    """The decoding that a request gets.

    Args:
        body: of the request
        place: where the keys belong, with a point between levels
        query: names of the URL's parameters
        config: the server's `VllmConfig`, for its default

    Raises:
        ValueError: keys that are nearly emlit's, stand in another place, or would do nothing here
    """
    levels = tuple(place.split(".")) if place else ()
    judged: set[str] = set()
    for where, key in chain(((None, key) for key in query), keys(body, levels, _CONTENT)):
        if len(judged) == _MOST_KEYS:
            break
        if key not in judged and meant(key, KEYS):
            path = written(where) if where else f"the URL's {shown(key)}"
            way = f"put {nearest(key, KEYS) or 'em_inf'} into {place}" if place else _NONE_DRAWN
            raise ValueError(f"{path} is no parameter of this endpoint; {way}, as in docs/serving.md")
        judged.add(key)
    given = below(body, levels) if place else None
    if given is not None and not isinstance(given, dict):
        raise ValueError(f'{place} is {shown(given)}; it must be an object, such as {{"em_inf": 1}}')
    if given is not None and len(given) > _MOST_KEYS:
        raise ValueError(f"{place} has {len(given)} keys; it may have at most {_MOST_KEYS}")
    decoding = from_flat_keys(given, _default(config) if place else None)
    asked = from_flat_keys(given) is not None
    processors = getattr(getattr(config, "model_config", None), "logits_processors", None) or []
    if asked and config is not None and not any("EntropyDecoding" in str(each) for each in processors):
        raise ValueError(f"this server cannot do what {place} asks for; start it with --logits-processors {PROCESSOR}")
    if asked and body.get("use_beam_search"):
        raise ValueError(f"use_beam_search draws no tokens, so that what {place} asks for would do nothing")
    return decoding


def _config(scope: Scope) -> Any:
    return getattr(getattr(scope.get("app"), "state", None), "vllm_config", None)


def _default(config: Any) -> Decoding | None:
    settings = getattr(config, "additional_config", None)
    return from_settings(settings["emlit"]) if isinstance(settings, dict) and "emlit" in settings else None


def _is_greedy(body: dict[str, Any], place: str | None, config: Any) -> bool:
    beside = below(body, tuple((place or "").split(".")[:-1]))
    found = beside.get("temperature") if isinstance(beside, dict) else None
    if found is None and config is not None:
        found = config.model_config.get_diff_sampling_param().get("temperature")
    return isinstance(found, int | float) and found < _GREEDY


async def _whole(receive: Receive) -> tuple[bytes, Receive]:
    """The body, and what gives it once more to those behind; nothing of one that is too large to be looked at."""
    heard, size = [], 0
    while True:
        heard.append(await receive())
        size += len(heard[-1].get("body", b""))
        if not heard[-1].get("more_body") or size > _LARGEST:
            break
    body = b"".join(message.get("body", b"") for message in heard) if size <= _LARGEST else b""
    again = iter(heard)

    async def replay() -> Message:
        return next(again, None) or await receive()

    return body, replay


class _Answer:
    """`send`, with the decoding in a header; for a whole answer, the tokens that were drawn by it too."""

    def __init__(self, send: Send, decoding: Decoding, greedy: bool) -> None:
        self.send = send
        self.start: Message | None = None
        name, *values = to_flat_keys(decoding).items()
        # Greedy requests are left alone: the most likely token stays so.
        self.said = "none; temperature=0" if greedy else "; ".join(
            [name[0], *(f"{key.removeprefix(name[0] + '_')}={value}" for key, value in values)]
        )  # fmt: skip
        self.request = ""
        self.tokens: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message  # held until it is known whether the answer comes whole
            return
        if message["type"] == "http.response.body":
            self._read(message.get("body", b""))
            is_last = not message.get("more_body")
            if self.start is not None:
                await self.send(self._headed(self.start, is_last))
                self.start = None
            elif is_last:
                drawn = "a stream of tokens" if self.tokens is None else f"{self.tokens} tokens"
                log.info("%s: %s drawn by %s", self.request or "a request", drawn, self.said)
        await self.send(message)

    def _headed(self, start: Message, is_whole: bool) -> Message:
        if start["status"] != 200:
            return start
        headers = MutableHeaders(raw=list(start.get("headers", ())))
        headers[HEADER] = self.said
        if is_whole and self.tokens is not None:
            headers[TOKENS_HEADER] = "0" if self.said.startswith("none") else str(self.tokens)
        return {**start, "headers": headers.raw}

    def _read(self, body: bytes) -> None:
        """The request's id and its count of tokens, of a whole answer or a stream's parts."""
        if not self.request and (found := re.search(rb'"(?:id|request_id)":\s*"([^"]{1,100})"', body)):
            self.request = printable(found[1])
        for found in re.finditer(rb'"(?:completion|output)_tokens":\s*(\d+)', body):
            self.tokens = int(found[1])
