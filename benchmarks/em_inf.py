"""EM-INF: what the operation costs, and what it leaves of a server's throughput.

    python -m benchmarks.em_inf

The operation: logits of a real model (benchmarks/real_logits.py) and made-up ones of standard deviation 3 (entropies
near 8 nats, and every token counts), every row above the threshold, beside autograd with torch.optim.Adam row by row,
one softmax, and what vLLM does for top-p (0.9), in turn. The throughput: a model of Qwen2.5-0.5B's shape with random
weights (again every token goes through every step), in vLLM without and with EM-INF, and as the released code works:
one prompt at a time, autograd on its logits, transformers' `generate`.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.measure import QWEN2_5_0_5B, environment, in_own_process, median, parser, print_json, table
from benchmarks.real_logits import recorded
from benchmarks.references import adam_on_logits
from emlit.decoding import PRESETS, minimize_entropy

RELEASED = PRESETS["released"]


def operation(made_up: bool, rows: int, vocabulary: int, threads: int) -> dict[str, float]:
    """Median seconds, all in turn, after two rounds that do not count."""
    from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(threads)
    draw = torch.Generator().manual_seed(0)
    source = (torch.randn(rows, vocabulary, generator=draw) * 3 if made_up else recorded(rows)).to(device)
    logits, share = source.clone(), torch.full((rows,), 0.9, device=device)
    cases: dict[str, Callable[[], Any]] = {
        "copy": lambda: logits.copy_(source),
        "op": lambda: minimize_entropy(logits.copy_(source), inplace=True),
        "softmax": lambda: torch.softmax(source, dim=-1),
        "top_p": lambda: apply_top_k_top_p(logits.copy_(source), None, share),
        "reference": lambda: [adam_on_logits(row, RELEASED) for row in source[:4]],
    }
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(11):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            if device == "cuda":
                torch.cuda.synchronize()
            found[name].append(time.perf_counter() - start)
    times = {name: median(seconds[2:]) for name, seconds in found.items()}
    autograd = times["reference"] * rows / min(rows, 4)
    alone = {name: times[name] - times["copy"] for name in ("op", "top_p")}
    return {**alone, "softmax": times["softmax"], "reference": autograd}


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
        return operation(arguments.made_up, arguments.rows[0], arguments.vocabulary, arguments.threads[0])
    if arguments.part == "vllm":
        return in_vllm(arguments.layers, arguments.requests, arguments.tokens, arguments.repeats)
    return released_way(arguments.layers, arguments.tokens, 2)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--rows", type=int, nargs="+", default=[1, 8, 32], help="of logits")
    arguments_of.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments_of.add_argument("--made_up", action="store_true", help=argparse.SUPPRESS)
    arguments_of.add_argument("--vocabulary", type=int, default=151_936)
    arguments_of.add_argument("--layers", type=int, default=24, help="of the model; Qwen2.5-0.5B has 24")
    arguments_of.add_argument("--requests", type=int, default=32, help="sampled together")
    arguments_of.add_argument("--tokens", type=int, default=32, help="of each completion")
    arguments_of.add_argument("--repeats", type=int, default=3)
    arguments_of.add_argument("--part", choices=["operation", "vllm", "released"], help="run one here and print JSON")
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        arguments.rows, arguments.vocabulary, arguments.layers, arguments.threads = [2], 2000, 1, [1]
        arguments.requests, arguments.tokens, arguments.repeats = 4, 4, 1
    if arguments.part:
        print_json(lambda: child(arguments))
        return
    sizes = [
        f"--{name}={getattr(arguments, name)}" for name in ("vocabulary", "layers", "requests", "tokens", "repeats")
    ]
    run = "benchmarks.em_inf"
    rows = []
    for made_up, threads, count in itertools.product([False, True], arguments.threads, arguments.rows):
        words = [f"--rows={count}", f"--threads={threads}", *["--made_up"] * made_up]
        found = in_own_process(run, "--part=operation", *words, *sizes)
        op = found["op"]
        cells = [f"{1e3 * found[name]:.1f}" for name in ("op", "reference", "softmax", "top_p")]
        ratios = [f"{found['reference'] / op:.0f}x", f"{op / found['softmax']:.1f}", f"{op / found['top_p']:.2f}"]
        rows.append(["made up" if made_up else "real", str(threads), str(count), *cells, *ratios])
    print(f"The operation, V = {arguments.vocabulary}, released parameters, float32\n")
    header = ["logits", "threads", "rows", "EM-INF, ms", "Adam by autograd, ms", "softmax, ms", "top-p, ms", "faster"]
    header += ["in softmaxes", "in top-ps"]
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
