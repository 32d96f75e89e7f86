"""The memory plan beside what is measured: one optimiser step of two micro-batches, in each of its phases.

    python -m benchmarks.plan_memory                                    the tiny reasoner and random weights, on a CPU
    python -m benchmarks.plan_memory --shapes qwen2.5-0.5b qwen2.5-1.5b --tokens 4096 --autocast          on a GPU

Each case in a process of its own, no engine. On a CPU the peak is that of the allocator's own events, on a GPU
`torch.cuda.max_memory_allocated`; the plan's reserve for CUDA's context and fragmentation is in neither.
"""

import argparse
import contextlib
import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import environment, in_own_process, parser, print_json, table

MIB = 2**20
KEPT = ("weights", "gradients", "optimiser")  # between steps
CASES: dict[str, list[str]] = {
    "EM-FT": ["--model=EMFT"],
    "EM-FT, checkpointing": ["--model=EMFT", "--model.gradient_checkpointing=true"],
    "EM-FT, logits": ["--model=EMFT", "--model.entropy_head=logits"],
    "EM-FT, KL": ["--model=EMFT", "--model.kl_weight=0.001", "--model.gradient_checkpointing=true"],
    "EM-RL": ["--model=EMRL"],
    "EM-RL, checkpointing": ["--model=EMRL", "--model.gradient_checkpointing=true"],
    "EM-RL, no KL": ["--model=EMRL", "--model.kl_weight=0"],
    "EM-RL, logits": ["--model=EMRL", "--model.entropy_head=logits", "--model.gradient_checkpointing=true"],
    "EM-RL, LoRA": ["--model=EMRL", "--model.lora.r=16"],
    "EM-RL, LoRA, checkpointing": ["--model=EMRL", "--model.lora.r=16", "--model.gradient_checkpointing=true"],
}
# Beside the published ones: deep with few keys, and one whose tied embeddings are most of it.
RANDOM: dict[str, dict[str, Any]] = {
    "26M": {
        "model_type": "qwen2", "vocab_size": 8000, "hidden_size": 512, "intermediate_size": 1536,
        "num_hidden_layers": 6, "num_attention_heads": 8, "num_key_value_heads": 2, "tie_word_embeddings": False,
        "max_position_embeddings": 4096,
    },
    "21M, tied": {
        "model_type": "llama", "vocab_size": 60000, "hidden_size": 320, "intermediate_size": 896,
        "num_hidden_layers": 2, "num_attention_heads": 5, "num_key_value_heads": 5, "tie_word_embeddings": True,
        "max_position_embeddings": 4096,
    },
}  # fmt: skip


def arguments_of(case: str, model: str, tokens: int, autocast: bool) -> list[str]:
    """Of `cli.py fit`: one group of four completions in each of two micro-batches, three quarters of them sampled."""
    common = [
        f"--model.pretrained={model}", "--data.prompts_per_round=2", "--data.samples_per_prompt=4",
        "--trainer.accumulate_grad_batches=2", f"--data.context={tokens}",
        f"--data.sampling.max_tokens={tokens * 3 // 4}",
        "--data.engine=TransformersEngine", "--trainer.devices=1", "--trainer.gradient_clip_val=1.0",
        f"--trainer.precision={'bf16-mixed' if autocast else '32-true'}",
    ]  # fmt: skip
    kind, *rest = CASES[case]
    return [kind, *common, *rest]


class AllocatorPeaks:
    """The largest sum of bytes that the CPU's allocator has handed out in each phase of a step, from torch's profiler.

    Every allocation is an event of the profiler, those inside of operations too, so that there is none of the noise
    that a process's resident memory has. Used around a step whose phases call it.

    Args:
        before: bytes that were handed out before, and which these come on top of

    Attributes:
        peaks: phase -> bytes
    """

    def __init__(self, before: int) -> None:
        self.before = before
        self.peaks: dict[str, int] = {}
        self._profile = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True)
        self._names: list[str] = []

    def __enter__(self) -> "AllocatorPeaks":
        self._profile.__enter__()
        return self

    @contextlib.contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        self._names.append(phase)
        with torch.profiler.record_function(f"phase {phase}"):
            yield

    def __exit__(self, *args: Any) -> None:
        self._profile.__exit__(*args)
        events = self._profile.profiler.kineto_results.events()
        spans = [
            (event.start_ns(), event.start_ns() + event.duration_ns(), event.name().removeprefix("phase "))
            for event in events
            if event.name().startswith("phase ")
        ]
        changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
        sums = itertools.accumulate(nbytes for _, nbytes in changes)
        for (when, _), handed_out in zip(changes, sums, strict=True):
            for start, end, name in spans:
                if start <= when <= end:
                    self.peaks[name] = max(self.peaks.get(name, 0), self.before + handed_out)


