"""Log p and H of sampled tokens: taken where they are drawn, beside one more forward pass over each completion.

    python -m benchmarks.drawn_stats --pretrained MODEL

The engine samples without taking them, then with them, and the model scores what was sampled, in turn. Prompts are made
up: times do not depend on what is written. Prints medians, and by how much the two ways differ.
"""

import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.measure import environment, median, parser, table
from emlit.engines import ModelSource, Request, Sampling, VLLMEngine
from emlit.modules import CausalLM
from emlit.pretrained import load_tokenizer, resolve


def seconds(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    found = function(*arguments)
    return time.perf_counter() - began, found


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--pretrained", default="tiny")
    arguments_of.add_argument("--rows", type=int, default=128)
    arguments_of.add_argument("--prompt", type=int, default=80, help="tokens")
    arguments_of.add_argument("--tokens", type=int, default=64, help="of a completion, at most")
    arguments_of.add_argument("--repeats", type=int, default=3)
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        arguments.rows, arguments.tokens, arguments.repeats = 4, 4, 1
    path = resolve(arguments.pretrained)
    module = CausalLM(arguments.pretrained)
    module.configure_model()
    engine = VLLMEngine(max_num_seqs=arguments.rows)
    engine.start(ModelSource(path, arguments.prompt + arguments.tokens, (load_tokenizer(path).eos_token_id,)))
    vocabulary = engine.llm.model_config.get_vocab_size()
    drawn = torch.randint(vocabulary, (arguments.rows, arguments.prompt), generator=torch.Generator().manual_seed(0))
    requests = [Request(prompt, seed) for seed, prompt in enumerate(drawn.tolist())]
    sampling, sampler = Sampling(max_tokens=arguments.tokens), engine.drawn._runner.sampler
    times: dict[str, list[float]] = {"plain": [], "taken": [], "scored": []}
    apart = 0.0
    for repeat in range(arguments.repeats + 1):
        hooks = sampler._forward_pre_hooks.copy(), sampler._forward_hooks.copy()
        sampler._forward_pre_hooks.clear(), sampler._forward_hooks.clear()
        plain, _ = seconds(engine.generate, requests, sampling)
        sampler._forward_pre_hooks.update(hooks[0]), sampler._forward_hooks.update(hooks[1])
        taken, completions = seconds(engine.generate, requests, sampling)
        scored, stats = seconds(module.score_completions, drawn.tolist(), completions)
        for completion, each in zip(completions, stats, strict=True):
            for one, other in zip(completion.stats, each, strict=True):
                apart = max(apart, float((one - other).abs().max()))
        if repeat:  # the first warms up
            for name, value in (("plain", plain), ("taken", taken), ("scored", scored)):
                times[name].append(value)
    plain, taken, scored = (median(values) for values in times.values())
    header = [
        "sampling, s",
        "with them taken, s",
        "one more forward pass, s",
        "whole, of the other way",
        "differ by, nats",
    ]
    print(
        table(
            header,
            [[f"{plain:.1f}", f"{taken:.1f}", f"{scored:.1f}", f"{taken / (plain + scored):.2f}", f"{apart:.0e}"]],
        )
    )
    print(
        f"\n{arguments.pretrained}, {arguments.rows} completions of at most {arguments.tokens} tokens; {environment()}"
    )
    engine.close()


if __name__ == "__main__":
    main()
