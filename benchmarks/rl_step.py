"""One optimiser step of EM-RL beside TRL's RLOO and GRPO, and of EM-FT beside the one-shot-EM loop.

    python -m benchmarks.rl_step                 the tiny reasoner, then 2 layers of Qwen2.5-0.5B with its vocabulary
    python -m benchmarks.rl_step --pretrained FILE.gguf    a real model, its weights whole

The same model, prompts, samples, lengths, threads and learning rate on every side, no KL term, float32; the two sides
take turns, each in a process of its own. TRL lives in a virtual environment that this makes (`--trl_venv`).
"""

import argparse
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import (
    GIB,
    environment,
    in_own_process,
    measured,
    median,
    parser,
    print_json,
    table,
)
from benchmarks.step_model import make_model

SIDES = {
    "emlit EM-RL": ("emlit", "em_rl", "transformers"),
    "TRL RLOO": ("trl", "rloo", "transformers"),
    "TRL GRPO": ("trl", "grpo", "transformers"),
    "emlit EM-RL, torch.compile": ("emlit", "em_rl_compiled", "transformers"),
    "emlit EM-RL, vLLM": ("emlit", "em_rl", "vllm"),
    "emlit EM-RL, vLLM, a round ahead": ("emlit", "em_rl_ahead", "vllm"),
    "emlit EM-FT": ("emlit", "em_ft", "transformers"),
    "emlit EM-RL, made-up completions": ("emlit", "em_rl", "made up"),
    "one-shot-EM loop": ("emlit", "one_shot_em", "transformers"),
}


def run_emlit(arguments: argparse.Namespace, method: str, engine: str) -> dict[str, Any]:
    """Seconds of each step and peak memory of `fit`, with the callbacks that the command line has."""
    import lightning as L
    from lightning.pytorch.loggers import TensorBoardLogger

    from benchmarks.clock import StepClock
    from benchmarks.made_up import MadeUp
    from emlit import callbacks
    from emlit.engines import Sampling, TransformersEngine, VLLMEngine
    from emlit.losses import Reinforce, TruncatedImportanceSampling
    from emlit.modules import EMFT, EMRL
    from emlit.rollout import RolloutDataModule
    from emlit.tasks import TinyArithmetic

    for noisy in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    L.seed_everything(0, verbose=False)
    clock = StepClock()
    engines = {"vllm": VLLMEngine, "transformers": lambda: TransformersEngine(batch_size=4096), "made up": MadeUp}

    def fit() -> None:
        options = {"pretrained": arguments.model, "learning_rate": 1e-6, "kl_weight": 0.0}
        samples = 1 if method == "em_ft" else arguments.samples
        ahead = method == "em_rl_ahead"
        gap = 1e9 if engine == "made up" else None
        if method == "em_ft":
            module = EMFT(**options)
        else:
            update = TruncatedImportanceSampling() if ahead else Reinforce()
            module = EMRL(**options, policy_update=update, torch_compile=method == "em_rl_compiled")
        data = RolloutDataModule(
            train=TinyArithmetic("train", n=512),
            engine=engines[engine](),
            sampling=Sampling(max_tokens=arguments.tokens),
            prompts_per_round=arguments.prompts * arguments.samples // samples,
            samples_per_prompt=samples,
            micro_batch_prompts=arguments.micro_batch_prompts,
            rounds_ahead=int(ahead),
        )
        with tempfile.TemporaryDirectory() as directory:
            trainer = L.Trainer(
                max_steps=arguments.steps, accelerator="auto", devices=1, enable_progress_bar=False,
                enable_model_summary=False, enable_checkpointing=False, num_sanity_val_steps=0, limit_val_batches=0,
                logger=TensorBoardLogger(directory), log_every_n_steps=1, gradient_clip_val=1.0,
                callbacks=[callbacks.SkipNonFinite(), callbacks.WeightSync(gap), callbacks.EntropyCurves(), clock],
            )  # fmt: skip
            trainer.fit(module, datamodule=data)

    return {**measured(fit), "steps": clock.steps, "length": clock.mean_length}


