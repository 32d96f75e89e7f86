"""What it takes to hand the whole weights of a sharded model to an engine, tensor by tensor.

    python -m benchmarks.weight_streaming

Random weights in float32, gloo. Each process gathers every tensor in turn and lets go of it, as WeightSync does.
"""

import subprocess
import sys
import tempfile

import torch
import torch.distributed as distributed
from torch.distributed.device_mesh import init_device_mesh
from transformers import Qwen2Config, Qwen2ForCausalLM

from benchmarks.measure import environment, measured, parser, table
from emlit.parallel import Sharding, gathered
from emlit.policy.loading import load_policy
from emlit.policy.lora import merged_weights

CPU = torch.device("cpu")
MIB = 2**20


def stream(model: torch.nn.Module, keep: bool) -> None:
    """Gather each tensor, and keep them all or none."""
    kept = []
    for _, tensor in merged_weights(model):
        whole = gathered(tensor, CPU)
        kept += [whole] if keep else []
        del whole


def measure(path: str) -> None:
    """Print the table of one process group."""
    distributed.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (distributed.get_world_size(),))
    model = load_policy(path, "float32", sharding=Sharding(mesh, CPU))
    sizes = [tensor.numel() * 4 / MIB for tensor in model.state_dict().values()]
    rows = []
    for name, keep in (("tensor by tensor", False), ("all at once", True)):
        stream(model, False)  # gloo's own buffers come with the first
        distributed.barrier()
        found = measured(lambda keep=keep: stream(model, keep))
        rows.append(
            [name, f"{found['peak'] / MIB:.0f}", f"{max(sizes):.0f}", f"{sum(sizes):.0f}", f"{found['seconds']:.2f}"]
        )
    if distributed.get_rank() == 0:
        print(table(["gathered", "peak beyond the start, MiB", "largest tensor", "all tensors", "seconds"], rows))
        print(f"\n{distributed.get_world_size()} processes; {environment()}", flush=True)
    distributed.barrier()
    distributed.destroy_process_group()


def main(processes: int, hidden: int, layers: int) -> None:
    config = Qwen2Config(
        vocab_size=32_000, hidden_size=hidden, intermediate_size=4 * hidden, num_hidden_layers=layers,
        num_attention_heads=hidden // 64, num_key_value_heads=hidden // 64, tie_word_embeddings=False,
    )  # fmt: skip
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    with tempfile.TemporaryDirectory() as folder:
        Qwen2ForCausalLM(config).save_pretrained(folder)
        subprocess.run([*launcher, "-m", "benchmarks.weight_streaming", "--of", folder], check=True)


if __name__ == "__main__":
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--processes", type=int, default=2)
    arguments_of.add_argument("--hidden", type=int, default=1024)
    arguments_of.add_argument("--layers", type=int, default=12)
    arguments_of.add_argument("--of", help="a model's directory, in a process of the group")
    given = arguments_of.parse_args()
    if given.of:
        measure(given.of)
    elif given.smoke:
        main(2, 128, 2)
    else:
        main(given.processes, given.hidden, given.layers)
