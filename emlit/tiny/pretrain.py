"""How the tiny reasoner was made: `python -m emlit.tiny.pretrain` (about 11 minutes on 2 cores).

A Qwen2 of 0.5 M parameters learns from a seeded corpus (`emlit.tiny.corpus`) by ordinary next-token prediction on the
solutions. docs/tiny.md has what the result measures and which recipes failed.
"""

import argparse
import random
import tempfile
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch.utils.data import DataLoader, TensorDataset
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

from emlit.resilience.outputs import outlast_readers
from emlit.tiny.corpus import Mixture, solution
from emlit.tiny.problems import _PHRASE_WEIGHTS, PHRASES, Difficulty, draw_terms, evaluate, split_of

CONTEXT = 512
IGNORE = -100
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def corpus(n: int, seed: int, mix: Mixture) -> list[tuple[str, str]]:
    """`n` (question, solution) pairs from the expressions of the train split."""
    rng = random.Random(seed)
    pairs: list[tuple[str, str]] = []
    while len(pairs) < n:
        difficulty: Difficulty = "hard" if rng.random() < mix.hard_share else "default"
        terms = draw_terms(rng, difficulty)
        expression = "".join(map(str, terms))
        phrase = rng.choices(PHRASES, _PHRASE_WEIGHTS)[0]
        if split_of(expression) == "train":
            text = solution(terms, evaluate(*terms), phrase.startswith("Quick"), difficulty, mix, rng)
            pairs.append((phrase.format(expression), text))
    return pairs


def train_tokenizer(pairs: list[tuple[str, str]]) -> Qwen2Tokenizer:
    """Qwen2's byte-level BPE, digits apart, with few merges and its chat markup; any text in any script survives it."""
    base = Qwen2Tokenizer(eos_token="<|im_end|>", pad_token="<|endoftext|>", extra_special_tokens=["<|im_start|>"])
    roles = ["system\n", "user\n", "assistant\n"] * (len(pairs) // 4)
    texts = roles + [text for pair in pairs for text in pair]
    tokenizer = base.train_new_from_iterator(texts, vocab_size=352, show_progress=False)
    tokenizer.model_max_length = CONTEXT
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def encode(tokenizer: Qwen2Tokenizer, pairs: list[tuple[str, str]]) -> TensorDataset:
    """Right-padded token ids (n, T) and labels (n, T) that count the solution alone."""
    chats = [[{"role": "user", "content": question}] for question, _ in pairs]
    prompts = tokenizer(tokenizer.apply_chat_template(chats, add_generation_prompt=True, tokenize=False))["input_ids"]
    answers = tokenizer([text + tokenizer.eos_token for _, text in pairs])["input_ids"]
    width = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
    tokens = torch.full((len(pairs), width), tokenizer.pad_token_id)
    labels = torch.full((len(pairs), width), IGNORE)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        end = len(prompt) + len(answer)
        tokens[row, :end] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : end] = torch.tensor(answer)
    return TensorDataset(tokens.to(torch.int16), labels.to(torch.int16))


def build_model(tokenizer: Qwen2Tokenizer) -> Qwen2ForCausalLM:
    """0.5 M parameters; heads of 32, the smallest that vLLM's CPU attention knows."""
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config)


class Pretraining(L.LightningModule):
    """Next-token prediction with AdamW and one linear warm-up and decay."""

    def __init__(self, model: Qwen2ForCausalLM, steps: int, learning_rate: float) -> None:
        super().__init__()
        self.model, self.steps, self.learning_rate = model, steps, learning_rate

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        tokens, labels = batch[0].long(), batch[1].long()
        width = int((labels != IGNORE).any(dim=0).nonzero().max()) + 1
        hidden = self.model.model(tokens[:, : width - 1]).last_hidden_state
        targets = labels[:, 1:width]
        scored = targets != IGNORE
        loss = torch.nn.functional.cross_entropy(self.model.lm_head(hidden[scored]), targets[scored])
        if self.global_step % 100 == 0:
            print(f"step {self.global_step}/{self.steps}  loss {loss.item():.4f}", flush=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=self.steps, pct_start=0.05, anneal_strategy="linear"
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def pretrain(out: Path, steps: int = 2400, batch_size: int = 128, learning_rate: float = 3e-3, seed: int = 0) -> None:
    """Make the model, its tokenizer, chat template and generation config, and save them as a Hugging Face directory."""
    L.seed_everything(seed)
    pairs = corpus(steps * batch_size, seed, Mixture())
    tokenizer = train_tokenizer(pairs[:20_000])
    module = Pretraining(build_model(tokenizer).train(), steps, learning_rate)
    loader = DataLoader(encode(tokenizer, pairs), batch_size=batch_size, shuffle=True, drop_last=True)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = L.Trainer(
            max_steps=steps,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            default_root_dir=scratch,
            gradient_clip_val=1.0,
        )
        trainer.fit(module, loader)
    model = module.model.eval()
    model.generation_config = GenerationConfig(
        do_sample=True, temperature=1.0, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    outlast_readers()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/tiny/pretrained"), help="directory for the model")
    parser.add_argument("--steps", type=int, default=2400, help="optimiser steps of 128 solutions")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pretrain(arguments.out, steps=arguments.steps, seed=arguments.seed)