def run_one_shot_em(arguments: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.references import OneShotEM

    found: dict[str, Any] = {}

    def loop() -> None:
        found.update(
            OneShotEM(arguments.model, arguments.tokens).run(arguments.steps, arguments.prompts * arguments.samples)
        )

    return {**measured(loop), **found}


def child(arguments: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(arguments.threads)
    _, method, engine = SIDES[arguments.side]
    return run_one_shot_em(arguments) if method == "one_shot_em" else run_emlit(arguments, method, engine)


def trl_python(venv: Path) -> str:
    """The interpreter of TRL's environment, made where it is not there yet."""
    python = venv / "bin" / "python"
    if not python.exists():
        print(f"installing TRL into {venv} (a minute or two)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        release = torch.__version__.split("+")[0]
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"torch=={release}", "trl"], check=True)
    return str(python.absolute())


def one(side: str, model: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One run of one side: its steps but the first, which warms up, in means."""
    home, method, _ = SIDES[side]
    names = ("prompts", "samples", "tokens", "steps", "threads")
    sizes = ["--model", model, *(f"--{name}={getattr(arguments, name)}" for name in names)]
    if home == "trl":
        python = trl_python(arguments.trl_venv)
        found = in_own_process("benchmarks.trl_step", "--trainer", method, *sizes, python=python)
    else:
        if arguments.micro_batch_prompts:
            sizes.append(f"--micro_batch_prompts={arguments.micro_batch_prompts}")
        found = in_own_process("benchmarks.rl_step", "--side", side, *sizes)
    steps = found["steps"][1:] or found["steps"]
    mean = {name: sum(step[name] for step in steps) / len(steps) for name in steps[0]}
    return {**mean, "peak": found["peak"], "length": found["length"]}


def compare(title: str, sides: list[str], model: str, arguments: argparse.Namespace) -> str:
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for _ in range(arguments.repeats):
        for side in sides:
            runs[side].append(one(side, model, arguments))
    rows = []
    for side in sides:
        mean = {name: median(run[name] for run in runs[side]) for name in runs[side][0]}
        rate = arguments.prompts * arguments.samples / mean["step"]
        ratio = median(first["step"] / run["step"] for first, run in zip(runs[sides[0]], runs[side], strict=True))
        other = mean["step"] - mean["generate"] - mean["forward_backward"]
        rows.append(
            [side, f"{mean['step']:.2f}", f"{mean['generate']:.2f}", f"{mean['forward_backward']:.2f}",
             f"{mean['sync']:.3f}", f"{other - mean['sync']:.3f}", f"{other / mean['step']:.1%}", f"{rate:.1f}",
             f"{ratio:.2f}x", f"{mean['peak'] / GIB:.2f}", f"{mean['length']:.1f}"]
        )  # fmt: skip
    header = ["seconds a step", "whole", "generate", "forward-backward", "sync", "rest", "outside of both", "samples/s"]
    header += [f"speed, {sides[0]} = 1", "peak, GiB", "mean length"]
    size = f"{arguments.prompts} prompts x {arguments.samples}, at most {arguments.tokens} tokens"
    how = f"{arguments.threads} threads, median of {arguments.repeats} runs of {arguments.steps} steps"
    return f"{title}: {size}, {how}\n\n{table(header, rows)}"


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--prompts", type=int, default=None, help="in a step")
    arguments_of.add_argument("--samples", type=int, default=4, help="of each prompt")
    arguments_of.add_argument("--tokens", type=int, default=None, help="of a completion at most")
    arguments_of.add_argument("--steps", type=int, default=None, help="of a run; the first warms up")
    arguments_of.add_argument("--threads", type=int, default=None)
    arguments_of.add_argument("--repeats", type=int, default=3)
    arguments_of.add_argument("--vocabulary", type=int, default=151_936, help="of the wide model")
    arguments_of.add_argument("--sizes", nargs="+", choices=["tiny", "wide"], default=["tiny", "wide"])
    arguments_of.add_argument("--pretrained", help="this model in place of the sizes")
    arguments_of.add_argument("--sides", nargs="+", choices=list(SIDES), default=None)
    arguments_of.add_argument("--micro_batch_prompts", type=int, help="of emlit's; the whole step unless given")
    arguments_of.add_argument("--trl_venv", type=Path, default=Path("runs/benchmark/trl-venv"))
    arguments_of.add_argument("--side", choices=list(SIDES), help="run one here and print JSON")
    arguments_of.add_argument("--model", help="of --side")
    arguments = arguments_of.parse_args()
    if arguments.side:
        print_json(lambda: child(arguments))
        return
    defaults = {
        "tiny": {"prompts": 32, "tokens": 48, "steps": 8, "threads": 1},
        "wide": {"prompts": 8, "tokens": 64, "steps": 3, "threads": 2},
        "real": {"prompts": 16, "tokens": 64, "steps": 3, "threads": 2},
    }
    if arguments.smoke:
        arguments.sizes, arguments.repeats, arguments.vocabulary = ["tiny"], 1, 1000
        arguments.sides = arguments.sides or ["emlit EM-RL", "emlit EM-FT", "one-shot-EM loop"]
        defaults["tiny"] = {"prompts": 2, "tokens": 8, "steps": 2, "threads": 1}
        defaults["wide"] = defaults["tiny"]
    asked = {name: getattr(arguments, name) for name in defaults["tiny"]}
    with tempfile.TemporaryDirectory() as directory:
        sizes = ["real"] if arguments.pretrained else arguments.sizes
        for size in sizes:
            chosen = {name: default if asked[name] is None else asked[name] for name, default in defaults[size].items()}
            vars(arguments).update(chosen)
            model = Path(directory) / size
            make_model(model, size, arguments)
            titles = {"tiny": "The tiny reasoner", "wide": f"2 layers of width 896, V = {arguments.vocabulary}"}
            title = titles.get(size, Path(arguments.pretrained or "").name)
            sides = arguments.sides or [side for side, (_, _, engine) in SIDES.items() if engine != "made up"]
            print(compare(title, sides, str(model), arguments) + "\n")
    print(environment())


if __name__ == "__main__":
    main()
