"""Other forms of a conversation, for chat templates that do not take it as it is or leave some of it out."""

import json
from collections.abc import Callable, Sequence

from emlit.records import Message

_PARTS = "{'type': 'text'"  # what a template writes that takes text alone and was given parts


def as_it_is(messages: Sequence[Message]) -> list[Message]:
    return list(messages)


def in_parts(messages: Sequence[Message]) -> list[Message]:
    return [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]


def folded(messages: Sequence[Message]) -> list[Message]:
    """What the system says at the beginning of the user's next turn."""
    found: list[Message] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(message["content"])
        elif message["role"] == "user":
            found.append({**message, "content": "\n\n".join([*waiting, message["content"]])})
            waiting = []
        else:
            found.append(message)
    return [*found, {"role": "user", "content": "\n\n".join(waiting)}] if waiting else found


def merged(messages: Sequence[Message]) -> list[Message]:
    """`folded`, and each role's turns that follow each other in one."""
    found: list[Message] = []
    for message in folded(messages):
        plain = {"role", "content"} == message.keys()
        if found and plain and found[-1].keys() == message.keys() and found[-1]["role"] == message["role"]:
            found[-1] = {**message, "content": f"{found[-1]['content']}\n\n{message['content']}"}
        else:
            found.append(message)
    return found


# In the order in which they are tried; each with what is said of it.
VARIANTS: dict[str, Callable[[Sequence[Message]], list[Message]]] = {
    "": as_it_is,
    "it gets the content in parts": in_parts,
    "the system prompt is put in front of the user's turn (system_prompt: null leaves it out)": folded,
    "turns of the same role are joined, a system prompt with the user's": merged,
    "a system prompt is put in front of the user's turn, and the content is in parts": lambda m: in_parts(merged(m)),
}


def shows(text: str, message: Message) -> bool:
    """Whether a rendered conversation has what a message says; space apart, as templates trim it."""
    content = message["content"]
    if isinstance(content, list):
        if _PARTS in text:
            return False
        content = content[0]["text"]
    if "tool_calls" in message:
        return True
    said = content.rpartition("</think>")[2]  # templates leave out the reasoning of earlier turns
    forms = [content, json.dumps(content, ensure_ascii=False)[1:-1]]
    if message["role"] == "assistant":
        forms.append(said)
    squeezed = _squeezed(text)
    return any(_squeezed(form) in squeezed for form in forms)


def _squeezed(text: str) -> str:
    return "".join(text.split())
