"""One micro-batch of EM-FT whose completions are of uneven lengths, forwarded without padding and with it.

    python -m benchmarks.packing --pretrained MODEL

Forward and backward of 16 rows: 40 tokens of a prompt that no other row has, and a completion of 8 tokens up to
--longest, lengths drawn evenly.
"""

import random
from typing import Any

from benchmarks.measure import environment, parser, table
from benchmarks.shared_prefix import seconds
from emlit import pretrained
from emlit.functional import Normaliser
from emlit.modules import EMFT
from emlit.plan.step import without_trainer
from emlit.records import Completion, Group, Prompt, RolloutBatch, Row
from emlit.rollout import collate
from emlit.tasks import TinyArithmetic

ROWS, PROMPT = 16, 40


def made_up(longest: int) -> RolloutBatch:
    """A row a prompt; ids that every vocabulary has."""
    task, draw = TinyArithmetic("train", n=1), random.Random(0)
    groups = []
    for row in range(ROWS):
        length = draw.randint(8, longest)
        prompt = Prompt(
            task, Row(id=str(row), prompt="p", answer="1"), [2 + draw.randrange(200) for _ in range(PROMPT)]
        )
        completion = Completion([2 + draw.randrange(200) for _ in range(length)], [-1.0] * length, "length")
        groups.append(Group(prompt, [completion], [""]))
    tokens = sum(len(group.completions[0].tokens) for group in groups)
    whole = Normaliser(float(tokens), float(ROWS))
    return collate(groups, 0, whole, temperature=1.0, filtered=False, round=0, weights_version=0, samples_per_prompt=1)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--pretrained", default="tiny")
    arguments_of.add_argument("--longest", type=int, nargs="+", default=[64, 256])
    arguments = arguments_of.parse_args()
    module: Any = EMFT(pretrained=arguments.pretrained)
    module.model = pretrained.load_model(pretrained.resolve(arguments.pretrained))
    without_trainer(module)
    rows = []
    for longest in arguments.longest[:1] if arguments.smoke else arguments.longest:
        batch = made_up(longest)
        share = 1 - (batch.completion_mask.sum() + ROWS * PROMPT) / batch.tokens.numel()
        pairs = []
        for _ in range(1 if arguments.smoke else 3):
            module.scorer.packing = None
            packed = seconds(module, batch, False)
            module.scorer.packing = False
            pairs.append((packed, seconds(module, batch, False)))
        (once, found), (each, expected) = min(pairs, key=lambda pair: pair[0][0])
        apart = float((found - expected).norm() / expected.norm())
        rows.append([str(longest), f"{share:.0%}", f"{once:.2f}", f"{each:.2f}", f"{each / once:.2f}", f"{apart:.0e}"])
    print(environment())
    print(table(["longest", "padding", "packed, s", "padded, s", "ratio", "gradients apart by"], rows))


if __name__ == "__main__":
    main()
