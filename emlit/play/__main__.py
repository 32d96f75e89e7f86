"""`emlit play MODEL`: a page on this machine that answers a prompt plainly and with EM-INF, side by side."""

import argparse
from collections.abc import Sequence

from emlit.resilience.announced import announced
from emlit.resilience.endings import ends_in_a_sentence, say
from emlit.resilience.outputs import outlast_readers


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="emlit play", description=__doc__)
    made.add_argument(
        "model", nargs="?", default="tiny", help="tiny, a hub id, a directory, a GGUF file or the URL of a server"
    )
    made.add_argument("--port", type=int, default=7860, help="of 127.0.0.1; 0 takes a free one")
    return made


def main(given: Sequence[str] | None = None) -> None:
    outlast_readers()
    arguments = parser().parse_args(given)
    with ends_in_a_sentence():
        with announced("loading the model"):
            from emlit.play.player import Player
            from emlit.play.server_player import ServerPlayer
            from emlit.play.site import Site

            is_server = arguments.model.startswith(("http://", "https://"))
            site = Site((ServerPlayer if is_server else Player)(arguments.model), arguments.port)
        say(f"open {site.address}; Ctrl-C ends it")
        try:
            site.serve_forever()
        except KeyboardInterrupt:
            site.server_close()


if __name__ == "__main__":
    main()
