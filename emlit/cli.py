"""emlit's command line: `python cli.py fit|validate|test|predict --config configs/tiny/em_ft.yaml`."""

import os
import sys
from collections.abc import Sequence

from emlit import bundled
from emlit.errors import EmlitError
from emlit.keys import help_asked_for, unknown_key
from emlit.run_lock import is_first_process


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; `--help` and a misspelt key are answered without importing what a run needs."""
    words = sys.argv[1:] if args is None else [str(word) for word in args]
    try:
        words = bundled.resolved(words)
        text = bundled.command(words[1:]) if words[:1] == ["configs"] else help_asked_for(words)
    except EmlitError as error:
        print(f"emlit: error: {error}", file=sys.stderr)
        sys.exit(2)
    if text:
        try:
            print(text, flush=True)
        except BrokenPipeError:  # `| head`; what is left in the buffer would fail again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if sentence := unknown_key(words):
        print(f"emlit: error: {sentence}", file=sys.stderr)
        sys.exit(2)
    if is_first_process():
        print("emlit: importing PyTorch, Lightning and transformers", file=sys.stderr, flush=True)
    from emlit.command_line import run

    run(None if args is None and words == sys.argv[1:] else words)


if __name__ == "__main__":
    main()
