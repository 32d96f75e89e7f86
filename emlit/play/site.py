"""The page and its answers over HTTP, for this machine alone."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from emlit.decoding import PRESETS
from emlit.errors import ConfigError, EmlitError, first_line
from emlit.play.player import Asked, Player
from emlit.play.server_player import ServerPlayer

_PAGE = Path(__file__).parent / "page.html"
_LONGEST = 1 << 20  # bytes of a question


class Site(ThreadingHTTPServer):
    """Serves one player, a question at a time; a later one waits for the earlier, which ends when its page is closed.

    Args:
        player: what answers
        port: 0 takes a free one

    Raises:
        ConfigError: the port is taken
    """

    daemon_threads = True

    def __init__(self, player: Player | ServerPlayer, port: int) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Answers)
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"port {port} of 127.0.0.1 cannot be had ({first_line(error)}); name another with --port"
            ) from None
        self.player, self.one_at_a_time = player, threading.Lock()
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that is closed is no error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Answers(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if not self._is_own():
            return
        if self.path != "/":
            self._send(404, "text/plain", b"there is / alone")
            return
        presets = {name: vars(preset) for name, preset in PRESETS.items()}
        about = json.dumps({"model": self.server.player.name, "presets": presets}).replace("<", "\\u003c")
        self._send(200, "text/html; charset=utf-8", _PAGE.read_bytes().replace(b"{{about}}", about.encode()))

    def do_POST(self) -> None:
        """/play: a question as JSON, answered by a line of JSON an event."""
        if not self._is_own():
            return
        if self.path != "/play" or self.headers.get_content_type() != "application/json":
            self._send(404, "text/plain", b"POST application/json to /play")
            return
        try:
            length = int(self.headers["Content-Length"] or 0)
            asked = Asked.of(json.loads(self.rfile.read(min(max(length, 0), _LONGEST))))
        except (EmlitError, ValueError, RecursionError) as error:
            self._send(400, "text/plain; charset=utf-8", first_line(error).encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        try:
            with self.server.one_at_a_time:
                for event in self.server.player.play(asked):
                    self._line(event)
        except EmlitError as error:
            self._line({"error": str(error)})
        except OSError:  # whoever asked is gone
            pass

    def _is_own(self) -> bool:
        """Asked by this page and by its name: another site's page may not, whatever name it gives this machine."""
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        if host not in self.server.hosts or origin not in (None, f"http://{host}"):
            self._send(403, "text/plain", b"this page is for this machine alone")
            return False
        return True

    def _line(self, event: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(event).encode() + b"\n")
        self.wfile.flush()

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal says where the page is, and that is all."""
