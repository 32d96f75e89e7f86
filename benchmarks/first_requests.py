"""The first EM-INF requests to a vLLM server, with the warm-up at load and without it.

    python -m benchmarks.first_requests --pretrained MODEL     the larger its vocabulary, the more it tells

Two servers, one after the other, each asked for eight tokens: plainly, with EM-INF, with EM-INF and n = 2, and with
EM-INF again. Compiled code is kept in a folder of the server's own, so that neither finds the other's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.measure import environment, parser, table
from emlit.decoding.vllm import EntropyDecoding

ROOT = Path(__file__).parents[1]
PROCESSOR, COLD = "emlit.decoding.vllm:EntropyDecoding", "benchmarks.first_requests:Cold"
EM_INF = {"vllm_xargs": {"em_inf": 1}}
ASKED = {"plain": {}, "EM-INF, first": EM_INF, "EM-INF, n = 2, first": {**EM_INF, "n": 2}, "EM-INF, again": EM_INF}


class Cold(EntropyDecoding):
    """Does nothing at load."""

    def warm_up(self, vocabulary: int, device: Any) -> None: ...


def seconds(pretrained: str, processor: str) -> dict[str, float]:
    """Of each request of ASKED, in turn, to a fresh server."""
    from tests.servers import free_port

    port = free_port()
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", pretrained, "--port", str(port),
        "--host", "127.0.0.1", "--dtype", "float32", "--max-model-len", "256", "--enforce-eager",
        "--kv-cache-memory-bytes", str(256 << 20), "--served-model-name", "m",
        "--logits-processors", processor,
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        own = {"TORCHINDUCTOR_CACHE_DIR": place, "VLLM_NO_USAGE_STATS": "1", "PYTHONPATH": str(ROOT)}
        log = Path(place) / "log.txt"
        with log.open("w") as output:
            server = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **own}, cwd=ROOT
            )
        try:
            _wait(server, f"http://127.0.0.1:{port}/health", log)
            return {name: _ask(f"http://127.0.0.1:{port}/v1/completions", extra) for name, extra in ASKED.items()}
        finally:
            server.terminate()
            server.wait(60)


def _wait(server: subprocess.Popen, url: str, log: Path) -> None:
    while True:
        if server.poll() is not None:
            raise SystemExit(log.read_text()[-3000:])
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except OSError:
            time.sleep(0.5)


def _ask(url: str, extra: dict[str, Any]) -> float:
    body = {"model": "m", "prompt": "One and one is", "max_tokens": 8, "temperature": 1.0, "seed": 1, **extra}
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=600) as answer:
        answer.read()
    return time.perf_counter() - start


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--pretrained", default="tiny")
    arguments = arguments_of.parse_args()
    from emlit.pretrained import resolve

    warm, cold = (seconds(resolve(arguments.pretrained), each) for each in (PROCESSOR, COLD))
    rows = [[name, f"{warm[name]:.2f}", f"{cold[name]:.2f}", f"{warm[name] / cold[name]:.2f}"] for name in ASKED]
    print(environment())
    print(table(["request of 8 tokens", "warmed up, s", "not, s", "ratio"], rows))


if __name__ == "__main__":
    main()
