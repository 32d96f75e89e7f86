"""Who may control a vLLM server: whoever has the secret, and no web page.

vLLM's development API takes weights, calls methods of workers and shows the configuration, all without a password. This
middleware leaves the endpoints that answer requests as they are, vLLM's --api-key included, and refuses every other
path, known or not, without the secret.
"""

import hmac
import os
import re
import socket
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from emlit.server import HOSTS_VARIABLE, secret

# Of vLLM 0.32; tests/unit/server/test_access.py holds these against the routes that it mounts.
_READ = re.compile("/(health|ping|version|load|metrics/?|v1/models|v1/responses/[^/]+)")
_ASK = re.compile(
    "/(ping|tokenize|detokenize|generative_scoring|inference/v1/generate|v1/(completions|chat/completions"
    "|chat/completions/batch|messages|messages/count_tokens|systemone|responses|responses/[^/]+/cancel))"
)
_OPEN = {"GET": (_READ,), "HEAD": (_READ,), "POST": (_ASK,), "OPTIONS": (_READ, _ASK)}
_HOST = re.compile(r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(:[0-9]{1,5})?")
_OTHER_HOST = "Host is no name of this server; start it with --allow-host NAME"


class ControlAccess:
    """ASGI middleware: `--middleware emlit.server.access.ControlAccess`.

    Without a secret in the environment or its file, nobody controls the server.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        found = secret.find()
        self._digest = sha256(found.encode()).digest() if found else None
        named = os.environ.get(HOSTS_VARIABLE, "").split(",")
        self._names = {name.strip().lower() for name in [*named, "localhost", socket.gethostname()] if name.strip()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        paths = _OPEN.get(scope["method"], ()) if scope["type"] == "http" else ()
        is_open = any(each.fullmatch(get_route_path(scope)) for each in paths)
        refused = self._open_to(scope) if is_open else self._controls(scope)
        if refused is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, message = refused
            body = {"error": {"message": message, "type": "Forbidden", "param": None, "code": status}}
            await JSONResponse(body, status)(scope, receive, send)

    def _open_to(self, scope: Scope) -> tuple[int, str] | None:
        """Pages of other sites may ask only where --allowed-origins lets them.

        A page whose name was made to lead here sends no Origin with what it reads, so that Host alone tells it. What
        comes over the network may have any name: who serves there has names that are known to nobody here.
        """
        allowed = getattr(getattr(scope.get("app"), "state", None), "args", None)
        headers = Headers(scope=scope)
        listed = getattr(allowed, "allowed_origins", [])
        if "*" in listed:
            return None
        if not all(origin in listed or self._is_own(origin, scope) for origin in headers.getlist("origin")):
            return 403, "this page may not use the server; name its origin in --allowed-origins"
        if _is_local(scope) and not all(self._is_ours(_name(each), scope) for each in headers.getlist("host")):
            return 403, _OTHER_HOST
        return None

    def _controls(self, scope: Scope) -> tuple[int, str] | None:
        """Why a request may not control the server; None where it may."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(_name(hosts[0]), scope):
            return 403, _OTHER_HOST
        if not all(self._is_own(origin, scope) for origin in headers.getlist("origin")):
            return 403, "pages of other sites may not control the server"
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope.get("method") not in ("GET", "HEAD", "OPTIONS") and kind != "application/json":
            return 415, "control endpoints take Content-Type application/json"
        given = headers.getlist(secret.HEADER)
        if self._digest is None or len(given) != 1 or not self._is_secret(given[0]):
            return 401, f"this endpoint needs the server's secret in the header {secret.HEADER} (docs/servers.md)"
        return None

    def _is_secret(self, given: str) -> bool:
        assert self._digest is not None
        return hmac.compare_digest(sha256(given.encode("utf-8", "replace")).digest(), self._digest)

    def _is_own(self, origin: str, scope: Scope) -> bool:
        """Whether a page of this origin comes from the server itself."""
        hosts = Headers(scope=scope).getlist("host")
        scheme, found, netloc = origin.partition("://")
        return bool(found) and scheme in ("http", "https") and hosts == [netloc] and self._is_ours(_name(netloc), scope)

    def _is_ours(self, name: str, scope: Scope) -> bool:
        """Whether a name stands for this server, and not for a page whose name was made to lead here.

        No such name is an address; but who listens at a loopback address is reached by no other.
        """
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (address.is_loopback or not _is_local(scope))


def _is_local(scope: Scope) -> bool:
    """Whether a request came to a loopback address, wherever else the server listens."""
    address = _address((scope.get("server") or ("", 0))[0])
    return address is not None and address.is_loopback


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(name)
    except ValueError:  # a name, or the path of a Unix socket
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _name(host: str) -> str:
    """The name in a Host header, without its port; nothing where it is none."""
    found = _HOST.fullmatch(host)
    return "" if found is None else (found["v6"] or found["name"]).rstrip(".").lower()
