"""What LoRA saves: gradients, optimiser state, checkpoint and peak memory of a training step, with and without it.

    python -m benchmarks.lora_memory             2 layers of Qwen2.5-0.5B with its vocabulary, random weights

Each side in a process of its own, float32, one step on the same made-up completions, no engine. EM-RL has a KL term,
whose start is a second copy of the model without LoRA, and with it the base with its adapters off.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import QWEN2_5_0_5B, environment, in_own_process, measured, parser, print_json, table

MIB = 2**20
SIDES = {"EM-FT": (0.0, False), "EM-FT, LoRA": (0.0, True), "EM-RL": (0.001, False), "EM-RL, LoRA": (0.001, True)}


def child(arguments: argparse.Namespace) -> dict[str, Any]:
    """Bytes of one side: of what trains, its gradients and AdamW's state, a checkpoint's weights, and the peak."""
    from emlit.modules import EMFT, EMRL, LoRA
    from emlit.plan.step import made_up_batch, without_trainer

    kl_weight, adapted = SIDES[arguments.side]
    torch.manual_seed(0)
    batch = made_up_batch(arguments.rows, 4, 3, arguments.tokens)
    kind = EMRL if kl_weight else EMFT
    module = kind(pretrained=arguments.model, kl_weight=kl_weight, lora=LoRA(r=arguments.r) if adapted else None)
    without_trainer(module)
    found: dict[str, Any] = {}

    def step() -> None:
        module.configure_model()
        optimizer = module.configure_optimizers()["optimizer"]
        module.training_step(batch).backward()
        optimizer.step()
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        states = [value for state in optimizer.state.values() for value in state.values()]
        checkpoint = {"state_dict": module.state_dict()}
        module.on_save_checkpoint(checkpoint)
        # A tied weight is listed under both of its names and stored once.
        stored = {value.untyped_storage().data_ptr(): value for value in checkpoint["state_dict"].values()}
        found.update(
            trained=sum(parameter.numel() for parameter in trained),
            gradients=sum(parameter.grad.nbytes for parameter in module.parameters() if parameter.grad is not None),
            optimiser=sum(value.nbytes for value in states),
            checkpoint=sum(value.nbytes for value in stored.values()),
        )

    return {**measured(step), **found}


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--r", type=int, default=16)
    arguments_of.add_argument("--rows", type=int, default=8, help="completions, a multiple of 4")
    arguments_of.add_argument("--tokens", type=int, default=64, help="of each completion")
    arguments_of.add_argument("--vocabulary", type=int, default=151_936)
    arguments_of.add_argument("--side", choices=list(SIDES), help="run one here and print JSON")
    arguments_of.add_argument("--model", help="of --side")
    arguments = arguments_of.parse_args()
    if arguments.side:
        print_json(lambda: child(arguments))
        return
    if arguments.smoke:
        arguments.vocabulary, arguments.rows, arguments.tokens = 1000, 4, 4
    from transformers import Qwen2Config, Qwen2ForCausalLM

    rows = []
    with tempfile.TemporaryDirectory() as directory:
        model = Path(directory) / "model"
        torch.manual_seed(0)
        config = Qwen2Config(vocab_size=arguments.vocabulary, num_hidden_layers=2, **QWEN2_5_0_5B)
        Qwen2ForCausalLM(config).save_pretrained(model)
        sizes = [f"--{name}={getattr(arguments, name)}" for name in ("r", "rows", "tokens")]
        for side in SIDES:
            found = in_own_process("benchmarks.lora_memory", "--side", side, "--model", str(model), *sizes)
            cells = [f"{found[name] / MIB:.1f}" for name in ("gradients", "optimiser", "checkpoint", "peak")]
            rows.append([side, f"{found['trained']:,}", *cells])
    header = ["", "parameters that train", "gradients, MiB", "AdamW, MiB", "checkpoint's weights, MiB", "peak, MiB"]
    size = f"{arguments.rows} completions of {arguments.tokens} tokens"
    print(f"2 layers of width 896, V = {arguments.vocabulary}, r = {arguments.r}, {size}\n\n{table(header, rows)}\n")
    print(environment())


if __name__ == "__main__":
    main()
