"""vLLM servers as processes of their own, started as users start them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Of servers and of the engines in this process, which would keep theirs in the home directory else.
os.environ.setdefault("EMLIT_SERVER_SECRET", "a-secret-of-the-tests-0123456789")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`python -m emlit.serve`; its processes end with `kill` or `stop`."""

    def __init__(self, log: Path, *arguments: str, config: Path = ROOT / "configs/tiny/em_rl_token.yaml") -> None:
        self.log, self.arguments, self.config = log, arguments, config
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        command = [sys.executable, "-m", "emlit.serve", "--config", str(self.config), "--port", str(self.port)]
        return [*command, "--kv-cache-memory-bytes", str(64 << 20), *self.arguments]

    def settings(self) -> dict[str, str]:
        """Of the environment."""
        return {"EMLIT_DECODINGS": "tests.own_decoding.Typical"}

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.settings()}
        for name in ("VLLM_ENABLE_V1_MULTIPROCESSING", "VLLM_LOGGING_LEVEL"):  # as an engine in this process set them
            environment.pop(name, None)
        with self.log.open("a") as output:
            # A group of its own, so that vLLM's engine and workers can be killed with it.
            self.process = subprocess.Popen(
                self.command(),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=ROOT,
                start_new_session=True,
            )

    def wait(self) -> None:
        deadline = time.monotonic() + 420  # where much else runs
        while True:
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"the server did not start: {self.log.read_text()[-3000:]}"
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/health", timeout=5)
                return
            time.sleep(0.5)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.kill()


class StockServer(Server):
    """vLLM's own server, with a logits processor of ours."""

    def __init__(self, log: Path, model: str, processor: str, *arguments: str, **settings: str) -> None:
        super().__init__(log, *arguments)
        self.model, self.processor, self.given = model, processor, settings

    def command(self) -> list[str]:
        return [
            sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", self.model, "--host", "127.0.0.1",
            "--port", str(self.port), "--served-model-name", "tiny", "--dtype", "float32", "--max-model-len", "256",
            "--enforce-eager", "--logits-processors", self.processor, *self.arguments,
        ]  # fmt: skip

    def settings(self) -> dict[str, str]:
        return {"VLLM_NO_USAGE_STATS": "1", **self.given}


def serving(log: Path, *arguments: str, **options: Path) -> contextlib.AbstractContextManager[Server]:
    """A server of emlit's that is ready, and lives as long as this context."""
    return running(Server(log, *arguments, **options))


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, ready, for as long as this context lives."""
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()
