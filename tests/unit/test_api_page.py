"""The page of the API has every public name, once, where it is defined."""

import re
from pathlib import Path

import emlit

PAGE = Path(__file__).parents[2] / "docs/api.md"


def test_every_public_name_is_on_the_page():
    shown = re.findall(r"^::: ([\w.]+)$", PAGE.read_text(), re.MULTILINE)
    public = [name for name in emlit.__all__ if name not in ("__version__", "default_callbacks")]
    assert shown == [f"{getattr(emlit, name).__module__}.{name}" for name in public]
