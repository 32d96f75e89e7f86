"""What a key's value may be, by its argument."""

import re

from emlit.keys.signatures import Signature, subclasses


def classes_of(key: str, owner: Signature | None) -> list[Signature]:
    """Those that a key's value may name, where its argument is one of the owner's."""
    argument = owner.arguments.get(key.rpartition(".")[2]) if owner else None
    names = ["CausalLM"] if key == "model" else re.findall(r"[A-Z]\w+", argument.annotation) if argument else []
    return [each for name in dict.fromkeys(names) for each in subclasses(name)]


def words_of(annotation: str) -> list[str]:
    """The values of an annotation that has only a few, as a config has them."""
    literal = re.search(r"Literal\[([^\]]*)\]", annotation)
    if literal:
        return re.findall(r"[\w-]+", literal[1])
    return ["true", "false"] if annotation == "bool" else []
