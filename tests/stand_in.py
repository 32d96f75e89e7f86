"""A server in a thread, for tests of what asks one."""

import sys
from http.server import ThreadingHTTPServer


class StandIn(ThreadingHTTPServer):
    """Says nothing of whoever asked and is gone: minutes later that would stand among another test's output."""

    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
