"""What only a GPU can settle, in a few minutes: python -m benchmarks.gpu_check

Needs torch, lightning and transformers. What needs vLLM, or a GPU, is skipped with a line. Each check is a line of the
table with what it found; the last line says how many failed, and the exit status is 1 where any did.
"""

import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from benchmarks.measure import MIB, environment, measured, parser, table

ON_GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_GPU else "cpu")
Found = tuple[bool | None, str]  # whether it is as it should be (None: skipped), and what was seen


def finished() -> None:
    if ON_GPU:
        torch.cuda.synchronize()


def milliseconds(call: Callable[[], Any], repeats: int = 5) -> float:
    finished()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    finished()
    return (time.perf_counter() - start) / repeats * 1e3


@contextlib.contextmanager
def no_waiting() -> Iterator[None]:
    """On a GPU: RuntimeError at whatever makes the host wait."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def workspaces(smoke: bool) -> Found:
    """A captured product replayed after Lightning's clearing, with what it freed in use: is that still what it was?"""
    if not ON_GPU:
        return None, "needs a GPU"
    from lightning.fabric.accelerators.cuda import _clear_cuda_memory

    seen = {}
    for name, clear in (("empty_cache", torch.cuda.empty_cache), ("Lightning's own", _clear_cuda_memory)):
        # Tall and thin, so that cuBLAS splits the long dimension and needs its workspace.
        left = torch.randn(64, 65536, device=DEVICE, dtype=torch.bfloat16)
        right = torch.randn(65536, 64, device=DEVICE, dtype=torch.bfloat16)
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            expected = left @ right  # the workspace comes from the ordinary allocator, as in vLLM's warm-up
            stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream):
                result = left @ right
        finished()
        clear()
        taken = [torch.full((16 * MIB,), 1.0, device=DEVICE) for _ in range(8)]
        graph.replay()
        finished()
        whole = all(bool((each == 1).all()) for each in taken)
        seen[name] = whole and torch.allclose(result, expected, rtol=2e-2, atol=1.0)
    told = ", ".join(f"{name}: {'intact' if fine else 'overwritten'}" for name, fine in seen.items())
    return seen["empty_cache"], told


