"""emlit's command line: `python cli.py fit|validate|test|predict --config configs/tiny/em_ft.yaml`."""

import contextlib
import gc
import sys
import threading
from collections.abc import Iterator, Sequence

from emlit import bundled
from emlit.errors import EmlitError
from emlit.keys import help_asked_for, unknown_key
from emlit.resilience.outputs import outlast_readers
from emlit.resilience.run_lock import is_first_process


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; `--help` and a misspelt key are answered without importing what a run needs."""
    words = sys.argv[1:] if args is None else [str(word) for word in args]
    outlast_readers()
    if args is None and "" not in sys.path:
        sys.path.append("")  # plug-ins beside the config, which Python finds for `-m` alone
    try:
        words = bundled.resolved(words)
        text = bundled.command(words[1:]) if words[:1] == ["configs"] else help_asked_for(words)
    except EmlitError as error:
        print(f"emlit: error: {error}", file=sys.stderr)
        sys.exit(2)
    if text:
        print(text, flush=True)
        return
    if sentence := unknown_key(words):
        print(f"emlit: error: {sentence}", file=sys.stderr)
        sys.exit(2)
    with _told("importing PyTorch, Lightning and transformers"):
        gc.disable()  # of a million objects that stay; looking through them again and again is a fifth of the time
        from emlit.command_line import run

        gc.enable()

    run(None if args is None and words == sys.argv[1:] else words)


@contextlib.contextmanager
def _told(work: str) -> Iterator[None]:
    """Say what is being done, and again every ten seconds: on a busy machine it takes a minute."""
    done = threading.Event()

    def tell() -> None:
        seconds = 0
        while not done.wait(10):
            seconds += 10
            print(f"emlit: {work}, {seconds} s", file=sys.stderr, flush=True)

    if is_first_process():
        print(f"emlit: {work}", file=sys.stderr, flush=True)
        threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        done.set()


if __name__ == "__main__":
    main()
