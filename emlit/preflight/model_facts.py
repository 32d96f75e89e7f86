"""What can be known of a model before it is run: its family, and whether it was instruction-tuned."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emlit import gguf
from emlit.pretrained import load_config, resolve
from emlit.printable import printable

_TUNED = re.compile(
    r"(?:^|[-_.])(instruct|chat|it|thinking|sft|dpo|rlhf|(?:open)?r1|distill(?:ed)?|qwq|zephyr|vicuna|tulu|alpaca|"
    r"starling|openchat|openhermes|wizardlm|wizardmath)(?=[-_.]|$)",
    re.IGNORECASE,
)
_BASE = re.compile(r"[-_.](base|pt)(?=[-_.]|$)", re.IGNORECASE)
# Whole names of families whose instruction-tuned models say so in theirs.
_KNOWN_BASE = re.compile(
    r"qwen(?:1\.5|2|2\.5)(?:-math|-coder)?-[\d.]+b"
    r"|(?:meta-)?llama-[23](?:\.\d)?-\d+b(?:-hf)?"
    r"|mistral-7b-v0\.\d|mixtral-8x\d+b-v0\.\d"
    r"|gemma-(?:2-)?\d+b|olmo-2-\d{4}-\d+b|smollm2?-[\d.]+[mb]|pythia-[\d.]+[mb](?:-deduped)?",
    re.IGNORECASE,
)

_LLAMA_3_VOCABULARY = 128_256


@dataclass(frozen=True)
class ModelFacts:
    """Attributes:
    name: as `model.pretrained` has it
    family: "llama", "qwen2.5", or what config.json calls its architecture
    instruct: whether it was instruction-tuned; None where that cannot be told
    reason: how `instruct` was decided
    """

    name: str
    family: str
    instruct: bool | None
    reason: str


def model_facts(pretrained: str, trust_remote_code: bool = False) -> ModelFacts:
    """From the name and config.json. A chat template tells nothing: base Qwens have one."""
    path = resolve(pretrained)
    config = load_config(path, trust_remote_code)
    if pretrained == "tiny":
        return ModelFacts(pretrained, config.model_type, False, "the embedded reasoner was pretrained only")
    # A directory or an organisation above it tells nothing of the model.
    name = Path(pretrained).name
    if gguf.is_gguf(pretrained):  # a file is called as its owner likes
        name = f"{(gguf.own_name(Path(path)) or '').replace(' ', '-')}-{name}"
    return ModelFacts(printable(pretrained), _family(name, config), *_instruct(printable(name)))


def _family(name: str, config: Any) -> str:
    """By the name or, of a directory that is called otherwise, the vocabulary.

    Many models have Llama's architecture (SmolLM2, DeepSeek-LLM, Yi) and are of other makers and other data.
    """
    if "llama" in name.lower():
        return "llama"
    if re.search(r"qwen-?2[._]5", name, re.IGNORECASE):
        return "qwen2.5"
    if config.model_type == "llama":
        return "llama" if config.vocab_size == _LLAMA_3_VOCABULARY else "llama architecture"
    return printable(config.model_type)


def _instruct(name: str) -> tuple[bool | None, str]:
    if found := _TUNED.search(name):
        return True, f"its name has {found[1]!r}"
    if found := _BASE.search(name):
        return False, f"its name has {found[1]!r}"
    if re.search(r"qwen-?3(?=[-_.]|$)", name, re.IGNORECASE):
        return True, "its name has no 'Base', which pretrained Qwen3 models have"
    if _KNOWN_BASE.fullmatch(name):
        return False, "its name is that of a base model"
    return None, "its name does not tell, and a chat template would not"
