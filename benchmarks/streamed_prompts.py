"""Memory and time of a prompt set that is streamed, beside one that is read whole.

    python -m benchmarks.streamed_prompts --rows 1000000

Writes a synthetic set of JSONL files, rows of about 1 KB (a short problem and a worked solution), and draws rounds from
it three times, each in a process of its own: on first use (the set is prepared), again, and read whole by PromptFile
(the first file alone, a tenth of the rows). Memory is anonymous memory: pages of the mapped files, which the kernel
drops when it needs room, count as resident alone. Prints Markdown.
"""

import argparse
import json
import random
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import environment, in_own_process, parser, print_json, table
from emlit.engines import ReplayEngine, Sampling
from emlit.pretrained import load_tokenizer
from emlit.rollout import RolloutStream, RoundPlan, training_prompts
from emlit.tasks import PromptFile, StreamedPrompts
from emlit.tiny import MODEL_DIR

FILES = 10
ROUND = 256
MB = 1e6


def write(directory: Path, rows: int) -> int:
    """Files of equal length; their bytes together."""
    directory.mkdir()
    draw = random.Random(0)
    for file in range(FILES):
        with (directory / f"part-{file}.jsonl").open("w") as out:
            for _ in range(rows // FILES):
                numbers = " + ".join(str(draw.randrange(1000)) for _ in range(8))
                solution = f"{draw.getrandbits(3200):x}"  # of any characters
                row = {"prompt": f"What is {numbers}?", "answer": str(draw.randrange(10**5)), "solution": solution}
                out.write(json.dumps(row) + "\n")
    return sum(file.stat().st_size for file in directory.iterdir())


def memory() -> dict[str, float]:
    """Bytes of this process: anonymous, and all that is resident."""
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE))
    return {"anonymous": int(found["Anonymous"]) * 1024, "resident": int(found["Rss"]) * 1024}


class Peak(threading.Thread):
    """The most anonymous memory, looked at ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes, self._ended = 0.0, threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.1):
            self.bytes = max(self.bytes, memory()["anonymous"])

    def stop(self) -> float:
        self._ended.set()
        self.join()
        return max(self.bytes, memory()["anonymous"])


def draw(path: str, cache: str, rounds: int) -> dict[str, Any]:
    """What it takes to set up and to draw; read whole where there is no cache."""
    import datasets  # noqa: F401 (what an import takes is no part of it)
    import pyarrow.parquet  # noqa: F401

    tokenizer = load_tokenizer(str(MODEL_DIR))
    tokenizer("warm")
    before, peak, began = memory()["anonymous"], Peak(), time.perf_counter()
    peak.start()
    task = StreamedPrompts(path, cache_dir=cache) if cache else PromptFile(path)
    prompts = training_prompts(task, tokenizer, 10**6, lambda prompts: None)
    seconds = time.perf_counter() - began
    shape = RoundPlan(ROUND, 1, 1)
    stream = RolloutStream(prompts, ReplayEngine(), tokenizer, Sampling(), shape, 0, lambda: 0)
    began = time.perf_counter()
    for number in range(rounds):
        stream.draw(number)
    return {
        "rows": len(prompts),
        "seconds": seconds,
        "peak": peak.stop() - before,
        "after": memory()["anonymous"] - before,
        "resident": memory()["resident"],
        "draws": rounds * ROUND / (time.perf_counter() - began),
    }


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=40, help=f"rounds of {ROUND} prompts that are drawn")
    arguments.add_argument("--child", nargs=2, metavar=("PATH", "CACHE"), help=argparse.SUPPRESS)
    settings = arguments.parse_args()
    if settings.child:
        print_json(lambda: draw(*settings.child, settings.rounds))
        return
    rows, rounds = (2000, 2) if settings.smoke else (settings.rows, settings.rounds)
    with tempfile.TemporaryDirectory() as scratch:
        place, cache = Path(scratch) / "set", Path(scratch) / "cache"
        size = write(place, rows)
        found = {}
        for name, path, kept in [
            ("StreamedPrompts, first use", place, str(cache)),
            ("StreamedPrompts, again", place, str(cache)),
            ("PromptFile, the first file", place / "part-0.jsonl", ""),
        ]:
            found[name] = in_own_process(
                "benchmarks.streamed_prompts", "--rounds", str(rounds), "--child", str(path), kept
            )
        copied = sum(file.stat().st_size for file in cache.rglob("*.arrow"))
    print(f"{rows:,} rows, {size / MB:,.0f} MB in {FILES} files; the copy has {copied / MB:,.0f} MB\n")
    print(
        table(
            ["", "rows", "until the first draw, s", "peak over the start, MB", "after, MB", "resident, MB", "draws/s"],
            [
                [
                    name, f"{each['rows']:,}", f"{each['seconds']:.1f}", f"{each['peak'] / MB:,.0f}",
                    f"{each['after'] / MB:,.0f}", f"{each['resident'] / MB:,.0f}", f"{each['draws']:,.0f}",
                ]
                for name, each in found.items()
            ],
        )
    )  # fmt: skip
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
