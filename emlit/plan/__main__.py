"""What a config needs of hardware, before it is rented: `python -m emlit.plan --config FILE [--gpus N] [--gpu KIND]`.

Takes every argument that `python cli.py fit` takes, and those below; nothing is loaded but the model's config.json. The
memory is that of a step taken without holding it (a dry run).
"""

import argparse

from emlit.errors import ConfigError
from emlit.keys import unknown_key
from emlit.plan.gpus import GPUS
from emlit.plan.published import PUBLISHED
from emlit.resilience.endings import ends_in_a_sentence
from emlit.resilience.outputs import outlast_readers


def own_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m emlit.plan",
        description="Memory and time of a config on GPUs that need not be there.",
        epilog="Every argument of `python cli.py fit` is taken too: --config FILE, --config OVERLAY, --key value.",
        allow_abbrev=False,
    )
    parser.add_argument("--gpu", default="h100", help=f"their kind: {', '.join(GPUS)}, or here: what this machine has")
    parser.add_argument("--gpus", type=int, help="of each node, in place of trainer.devices")
    parser.add_argument("--nodes", type=int, help="in place of trainer.num_nodes")
    parser.add_argument("--shape", help=f"the model's sizes: a config.json, or one of {', '.join(PUBLISHED)}")
    parser.add_argument("--row_tokens", type=int, help="of the longest prompt and completion; data.context unless set")
    parser.add_argument("--prompt_tokens", type=float, help="of a prompt on average, for the time")
    parser.add_argument("--completion_tokens", type=float, help="of a completion on average, for the time")
    parser.add_argument("--mfu", type=float, default=0.4, help="share of the GPU's rate that training reaches")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--dry_run", action="store_true", help=argparse.SUPPRESS)  # it always is one
    return parser


def main(given: list[str] | None = None) -> None:
    """Print the plan of a command line; `--help` is answered without importing what a plan needs."""
    outlast_readers()
    own, rest = own_parser().parse_known_args(given)
    with ends_in_a_sentence():
        if sentence := unknown_key(["fit", *rest]):
            raise ConfigError(sentence)
    from emlit.plan.command import plan

    plan(own, rest)


def dry_run(words: list[str]) -> None:
    """The plan of `cli.py fit --dry_run` for this machine, which ends with 1 where its memory does not suffice."""
    from emlit.plan.gpus import here

    if here() is None:
        print("memory:      python -m emlit.plan --gpu KIND --config … says it; this machine's GPU is not in its table")
    else:
        main([*(word for word in words if word != "--dry_run=true"), "--gpu", "here"])


if __name__ == "__main__":
    main()
