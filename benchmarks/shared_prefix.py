"""One micro-batch of EM-FT whose rows begin with the same solved examples, forwarded once and row by row.

    python -m benchmarks.shared_prefix --pretrained MODEL

Forward and backward of 8 rows: so many tokens that all share, 50 of each row's own, 10 that are scored.
"""

import time
from typing import Any

import torch

from benchmarks.measure import environment, parser, table
from emlit import pretrained
from emlit.functional import Normaliser
from emlit.modules import EMFT
from emlit.plan.step import without_trainer
from emlit.records import Completion, Group, Prompt, RolloutBatch, Row
from emlit.rollout import collate
from emlit.tasks import TinyArithmetic

OWN, SCORED = 50, 10


def made_up(rows: int, shared: int) -> RolloutBatch:
    """A row a prompt; ids that every vocabulary has."""
    task = TinyArithmetic("train", n=1)
    prefix = [2 + place % 200 for place in range(shared)]
    groups = [
        Group(
            Prompt(task, Row(id=str(row), prompt="p", answer="1"), prefix + [2 + (row + n) % 200 for n in range(OWN)]),
            [Completion([2 + n for n in range(SCORED)], [-1.0] * SCORED, "length")],
            [""],
        )
        for row in range(rows)
    ]
    whole = Normaliser(float(rows * SCORED), float(rows))
    return collate(groups, 0, whole, temperature=1.0, filtered=False, round=0, weights_version=0, samples_per_prompt=1)


def seconds(module: EMFT, batch: RolloutBatch, sharing: bool | None) -> tuple[float, torch.Tensor]:
    """Of one forward and backward pass, and its gradient."""
    module.scorer.sharing = sharing
    module.zero_grad()
    start = time.perf_counter()
    module.training_step(batch).backward()
    taken = time.perf_counter() - start
    grads = [each.grad.flatten() for each in module.model.parameters() if each.grad is not None]
    return taken, torch.cat(grads)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--pretrained", default="tiny")
    arguments = arguments_of.parse_args()
    module: Any = EMFT(pretrained=arguments.pretrained)
    module.model = pretrained.load_model(pretrained.resolve(arguments.pretrained))
    without_trainer(module)
    rows = []
    for shared in (50,) if arguments.smoke else (50, 200):
        batch = made_up(8, shared)
        seconds(module, batch, None)
        pairs = [
            (seconds(module, batch, None), seconds(module, batch, False)) for _ in range(1 if arguments.smoke else 2)
        ]
        (once, found), (each, expected) = min(pairs, key=lambda pair: pair[0][0])
        apart = float((found - expected).norm() / expected.norm())
        rows.append([str(shared), f"{once:.2f}", f"{each:.2f}", f"{each / once:.2f}", f"{apart:.0e}"])
    print(environment())
    print(table(["shared tokens", "once, s", "row by row, s", "ratio", "gradients apart by"], rows))


if __name__ == "__main__":
    main()
