"""The first EM-INF requests to a vLLM server, with the warm-up at load and without it.

    python -m benchmarks.first_requests --pretrained MODEL     the larger its vocabulary, the more it tells

Two servers, one after the other, each asked for eight tokens: plainly, with EM-INF, with EM-INF and n = 2, and with
EM-INF again. Compiled code is kept in a folder of the server's own, so that neither finds the other's.
"""

import json
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.measure import environment, parser, table
from emlit.decoding.vllm import EntropyDecoding

PROCESSOR, COLD = "emlit.decoding.vllm:EntropyDecoding", "benchmarks.first_requests:Cold"
EM_INF = {"vllm_xargs": {"em_inf": 1}}
ASKED = {"plain": {}, "EM-INF, first": EM_INF, "EM-INF, n = 2, first": {**EM_INF, "n": 2}, "EM-INF, again": EM_INF}


class Cold(EntropyDecoding):
    """Does nothing at load."""

    def warm_up(self, vocabulary: int, device: Any) -> None: ...


def seconds(pretrained: str, processor: str) -> dict[str, float]:
    """Of each request of ASKED, in turn, to a fresh server."""
    from tests.servers import StockServer, running

    with tempfile.TemporaryDirectory() as place:
        room = ("--kv-cache-memory-bytes", str(256 << 20))
        server = StockServer(Path(place) / "log.txt", pretrained, processor, *room, TORCHINDUCTOR_CACHE_DIR=place)
        with running(server):
            return {name: _ask(f"{server.url}/v1/completions", extra) for name, extra in ASKED.items()}


def _ask(url: str, extra: dict[str, Any]) -> float:
    body = {"model": "tiny", "prompt": "One and one is", "max_tokens": 8, "temperature": 1.0, "seed": 1, **extra}
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
