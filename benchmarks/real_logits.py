"""Logits of a real model in a small file: of each row, sorted, those at 512 ranks that lie ever further apart.

    python -m benchmarks.real_logits --pretrained MODEL     writes real_logits.npz anew

The rows are next-token distributions of above 0.3 nats from chat answers, drawn at temperature 1. Made whole again, a
row has straight lines between these, and its logits at places drawn at random.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.measure import parser
from emlit import pretrained

FILE = Path(__file__).with_suffix(".npz")
_RANKS, _ROWS = 512, 32
_QUESTIONS = (
    "What does a binary search do?", "Tell me a short story about a lighthouse.", "Why is the sky blue?",
    "Name three ways to sort a list.", "How many apples are left of 12 when 5 are eaten?", "Who was Ada Lovelace?",
)  # fmt: skip


def _ranks(vocabulary: int) -> np.ndarray:
    return np.unique(np.geomspace(1, vocabulary, _RANKS).round()) - 1


def recorded(rows: int = _ROWS) -> Tensor:
    """(rows, V) float32, at most as many as were recorded."""
    with np.load(FILE) as kept:
        logits, vocabulary = kept["logits"][:rows].astype(np.float32), int(kept["vocabulary"])
    draw, every = np.random.default_rng(0), np.arange(vocabulary)
    whole = [draw.permutation(np.interp(every, _ranks(vocabulary), row)) for row in logits]
    return torch.from_numpy(np.stack(whole).astype(np.float32))


@torch.inference_mode()
def rows_of(name: str) -> Tensor:
    """(_ROWS, V) float32, out of answers of 64 tokens."""
    torch.manual_seed(0)
    name = pretrained.resolve(name)
    model, tokenizer = pretrained.load_model(name), pretrained.load_tokenizer(name)
    found: list[Tensor] = []
    for question in _QUESTIONS:
        chat = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        drawn = model.generate(
            **prompt, do_sample=True, top_k=0, max_new_tokens=64, output_logits=True, return_dict_in_generate=True
        )
        logits = torch.cat(drawn.logits).float()
        logp = logits.log_softmax(-1)
        found.append(logits[-(logp.exp() * logp).sum(-1) > 0.3])
    return torch.cat(found)[:_ROWS]


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--pretrained", required=True)
    rows = rows_of(arguments_of.parse_args().pretrained).sort(dim=1, descending=True).values.numpy()
    kept = rows[:, _ranks(rows.shape[1]).astype(int)].astype(np.float16)
    np.savez_compressed(FILE, logits=kept, vocabulary=rows.shape[1])
    entropies = [
        float(torch.distributions.Categorical(logits=each).entropy().mean())
        for each in (torch.from_numpy(rows), recorded())
    ]
    print(f"mean entropy {entropies[0]:.3f} nats, of the rows made whole again {entropies[1]:.3f}")
    print(f"{len(rows)} rows, {FILE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
