"""EM-INF: what the operation costs, and what it leaves of a server's throughput.

    python -m benchmarks.em_inf

The operation: random logits of standard deviation 3 (entropies near 8 nats: every row goes through every step), beside
autograd with torch.optim.Adam row by row, and one softmax. The throughput: a model of Qwen2.5-0.5B's shape with random
weights (again every token goes through every step), in vLLM without and with EM-INF, and as the released code works:
one prompt at a time, autograd on its logits, transformers' `generate`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.measure import QWEN2_5_0_5B, environment, in_own_process, median, parser, print_json, table
from benchmarks.references import adam_on_logits
from emlit.decoding import PRESETS, minimize_entropy

RELEASED = PRESETS["released"]


def seconds(function: Callable[[], Any], prepare: Callable[[], Any] = lambda: None, repeats: int = 7) -> float:
    """Median of several calls, after two that do not count."""
    device_done = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    found = []
    for _ in range(repeats + 2):
        prepare()
        device_done()
        start = time.perf_counter()
        function()
        device_done()
        found.append(time.perf_counter() - start)
    return median(found[2:])


def operation(rows: int, vocabulary: int) -> dict[str, float]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = (torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(0)) * 3).to(device)
    logits = source.clone()
    return {
        "op": seconds(lambda: minimize_entropy(logits, inplace=True), lambda: logits.copy_(source)),
        "softmax": seconds(lambda: torch.softmax(source, dim=-1)),
        "reference": seconds(lambda: [adam_on_logits(row, RELEASED) for row in source], repeats=3),
    }


def qwen_config(layers: int) -> Any:
    from transformers import Qwen2Config

    return Qwen2Config(
        **QWEN2_5_0_5B, vocab_size=151_936, num_hidden_layers=layers, rope_theta=1e6,
        architectures=["Qwen2ForCausalLM"], eos_token_id=151_643, bos_token_id=151_643,
        dtype="bfloat16" if torch.cuda.is_available() else "float32",
    )  # fmt: skip


def in_vllm(layers: int, rows: int, tokens: int, repeats: int) -> dict[str, float]:
    """Tokens a second without and with EM-INF, in turn on one engine."""
    from emlit.engines import ModelSource, Request, Sampling, VLLMEngine

    with tempfile.TemporaryDirectory() as directory:
        qwen_config(layers).save_pretrained(directory)
        engine = VLLMEngine(options={"load_format": "dummy", "skip_tokenizer_init": True}, max_num_seqs=rows)
        engine.start(ModelSource(directory, 512, (151_643,)))
        generator = torch.Generator().manual_seed(0)
        prompts = torch.randint(1000, 150_000, (rows, 16), generator=generator).tolist()
        requests = [Request(prompt, seed) for seed, prompt in enumerate(prompts)]
        found: dict[str, list[float]] = {"plain": [], "em_inf": []}
        for repeat in range(repeats + 1):
            for name, decoding in (("plain", None), ("em_inf", RELEASED)):
                start = time.perf_counter()
                done = engine.generate(requests, Sampling(max_tokens=tokens, decoding=decoding))
                rate = sum(len(completion.tokens) for completion in done) / (time.perf_counter() - start)
                if repeat:  # the first compiles
                    found[name].append(rate)
        engine.close()
    ratio = median(em / plain for em, plain in zip(found["em_inf"], found["plain"], strict=True))
    return {**{name: median(rates) for name, rates in found.items()}, "ratio": ratio}


def released_way(layers: int, tokens: int, prompts: int) -> dict[str, float]:
    """Tokens a second with batch size 1, autograd and `generate`."""
    from transformers import AutoModelForCausalLM, LogitsProcessor, LogitsProcessorList

    class Official(LogitsProcessor):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode(False):
                return adam_on_logits(scores[0].float().clone(), RELEASED).unsqueeze(0)

    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = qwen_config(layers)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=config.dtype).eval()
    rates = []
    for seed in range(prompts + 1):
        prompt = torch.randint(1000, 150_000, (1, 16), generator=torch.Generator().manual_seed(seed)).to(device)
        start = time.perf_counter()
        output = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=tokens, do_sample=True, top_k=0,
            pad_token_id=0, logits_processor=LogitsProcessorList([Official()]),
        )  # fmt: skip
        rates.append((output.shape[1] - 16) / (time.perf_counter() - start))
    return {"rate": median(rates[1:])}


def child(arguments: argparse.Namespace) -> dict[str, float]:
    if arguments.part == "operation":
        return operation(arguments.rows[0], arguments.vocabulary)
    if arguments.part == "vllm":
        return in_vllm(arguments.layers, arguments.requests, arguments.tokens, arguments.repeats)
    return released_way(arguments.layers, arguments.tokens, 2)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--rows", type=int, nargs="+", default=[1, 8, 32, 128], help="of logits")
    arguments_of.add_argument("--vocabulary", type=int, default=151_936)
    arguments_of.add_argument("--layers", type=int, default=24, help="of the model; Qwen2.5-0.5B has 24")
    arguments_of.add_argument("--requests", type=int, default=32, help="sampled together")
    arguments_of.add_argument("--tokens", type=int, default=32, help="of each completion")
    arguments_of.add_argument("--repeats", type=int, default=3)
    arguments_of.add_argument("--part", choices=["operation", "vllm", "released"], help="run one here and print JSON")
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        arguments.rows, arguments.vocabulary, arguments.layers = [2], 2000, 1
        arguments.requests, arguments.tokens, arguments.repeats = 4, 4, 1
    if arguments.part:
        print_json(lambda: child(arguments))
        return
    sizes = [
        f"--{name}={getattr(arguments, name)}" for name in ("vocabulary", "layers", "requests", "tokens", "repeats")
    ]
    run = "benchmarks.em_inf"
    rows = []
    for count in arguments.rows:
        found = in_own_process(run, "--part=operation", f"--rows={count}", *sizes)
        op = found["op"]
        cells = [f"{1e3 * found[name]:.1f}" for name in ("op", "reference", "softmax")]
        rows.append([str(count), *cells, f"{found['reference'] / op:.1f}x", f"{op / found['softmax']:.1f}"])
    print(f"The operation, V = {arguments.vocabulary}, released parameters, float32\n")
    header = ["rows", "EM-INF, ms", "Adam by autograd, ms", "softmax, ms", "faster than autograd", "in softmaxes"]
    print(table(header, rows))
    served = in_own_process(run, "--part=vllm", *sizes)
    released = in_own_process(run, "--part=released", *sizes)["rate"]
    print(
        f"\nTokens a second, Qwen2.5-0.5B's shape with {arguments.layers} layers, {arguments.requests} requests of "
        f"{arguments.tokens} tokens, temperature 1\n"
    )
    print(
        table(
            ["", "tokens/s", "of plain vLLM", "of the released code's way"],
            [
                ["vLLM, plain", f"{served['plain']:.1f}", "100%", f"{served['plain'] / released:.1f}x"],
                ["vLLM, EM-INF on every request", f"{served['em_inf']:.1f}", f"{served['ratio']:.0%}",
                 f"{served['em_inf'] / released:.1f}x"],
                ["released code's way: batch 1, autograd, generate", f"{released:.1f}", "", "1x"],
            ],
        )
    )  # fmt: skip
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