class _GpuPeaks:
    """`AllocatorPeaks` of a GPU."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}

    def __enter__(self) -> "_GpuPeaks":
        return self

    def __exit__(self, *args: Any) -> None: ...

    @contextlib.contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        torch.cuda.reset_peak_memory_stats()
        yield
        self.peaks[phase] = max(self.peaks.get(phase, 0), torch.cuda.max_memory_allocated())


def measure(given: list[str]) -> dict[str, Any]:
    """Bytes that were planned, and those that one step took, by phase and of what is kept."""
    from emlit.plan.__main__ import own_parser
    from emlit.plan.command import Planner
    from emlit.plan.dry_run import instantiate
    from emlit.plan.step import made_up_batch, whole_step, without_trainer
    from emlit.terminal import Terminal

    on_gpu = torch.cuda.is_available()
    own = own_parser().parse_args(["--gpu", "h100" if on_gpu else "cpu"])
    planner = Planner(own, given, Terminal(stderr=True))
    arguments, settings, found = planner.case().arguments, planner.case().settings, planner.dry_run()
    path = arguments.model.init_args.pretrained
    torch.manual_seed(0)
    module = instantiate(arguments.model, path)
    autocast = settings.autocast
    without_trainer(module, settings.micro_batches, autocast=autocast)
    module.configure_model()
    module.to("cuda" if on_gpu else "cpu")
    references = [each.to(module.device) for each in getattr(module, "_reference", ())]
    optimizer = module.configure_optimizers()["optimizer"]
    batch = made_up_batch(
        settings.rows, settings.samples, settings.row_tokens - settings.completion_tokens, settings.completion_tokens, 2
    ).to(module.device)
    clip = arguments.trainer.gradient_clip_val
    whole_step(module, optimizer, batch, 1, clip, autocast)
    gradients = sum(p.grad.nbytes for p in module.parameters() if p.grad is not None)
    optimizer.zero_grad()
    weights = sum(p.nbytes for p in module.parameters())
    moments = sum(value.nbytes for state in optimizer.state.values() for value in state.values())
    frozen = sum(p.nbytes for each in references for p in each.parameters())
    with _GpuPeaks() if on_gpu else AllocatorPeaks(weights + moments + frozen) as peaks:
        whole_step(module, optimizer, batch, settings.micro_batches, clip, autocast, in_phase=peaks)
    kept = found.peaks["forward"] | {"gradients": found.peaks["optimiser step"]["gradients"]}
    return {
        "planned": {phase: sizes["total"] for phase, sizes in found.peaks.items()},
        "measured": peaks.peaks,
        "planned_kept": {name: kept[name] for name in KEPT},
        "measured_kept": {"weights": weights + frozen, "gradients": gradients, "optimiser": moments},
    }


def make_model(shape: str, directory: Path) -> str:
    """A directory with random weights of a shape; "tiny" is the embedded reasoner."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from emlit.plan.shapes import published_config

    if shape == "tiny":
        return shape
    settings = dict(RANDOM.get(shape, {}))
    config = AutoConfig.for_model(settings.pop("model_type"), **settings) if settings else published_config(shape)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(directory / shape)
    return str(directory / shape)


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--shapes", nargs="+", default=["tiny", *RANDOM], help="tiny, 26M, 21M, tied, or a published one"
    )
    options.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    options.add_argument("--tokens", type=int, default=256, help="of each of four rows, prompt and completion")
    options.add_argument("--autocast", action="store_true", help="trainer.precision bf16-mixed")
    options.add_argument("--given", help="run a case here and print JSON")
    arguments: argparse.Namespace = options.parse_args()
    if arguments.given:
        print_json(lambda: measure(json.loads(arguments.given)))
        return
    if arguments.smoke:
        arguments.shapes, arguments.cases = ["tiny"], ["EM-FT", "EM-RL, LoRA"]
    for shape in arguments.shapes:
        rows = []
        with tempfile.TemporaryDirectory() as directory:
            model = make_model(shape, Path(directory))
            for case in arguments.cases:
                given = json.dumps(arguments_of(case, model, arguments.tokens, arguments.autocast))
                found = in_own_process("benchmarks.plan_memory", "--given", given)
                cells = []
                for phase, size in found["measured"].items():
                    cells += [f"{found['planned'][phase] / MIB:.1f}", f"{size / MIB:.1f}"]
                ratio = max(found["planned"].values()) / max(found["measured"].values())
                rows.append([case, *cells, f"{ratio:.3f}"])
        header = [
            "MiB, planned and measured",
            "forward",
            "",
            "backward",
            "",
            "optimiser step",
            "",
            "planned peak / measured",
        ]
        print(f"{shape}, 4 rows of {arguments.tokens} tokens in a micro-batch\n\n{table(header, rows)}\n")
    print(environment())


if __name__ == "__main__":
    main()
