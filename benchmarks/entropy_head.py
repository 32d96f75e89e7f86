"""The entropy head, forward and backward: whole logits, entropy in chunks under autograd, and emlit's tiles.

    python -m benchmarks.entropy_head

Hidden states (M, D) and a head (V, D) with gradients for both; every case in a process of its own, the cases in turn.
"""

import json

import torch
from torch import Tensor

from benchmarks.measure import GIB, environment, in_own_process, limit_memory, measured, median, parser, table
from emlit.functional import linear_entropy_loss, linear_token_stats

Inputs = tuple[Tensor, Tensor, Tensor]


def whole_logits(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """One log-softmax of all logits."""
    logprobs = torch.log_softmax(hidden @ weight.t(), dim=-1, dtype=torch.float32)
    return logprobs.gather(1, targets.unsqueeze(1)).squeeze(1), -(logprobs.exp() * logprobs).sum(-1)


def entropy_in_chunks(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """As TRL computes both, here with a gradient: log-sum-exp row by row, entropy 128 rows at a time, all from whole
    logits."""
    logits = hidden @ weight.t()
    if logits.dtype in (torch.float32, torch.float64):
        lse = torch.stack([torch.logsumexp(row, dim=-1) for row in logits])
        logprob = logits.gather(1, targets.unsqueeze(1)).squeeze(1) - lse
    else:
        rows = zip(logits, targets, strict=True)
        logprob = torch.stack([torch.log_softmax(row, dim=-1)[target] for row, target in rows])
    entropies = []
    for chunk in logits.split(128):
        logprobs = torch.log_softmax(chunk, dim=-1)
        entropies.append(-(logprobs.exp() * logprobs).sum(-1))
    return logprob, torch.cat(entropies)


def tiles(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    return linear_token_stats(hidden, weight, targets)


def gradient_in_forward(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """EM-FT: the weights of the entropies are known."""
    loss, _ = linear_entropy_loss(hidden, weight, targets, torch.full_like(targets, 1, dtype=torch.float32))
    return loss * 0, loss


def liger(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    from emlit.policy.liger import liger_token_stats

    return liger_token_stats(hidden, weight, targets, 1.0)


def bare_products(hidden: Tensor, weight: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The three matrix products alone: logits, and both gradients."""
    total = (hidden @ weight.t()).sum()
    return total, total


CASES = {
    "whole logits": whole_logits,
    "entropy in chunks (TRL's way)": entropy_in_chunks,
    "linear_token_stats": tiles,
    "linear_entropy_loss": gradient_in_forward,
    "Liger": liger,
    "three bare matrix products": bare_products,
}


def run_case(name: str, m: int, d: int, v: int, dtype: torch.dtype) -> dict[str, float]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(0)

    def inputs(rows: int) -> Inputs:
        hidden = torch.randn(rows, d, generator=generator).to(device, dtype).requires_grad_()
        weight = (torch.randn(v, d, generator=generator) / d**0.5 * 2).to(device, dtype).requires_grad_()
        return hidden, weight, torch.randint(v, (rows,), generator=generator).to(device)

    def step(hidden: Tensor, weight: Tensor, targets: Tensor) -> None:
        logprob, entropy = CASES[name](hidden, weight, targets)
        (logprob.sum() + 0.5 * entropy.sum()).backward()

    given = inputs(m)
    step(given[0][:16], *(given[1].detach().requires_grad_(), given[2][:16]))  # starts threads, compiles kernels
    given[0].grad = None
    limit_memory()
    try:
        return measured(lambda: step(*given))
    except (RuntimeError, MemoryError) as error:
        if "memory" not in str(error) and not isinstance(error, MemoryError):
            raise
        return {"seconds": float("nan"), "peak": float("nan")}


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--tokens", type=int, nargs="+", default=[512, 2048, 8192], help="M")
    arguments_of.add_argument("--vocabulary", type=int, default=151_936, help="V")
    arguments_of.add_argument("--width", type=int, default=896, help="D")
    arguments_of.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    arguments_of.add_argument("--repeats", type=int, default=3, help="of each case; the median is printed")
    arguments_of.add_argument("--cases", nargs="+", choices=list(CASES), default=None)
    arguments_of.add_argument("--case", choices=list(CASES), help="run one case here and print JSON")
    arguments = arguments_of.parse_args()
    if arguments.smoke:
        arguments.tokens, arguments.vocabulary, arguments.width, arguments.repeats = [64], 5000, 32, 1
    shape = arguments.width, arguments.vocabulary, getattr(torch, arguments.dtype)
    if arguments.case:
        print(json.dumps(run_case(arguments.case, arguments.tokens[0], *shape)))
        return
    cases = arguments.cases or [name for name in CASES if name != "Liger" or torch.cuda.is_available()]
    rows = []
    for m in arguments.tokens:
        found: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
        for _ in range(arguments.repeats):
            for name in cases:
                own = ["--case", name, "--tokens", str(m), "--width", str(arguments.width)]
                own += ["--vocabulary", str(arguments.vocabulary), "--dtype", arguments.dtype]
                found[name].append(in_own_process("benchmarks.entropy_head", *own))
        first = found[cases[0]]
        for name in cases:
            seconds, peak = (median(run[key] for run in found[name]) for key in ("seconds", "peak"))
            relative = [
                median(run[key] / other[key] for run, other in zip(found[name], first, strict=True))
                for key in ("seconds", "peak")
            ]
            row = [str(m), name, f"{peak / GIB:.2f}", f"{relative[1]:.1%}", f"{seconds:.2f}", f"{relative[0]:.2f}"]
            rows.append([cell if "nan" not in cell else "out of memory" for cell in row])
    print(f"V = {arguments.vocabulary}, D = {arguments.width}, {arguments.dtype}; median of {arguments.repeats}\n")
    print(table(["M", "", "peak over the inputs, GiB", "of whole logits", "seconds", "of whole logits"], rows))
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
