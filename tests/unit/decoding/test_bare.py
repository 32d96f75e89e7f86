"""`pip install --no-deps emlit` beside torch alone brings EM-INF."""

import subprocess
import sys

PROGRAM = """
import sys

class TorchAlone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {others}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, TorchAlone())
import torch
from emlit.decoding import AdaptiveTemperature, EntropyMinimization, minimize_entropy

logits = torch.tensor([[2.0, 1.0, 0.5, 0.0]])
assert minimize_entropy(logits).softmax(1).max() > logits.softmax(1).max()
"""


def test_decodings_need_torch_alone():
    others = {
        "lightning", "transformers", "torchmetrics", "jsonargparse", "datasets", "math_verify", "matplotlib", "rich",
        "safetensors", "tensorboard", "aiohttp", "vllm", "yaml",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", PROGRAM.replace("{others}", repr(others))], check=True)
