"""A vLLM server beside the trainer: tokens a second, the time of a push of weights, and the memory that it takes.

    python -m benchmarks.servers             the embedded reasoner, and layers of Qwen2.5-0.5B with random weights
    python -m benchmarks.servers --smoke     the embedded reasoner alone

Tokens: the same requests through an engine in this process and through a server, in turn. A push: through files in
memory, a bucket at a time; its peak is over what the process had before, once it has pushed before (the first push
imports vLLM in the trainer, and makes the server's kernels).
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import MIB, QWEN2_5_0_5B, environment, measured, median, parser, resident_of, table


def requests(tokenizer: Any, prompts: int, samples: int) -> list[Any]:
    from emlit.engines import Request
    from emlit.tiny import problems

    chats = [[{"role": "user", "content": row["prompt"]}] for row in problems("test", prompts)]
    texts = [tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]
    tokens = [tokenizer(text)["input_ids"] for text in texts]
    return [Request(each, 1000 * i + sample) for i, each in enumerate(tokens) for sample in range(samples)]


def speeds(server: Any, here: Any, asked: list[Any], rounds: int) -> list[list[str]]:
    """Tokens a second of the two engines, in turn."""
    from emlit.engines import Sampling

    found: dict[Any, list[float]] = {server: [], here: []}
    for number in range(rounds + 1):
        for engine, rates in found.items():
            start = time.perf_counter()
            completions = engine.generate(asked, Sampling(max_tokens=48))
            if number:  # the first warms up
                rates.append(sum(len(each.tokens) for each in completions) / (time.perf_counter() - start))
    own = median(found[here])
    return [
        ["in this process", f"{own:.0f}", "1.00"],
        ["server", f"{median(found[server]):.0f}", f"{median(found[server]) / own:.2f}"],
    ]


def push(engine: Any, weights: dict[str, Any], group: int, rounds: int) -> list[str]:
    """Median seconds, and the largest peak over what was there before: of this process, and of one of the server's."""
    engine.load_weights(weights.items(), 0)
    times, peaks, served = [], [], []
    for number in range(rounds):
        members = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _group(pid) == group]
        before = {}
        for pid in members:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # resets VmHWM
            before[pid] = resident_of(pid)
        found = measured(lambda n=number: engine.load_weights(weights.items(), n + 1))
        times.append(found["seconds"])
        peaks.append(found["peak"])
        served.append(max(resident_of(pid, "VmHWM") - before[pid] for pid in members))
    return [f"{median(times):.2f}", f"{max(peaks) / MIB:.0f}", f"{max(served) / MIB:.0f}"]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def larger(directory: Path, vocabulary: int, layers: int, rounds: int) -> list[list[str]]:
    """Pushes of a model with random weights, in buckets of two sizes."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from emlit.engines import ModelSource, VLLMServerEngine
    from emlit.pretrained import load_tokenizer
    from emlit.tiny import MODEL_DIR
    from tests.servers import serving

    directory.mkdir()
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=vocabulary, num_hidden_layers=layers, **QWEN2_5_0_5B))
    model.save_pretrained(directory / "model")
    load_tokenizer(str(MODEL_DIR)).save_pretrained(directory / "model")
    config = directory / "run.yaml"
    config.write_text(f"model: {{pretrained: {directory}/model}}\ndata: {{context: 256}}\n")
    pushes = []
    with serving(directory / "log.txt", config=config) as server:
        for bucket in (16, 256):
            engine = VLLMServerEngine([server.url], bucket_mb=bucket)
            engine.start(ModelSource(str(directory / "model"), 256, (1,)))
            pushes.append([*_mib(model), str(bucket), *push(engine, model.state_dict(), server.process.pid, rounds)])
            engine.close()
    return pushes


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--rounds", type=int, default=3)
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        arguments.rounds = 1
    from emlit.engines import ModelSource, VLLMEngine, VLLMServerEngine
    from emlit.pretrained import load_model, load_tokenizer, stop_token_ids
    from emlit.tiny import MODEL_DIR
    from tests.servers import serving

    tokenizer = load_tokenizer(str(MODEL_DIR))
    source = ModelSource(str(MODEL_DIR), 256, stop_token_ids(str(MODEL_DIR), tokenizer))
    header = ["weights, MiB", "largest", "bucket", "push, s", "peak of the trainer, MiB", "peak of the server, MiB"]
    pushes = []
    with tempfile.TemporaryDirectory() as directory:
        with serving(Path(directory, "log.txt")) as server:
            engine, here = VLLMServerEngine([server.url]), VLLMEngine()
            engine.start(source)
            here.start(source)
            asked = requests(tokenizer, *((4, 2) if arguments.smoke else (64, 8)))
            rates = speeds(engine, here, asked, arguments.rounds)
            model = load_model(str(MODEL_DIR))
            found = push(engine, model.state_dict(), server.process.pid, arguments.rounds)
            pushes.append([*_mib(model), "256", *found])
            engine.close()
        if not arguments.smoke:
            for vocabulary, layers in ((151_936, 2), (1000, 12)):
                pushes += larger(Path(directory, f"{layers}"), vocabulary, layers, arguments.rounds)
    print(f"{len(asked)} requests of the embedded reasoner, 48 tokens at most; medians of {arguments.rounds}\n")
    print(table(["engine", "tokens/s", "of in this process"], rates), end="\n\n")
    print(table(header, pushes), end="\n\n")
    print(environment())


def _mib(model: Any) -> list[str]:
    """Of all tensors that are pushed (a tied one is, twice), and of the largest."""
    sizes = [tensor.nbytes / MIB for tensor in model.state_dict().values()]
    return [f"{sum(sizes):.0f}", f"{max(sizes):.1f}"]


if __name__ == "__main__":
    main()