def head(smoke: bool) -> Found:
    """Both heads in bfloat16 against whole logits of the same operands in float32, and their time in products."""
    from emlit.functional import linear_entropy_loss, linear_token_stats, token_stats

    m, v, d = (64, 1000, 32) if smoke else (6144, 151936, 1536)
    torch.manual_seed(0)
    hidden = torch.randn(m, d, device=DEVICE)
    weight = (torch.randn(v, d, device=DEVICE) / d**0.5 * 2).requires_grad_()
    targets = torch.randint(v, (m,), device=DEVICE)
    weights = torch.full((m,), 1 / m, device=DEVICE)

    def stats() -> Tensor:
        weight.grad = None
        with torch.autocast(DEVICE.type, torch.bfloat16):
            found = linear_token_stats(hidden, weight, targets)
        found.entropy.mean().backward()
        return found.entropy.detach()

    def loss() -> Tensor:
        weight.grad = None
        with torch.autocast(DEVICE.type, torch.bfloat16):
            total, found = linear_entropy_loss(hidden, weight, targets, weights)
        total.backward()
        return found.entropy

    some = slice(0, min(m, 512))
    operands = (hidden[some], weight.detach()) if not ON_GPU else (hidden[some].bfloat16(), weight.detach().bfloat16())
    exact = token_stats(operands[0].float() @ operands[1].float().t(), targets[some]).entropy
    gap = max((call()[some] - exact).abs().max().item() for call in (stats, loss))
    gradients = [(call(), weight.grad.clone())[1] for call in (stats, loss)]
    apart = ((gradients[0] - gradients[1]).norm() / gradients[0].norm()).item()
    left, right = hidden.bfloat16(), weight.detach().bfloat16()
    product = milliseconds(lambda: left[: m // 4] @ right.t()) * 4
    times = [milliseconds(call, 2 if smoke else 3) for call in (stats, loss)]
    peak = measured(loss)["peak"] / MIB
    told = (
        f"entropies off by {gap:.1e} nats, gradients apart by {apart:.1e}; {times[0]:.1f} and {times[1]:.1f} ms, one "
        f"product {product:.1f} ms (4 and 3 are needed); peak of the second {peak:.0f} MiB"
    )
    return gap < 5e-3 and apart < 2e-2, told


def micro_batch(smoke: bool) -> Found:
    """Forward, loss, backward and callbacks of EM-FT and EM-RL, with the host made to fail where it would wait."""
    from emlit.callbacks.skip_non_finite import SkipNonFinite
    from emlit.callbacks.weight_sync import WeightSync
    from emlit.modules import EMFT, EMRL
    from emlit.plan.shapes import published_config
    from emlit.plan.step import made_up_batch, without_trainer

    times = []
    with tempfile.TemporaryDirectory() as folder:
        pretrained = "tiny"
        if not smoke:
            from transformers import AutoModelForCausalLM

            config = published_config("qwen2.5-1.5b")
            config.num_hidden_layers, config.layer_types = 4, config.layer_types[:4]
            AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
            pretrained = folder
        for kind in (EMFT, EMRL):
            module = kind(pretrained=pretrained)
            without_trainer(module, autocast=torch.bfloat16)
            module.configure_model()
            module.to(DEVICE)
            skip, sync = SkipNonFinite(), WeightSync()
            batch = made_up_batch(4, 4, 16, 32) if smoke else made_up_batch(4, 4, 512, 1536)

            def step(batch: Any = batch, module: Any = module, callbacks: Any = (skip, sync)) -> None:
                on_device = batch.to(DEVICE)
                with torch.autocast(DEVICE.type, torch.bfloat16):
                    loss = module.training_step(on_device)
                for callback in callbacks:
                    callback.on_before_backward(SimpleNamespace(global_step=0), module, loss)
                loss.backward()

            step()  # compiles, and tries once what the model does with its hidden states
            finished()
            with no_waiting() if ON_GPU else contextlib.nullcontext():
                step()
            times.append(f"{kind.__name__} {milliseconds(step, 2):.1f} ms")
    return True, ("without a wait: " if ON_GPU else "(waits are seen on a GPU alone) ") + ", ".join(times)


def decoding(smoke: bool) -> Found:
    """EM-INF and adaptive temperature on a batch of logits: the first call, later ones, and no wait in them."""
    from emlit.decoding import adaptive_temperature, minimize_entropy

    rows, v = (4, 1000) if smoke else (256, 151936)
    logits = torch.randn(rows, v, device=DEVICE) * 2
    softmax = milliseconds(lambda: logits.softmax(-1))
    told, waits = [], []
    for name, call in (("EM-INF", minimize_entropy), ("adaptive temperature", adaptive_temperature)):
        first = milliseconds(lambda call=call: call(logits), 1)
        if ON_GPU:
            try:
                with no_waiting():
                    call(logits)
            except RuntimeError:
                waits.append(name)
        later = milliseconds(lambda call=call: call(logits), 3)
        told.append(f"{name} {first:.0f} ms at first, then {later:.1f}")
    return not waits, f"{'; '.join(told)}; softmax {softmax:.1f}" + (f"; waits: {', '.join(waits)}" if waits else "")


def sleeping_engine(smoke: bool) -> Found:
    """Three rounds with vLLM in the process, asleep while it trains: the gaps say whether its weights arrive."""
    if not ON_GPU or importlib.util.find_spec("vllm") is None:
        return None, "needs a GPU with vLLM"
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "cli.py", "fit", "--config", "configs/tiny/em_rl_token.yaml", f"--run_dir={folder}/run",
             "--data.engine=VLLMEngine", "--data.engine.sleep=true", "--data.engine.gpu_memory_utilization=0.3",
             "--trainer.max_steps=3", "--sync.max_gap=0.05", "--guard.mode=off", "--summary.enabled=false"],
            capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        if done.returncode:
            return False, " ".join(done.stderr.split())[-300:]
        events = EventAccumulator(str(Path(folder) / "run/tensorboard"))
        events.Reload()
        gaps = [event.value for event in events.Scalars("sync/logprob_gap")]
    return len(gaps) == 3 and max(gaps) < 0.05, "gaps " + ", ".join(f"{gap:.1e}" for gap in gaps)


CHECKS = {
    "graphs after Lightning's clearing": workspaces,
    "head": head,
    "micro-batch": micro_batch,
    "decoding": decoding,
    "an engine that sleeps": sleeping_engine,
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--only", nargs="+", choices=list(CHECKS), default=list(CHECKS))
    arguments = options.parse_args()
    rows, failed = [], 0
    for name in arguments.only:
        try:
            fine, told = CHECKS[name](arguments.smoke or not ON_GPU)
        except Exception as error:  # a check that cannot run is one that failed; the others go on
            fine, told = False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        failed += fine is False
        rows.append([name, {True: "as it should be", False: "WRONG", None: "skipped"}[fine], told])
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(f"{table(['check', '', 'found'], rows)}\n\n{failed} failed; {environment()}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
