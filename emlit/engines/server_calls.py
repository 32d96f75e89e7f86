"""Single calls to the control endpoints of a vLLM server."""

import json
import urllib.error
import urllib.request
from typing import Any

from emlit.printable import printable
from emlit.server import secret


class _StaysHere(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: the secret is for the server that was named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_StaysHere)


def get(address: str, seconds: float = 10.0) -> Any:
    """What the server answers, of JSON; None for an empty answer. Raises OSError, of a status too, and ValueError."""
    return _call(urllib.request.Request(address, headers=secret.headers()), seconds)


def post(address: str, body: dict[str, Any] | None, seconds: float) -> Any:
    """Likewise."""
    headers = secret.headers() | {"Content-Type": "application/json"}
    return _call(urllib.request.Request(address, json.dumps(body or {}).encode(), headers, method="POST"), seconds)


def _call(request: urllib.request.Request, seconds: float) -> Any:
    with _opener.open(request, timeout=seconds) as answer:
        body = answer.read()
    return json.loads(body) if body else None


def said(error: Exception) -> str:
    """What went wrong with a call, on one line: a status and the server's words, or the connection's error."""
    if isinstance(error, urllib.error.HTTPError):
        words = " ".join(error.read(2000).decode("utf-8", "replace").split())
        return printable(f"HTTP {error.code}: {words}" if words else f"HTTP {error.code}", 300)
    return printable(getattr(error, "reason", None) or error, 300)
