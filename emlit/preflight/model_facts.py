"""What can be known of a model before it is run: its family, and whether it was instruction-tuned."""

import re
from dataclasses import dataclass
from pathlib import Path

from emlit.pretrained import load_config, resolve

_TUNED = re.compile(r"[-_.](instruct|chat|it|thinking)(?=[-_.]|$)", re.IGNORECASE)
_BASE = re.compile(r"[-_.](base|pt)(?=[-_.]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class ModelFacts:
    """Attributes:
    name: as `model.pretrained` has it
    family: "llama", "qwen2.5" or whatever config.json calls its kind
    instruct: whether it was instruction-tuned; None where that cannot be told
    reason: how `instruct` was decided
    """

    name: str
    family: str
    instruct: bool | None
    reason: str


def model_facts(pretrained: str) -> ModelFacts:
    """From the name and config.json. A chat template tells nothing: base Qwens have one."""
    family = _family(pretrained, load_config(resolve(pretrained)).model_type)
    return ModelFacts(pretrained, family, *_instruct(pretrained, Path(pretrained).expanduser().is_dir()))


def _family(name: str, model_type: str) -> str:
    if "llama" in name.lower():
        return "llama"
    if re.search(r"qwen-?2[._]5", name, re.IGNORECASE):
        return "qwen2.5"
    return model_type


def _instruct(name: str, local: bool) -> tuple[bool | None, str]:
    if name == "tiny":
        return False, "the embedded reasoner was pretrained only"
    if found := _TUNED.search(name):
        return True, f"its name has {found[1]!r}"
    if found := _BASE.search(name):
        return False, f"its name has {found[1]!r}"
    if re.search(r"qwen-?3", name, re.IGNORECASE):
        return True, "its name has no 'Base', which pretrained Qwen3 models have"
    if local:
        return None, "a directory's name need not tell, and a chat template does not"
    return False, "its name has none of instruct, chat, it, thinking"
