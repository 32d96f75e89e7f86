"""emlit's command line: `python cli.py fit|validate|test|predict --config configs/tiny/em_ft.yaml`."""

import gc
import os
import sys
from collections.abc import Sequence

from emlit import bundled
from emlit.completion import completions
from emlit.errors import ConfigError
from emlit.keys import help_asked_for, unknown_key, with_values
from emlit.resilience.announced import announced_by_first
from emlit.resilience.endings import ends_in_a_sentence
from emlit.resilience.outputs import outlast_readers
from emlit.resilience.run_lock import is_first_process


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; `--help` and a misspelt key are answered without importing what a run needs."""
    words = sys.argv[1:] if args is None else [str(word) for word in args]
    outlast_readers()
    if words[:1] == ["play"]:
        from emlit.play.__main__ import main as play

        play(words[1:])
        return
    if words[:1] == ["report"]:
        from emlit.report.__main__ import main as report

        chosen = any(word.startswith(("--html", "--out", "-h", "--help")) for word in words)
        report(words[1:] if chosen else [*words[1:], "--html", "report.html"])
        return
    if words[:1] == ["complete"]:
        print("\n".join(completions(os.environ)))
        return
    if args is None and "" not in sys.path:
        sys.path.append("")  # plug-ins beside the config, which Python finds for `-m` alone
    with ends_in_a_sentence():
        words = with_values(bundled.resolved(words))
        text = bundled.command(words[1:]) if words[:1] == ["configs"] else help_asked_for(words)
        if text:
            print(text, flush=True)
            return
        if sentence := unknown_key(words):
            raise ConfigError(sentence)
    with announced_by_first("importing PyTorch, Lightning and transformers"):
        gc.disable()  # of a million objects that stay; looking through them again and again is a fifth of the time
        from emlit.command_line import run

        gc.enable()

    try:
        run(None if args is None and words == sys.argv[1:] else words)
    except SystemExit as end:
        from emlit.callbacks.dry_run import Shown

        if not isinstance(end, Shown) or words[0] != "fit" or not is_first_process():
            raise
        from emlit.plan.__main__ import dry_run

        dry_run(words[1:])


if __name__ == "__main__":
    main()
