"""What one optimiser step of EM-RL costs against tokens a completion, rows a round and the vocabulary.

    python -m benchmarks.scaling

Two layers of width 896 with random weights, float32, micro-batches of --micro_batch_prompts; completions are made up,
all of the greatest length, since what sampling costs is the engine's. Each point is a process of its own, and what is
in --run_dir is not measured again. Exponents are of CPU time, which other programs on the machine hardly touch.
Attention, whose cost is quadratic in tokens, is timed alone as well, and taken off. Prints Markdown.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.measure import GIB, QWEN2_5_0_5B, environment, parser, table
from benchmarks.rl_step import one
from benchmarks.step_model import make_model

LAYERS = 2
WEIGHTS = 16  # bytes a parameter: itself, its gradient and AdamW's two moments


def parameters(vocabulary: int) -> int:
    d, ff = QWEN2_5_0_5B["hidden_size"], QWEN2_5_0_5B["intermediate_size"]
    kv = d * QWEN2_5_0_5B["num_key_value_heads"] // QWEN2_5_0_5B["num_attention_heads"]
    return vocabulary * d + LAYERS * (2 * d * d + 2 * d * kv + 3 * d * ff)


def attention_seconds(rows: int, tokens: int) -> float:
    """CPU time, forward and backward, of every layer's causal attention, of `rows` sequences one after another."""
    heads = QWEN2_5_0_5B["num_attention_heads"]
    shape = (1, heads, tokens, QWEN2_5_0_5B["hidden_size"] // heads)
    q, k, v = (torch.randn(shape, requires_grad=True) for _ in range(3))
    seconds = []
    for _ in range(3):
        start = time.process_time()
        F.scaled_dot_product_attention(q, k, v, is_causal=True).sum().backward()
        seconds.append(time.process_time() - start)
    return min(seconds) * rows * LAYERS


def exponents(points: list[list[float]]) -> list[float]:
    """Slopes of the logarithms of the other columns against that of the first."""
    logs = np.log(points)
    return np.polyfit(logs[:, 0], logs[:, 1:], deg=1)[0].tolist()


def measured_once(sizes: argparse.Namespace) -> dict[str, Any]:
    """One point, from its file where it has been measured with these sizes."""
    keys = ("prompts", "samples", "tokens", "vocabulary", "threads", "micro_batch_prompts", "steps")
    name = "-".join(str(getattr(sizes, key)) for key in keys)
    file = sizes.run_dir / f"{name}.json"
    if sizes.smoke or not file.exists():
        with tempfile.TemporaryDirectory() as directory:
            make_model(Path(directory) / "wide", "wide", sizes, positions=1024 + max(sizes.lengths))
            found = one("emlit EM-RL, made-up completions", str(Path(directory) / "wide"), sizes)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found))
    return json.loads(file.read_text())


def sweep(name: str, values: list[int], arguments: argparse.Namespace) -> list[list[str]]:
    """A row a value of `name` (tokens, prompts or vocabulary), the others at their smallest; and the exponents."""
    rows, points = [], []
    for value in values:
        sizes = argparse.Namespace(**{**vars(arguments), name: value})
        found = measured_once(sizes)
        completions = sizes.prompts * sizes.samples
        size = {"tokens": found["length"], "prompts": completions, "vocabulary": value}[name]
        alone = attention_seconds(completions, round(found["length"]))
        beyond = found["peak"] - WEIGHTS * parameters(sizes.vocabulary)
        rest = max(found["cpu"] - alone, 1e-3)
        points.append([size, found["step"], found["cpu"], rest, max(beyond, 1.0)])
        rows.append(
            [f"{'rows' if name == 'prompts' else name} = {size:,.0f}", f"{found['step']:.2f}", f"{found['cpu']:.2f}",
             f"{rest:.2f}", f"{found['peak'] / GIB:.2f}", f"{beyond / GIB:.2f}"]
        )  # fmt: skip
        print(rows[-1], flush=True)
    *slopes, memory = exponents(points)
    rows.append([f"exponent in {name.replace('prompts', 'rows')}", *(f"{s:.2f}" for s in slopes), "", f"{memory:.2f}"])
    return rows


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, default=Path("runs/scaling"))
    arguments_of.add_argument("--lengths", type=int, nargs="+", default=[512, 1024, 2048, 4096, 8192])
    arguments_of.add_argument("--counts", type=int, nargs="+", default=[4, 32, 128, 512], help="prompts of a step")
    arguments_of.add_argument("--vocabularies", type=int, nargs="+", default=[32_768, 65_536, 151_936])
    arguments_of.add_argument("--samples", type=int, default=4, help="of each prompt")
    arguments_of.add_argument("--micro_batch_prompts", type=int, default=4)
    arguments_of.add_argument("--steps", type=int, default=2, help="of a run; the first warms up")
    arguments_of.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments_of.add_argument("--sweeps", nargs="+", default=["tokens", "prompts", "vocabulary"])
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        arguments.lengths, arguments.counts, arguments.vocabularies = [4, 8], [2, 4], [1000, 2000]
        arguments.micro_batch_prompts = 2
    arguments.tokens, arguments.vocabulary = 64 if not arguments.smoke else 4, min(arguments.vocabularies)
    arguments.prompts = min(arguments.counts)
    values = {"tokens": arguments.lengths, "prompts": arguments.counts, "vocabulary": arguments.vocabularies}
    rows = [row for name in arguments.sweeps for row in sweep(name, values[name], arguments)]
    header = ["", "step, s", "CPU time, s", "without attention, s", "peak, GiB"]
    header.append("beyond weights, gradients and moments, GiB")
    print(f"EM-RL, {LAYERS} layers of width 896, V = {arguments.vocabulary} where it is not named\n")
    print(f"{table(header, rows)}\n\n{environment()}")


if __name__ == "__main__":
    main()
