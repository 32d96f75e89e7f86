"""The JSON body of a request, which may be deep and wide: its keys with their paths, without recursion."""

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

from emlit.decoding.requests import shown

Path = tuple[Any, str | int] | None  # the path above, and a key or a place in a list


def parsed(raw: bytes) -> Any:
    """What a body says; None where it is no JSON, which vLLM has a sentence for.

    Raises:
        ValueError: it is nested too deeply, which vLLM would answer with HTTP 500
    """
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("the body is nested too deeply to be read; take a level or more out of it") from None
    except ValueError:
        return None


def keys(body: dict[str, Any], but: tuple[str, ...], content: set[str]) -> Iterator[tuple[Path, str]]:
    """The keys of a body, those nearest to the top first.

    Args:
        body: of the request
        but: below these keys, keys are left out, though not those that are deeper
        content: keys at the top that are left out with all that is below them
    """
    left_out: Path = None
    for key in but:
        left_out = (left_out, key)
    waiting: deque[tuple[Path, Any]] = deque([(None, body)])
    while waiting:
        above, value = waiting.popleft()
        if isinstance(value, list):
            waiting.extend(((above, place), each) for place, each in enumerate(value) if isinstance(each, dict | list))
            continue
        for key, below in value.items():
            if above is None and key in content:
                continue
            if above is None or above != left_out:
                yield (above, key), key
            if isinstance(below, dict | list):
                waiting.append(((above, key), below))


def written(path: Path) -> str:
    """A path's last keys, with points between them."""
    last: list[str] = []
    while path is not None and len(last) < 8:
        path, key = path
        last.append(shown(key))
    return ".".join(reversed(last))


def below(body: Any, keys: tuple[str, ...]) -> Any:
    """What stands in a body below keys in keys; None where nothing does."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body
