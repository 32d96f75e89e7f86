"""The page of the API has every public name and every plug-in, once, where it is defined."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import emlit

PAGE = Path(__file__).parents[2] / "docs/api.md"
ROOMS = ("callbacks", "decoding", "engines", "losses", "rewards", "rollouts", "strategies", "tasks")


def test_every_public_name_is_on_the_page():
    shown = re.findall(r"^::: ([\w.]+)$", PAGE.read_text(), re.MULTILINE)
    public = [getattr(emlit, name) for name in emlit.__all__ if name not in ("__version__", "default_callbacks")]
    plug_ins = [
        part
        for room in (import_module(f"emlit.{room}") for room in ROOMS)
        for part in (getattr(room, name) for name in room.__all__)
        if inspect.isclass(part) and part not in public and part.__module__.startswith(room.__name__)
    ]
    assert shown == [f"{each.__module__}.{each.__name__}" for each in (*public, *plug_ins)]
