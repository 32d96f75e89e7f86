"""Prompts in the shapes that public data sets give them become text or chat messages."""

import ast
import io
import json
import re
import tokenize
from typing import Any

from emlit.errors import DataError
from emlit.records import Message
from emlit.sources import require_unicode

SHAPE = "a prompt must be text or a list of messages with role and content"
# Who speaks in the turns of a ShareGPT conversation, which have `from` and `value`.
_SPEAKERS = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
    "model": "assistant", "bot": "assistant", "system": "system", "tool": "tool", "observation": "tool",
}  # fmt: skip
# Of a message, and nothing that a model is to read.
_BOOKKEEPING = {"id", "weight", "loss", "loss_weight", "train", "date", "timestamp"}


def prompt_from(value: Any, where: str) -> str | list[Message]:
    """Text, or messages with role, text as content and whatever else a chat template may read.

    Args:
        value: text; messages with role and content, the content in parts or not; turns with from and value; or such a
            list as JSON or as Python prints it, as tables have it that know text alone
        where: it stands, for messages

    Raises:
        DataError: it is nothing of these
    """
    if isinstance(value, str):
        if not value.strip():
            raise DataError(f"{where}: the prompt is empty")
        require_unicode(value, f"{where}: the prompt")
        listed = listed_in(value)
        if not (listed and all(_is_turn(each) for each in listed)):
            return value
        value = listed
    if not isinstance(value, list) or not value:
        raise DataError(f"{where}: {SHAPE}")
    return [_message(each, f"{where}: message {number} of the prompt", where) for number, each in enumerate(value, 1)]


def text_of(content: Any, what: str, where: str) -> str:
    """The text of a message's content, parts a line each.

    Raises:
        DataError: a part is no text
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise DataError(f"{where}: {SHAPE}")
    texts = []
    for part in content:
        if isinstance(part, dict):
            part = {name: value for name, value in part.items() if value is not None}
            if part.get("type", "text") not in ("text", "input_text", "output_text"):
                raise DataError(
                    f"{what} has a part of type {part['type']!r}; emlit reads text alone: leave the row out"
                )
            part = part.get("text")
        if not isinstance(part, str):
            raise DataError(f"{where}: {SHAPE}")
        texts.append(part)
    return "\n".join(texts)


def listed_in(text: str) -> list[Any] | None:
    """The list that a text is in JSON or as Python or numpy prints it; None for other text."""
    found = _read(text) if re.match(r"""\s*\[\s*["'{]""", text) and text.rstrip().endswith("]") else None
    return found if isinstance(found, list) else None


def object_in(text: str) -> dict[str, Any] | None:
    """The object that a text is in JSON or as Python prints it; None for other text."""
    found = _read(text) if re.match(r"""\s*\{\s*["']""", text) and text.rstrip().endswith("}") else None
    return found if isinstance(found, dict) and all(isinstance(name, str) for name in found) else None


def _read(text: str) -> Any:
    for read in (json.loads, lambda text: ast.literal_eval(_with_commas(text))):
        try:
            return read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError):
            continue
    return None


def _with_commas(text: str) -> str:
    """With commas between the elements of a list that numpy printed, which Python would read as one text."""
    found: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if found and found[-1][-1] in "'\"}" and token.string[:1] in ("'", '"', "{"):
            found.append(",")
        if token.string.strip():
            found.append(token.string)
    return " ".join(found)


def _is_turn(each: Any) -> bool:
    return isinstance(each, dict) and ({"role", "content"} <= each.keys() or {"from", "value"} <= each.keys())


def _message(value: Any, what: str, where: str) -> Message:
    if not isinstance(value, dict):
        raise DataError(f"{where}: {SHAPE}")
    # Parquet gives all messages of a file the same keys.
    message = {name: each for name, each in value.items() if each is not None and name not in _BOOKKEEPING}
    if "role" not in message and {"from", "value"} <= message.keys():
        speaker = str(message.pop("from")).lower()
        if speaker not in _SPEAKERS:
            known = ", ".join(_SPEAKERS)
            raise DataError(f"{what} is from {speaker!r}; emlit knows {known}: give it a role and a content instead")
        message = {"role": _SPEAKERS[speaker], "content": message.pop("value"), **message}
    if not isinstance(message.get("role"), str):
        raise DataError(f"{where}: {SHAPE}")
    role = _SPEAKERS.get(message["role"].lower())
    if role in ("user", "assistant", "system"):  # User, human, gpt
        message["role"] = role
    calls = message.pop("tool_calls", None)
    if calls:
        message["tool_calls"] = _calls(calls, what)
    content = message.pop("content", "" if calls else None)
    message = {"role": message.pop("role"), "content": text_of(content, what, where), **message}
    require_unicode(json.dumps(message, ensure_ascii=False, default=str), f"{where}: the prompt")
    return message


def _calls(calls: Any, what: str) -> list[dict[str, Any]]:
    """Tool calls as chat templates want them: arguments as an object, which OpenAI's format writes as its JSON."""
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise DataError(f"{what} has tool_calls that are no list of objects")
    found = []
    for call in calls:
        call = dict(call)
        inner = call["function"] = dict(call["function"]) if isinstance(call.get("function"), dict) else call
        if inner is call:
            del call["function"]
        if isinstance(inner.get("arguments"), str):
            try:
                inner["arguments"] = json.loads(inner["arguments"])
            except ValueError:
                raise DataError(f"{what} has a tool call whose arguments are not valid JSON") from None
        found.append(call)
    return found
