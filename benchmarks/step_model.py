"""The model and prompts whose steps `rl_step` and `step_cost` time."""

import argparse
import json
import os
import shutil
from pathlib import Path

import torch

from benchmarks.measure import QWEN2_5_0_5B


def make_model(directory: Path, size: str, arguments: argparse.Namespace, positions: int = 4096) -> None:
    """A model's directory with prompts.json: the tiny reasoner, a wide one of random weights, or a real one."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from emlit.pretrained import load_tokenizer, resolve
    from emlit.rollout import render
    from emlit.tasks import TinyArithmetic
    from emlit.tiny import MODEL_DIR

    source = Path(resolve(arguments.pretrained if size == "real" else "tiny"))
    shutil.copytree(source, directory, dirs_exist_ok=True, copy_function=os.symlink if size == "real" else shutil.copy2)
    tokenizer = load_tokenizer(str(source))
    prompts = [tokenizer.decode(prompt.tokens) for prompt in render(TinyArithmetic("train", n=512), tokenizer, 200)]
    (directory / "prompts.json").write_text(json.dumps(prompts))
    if size == "wide":
        torch.manual_seed(0)
        own = json.loads((MODEL_DIR / "config.json").read_text())
        ids = {key: own[key] for key in ("eos_token_id", "pad_token_id", "bos_token_id") if key in own}
        shape = {**QWEN2_5_0_5B, "max_position_embeddings": positions}
        config = Qwen2Config(vocab_size=arguments.vocabulary, num_hidden_layers=2, **shape, **ids)
        Qwen2ForCausalLM(config).save_pretrained(directory)
