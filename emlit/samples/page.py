"""samples.html: one page, everything in it, nothing fetched."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files


@dataclass(frozen=True)
class PageInfo:
    """What the page says of the run.

    Attributes:
        run: its directory's name
        objective: class name of the module
        pretrained: what it started from
        temperature: of log p, and of H unless `entropy_temperature` is set
        entropy_temperature: of H
        max_tokens: shown of one completion
        page_completions: shown of one run
        steps: how many steps samples.jsonl has
    """

    run: str
    objective: str
    pretrained: str
    temperature: float
    entropy_temperature: float
    max_tokens: int
    page_completions: int
    steps: int


def render(info: PageInfo, lines: Sequence[str]) -> str:
    """The page.

    Texts of models and data sets reach it as JSON in which no `<` is left, and the page's script turns them into text
    nodes alone. A content security policy names the script and the style by their hashes, so that no other script
    would run, and nothing would be fetched, even if a text became markup.

    Args:
        info: of the run
        lines: samples as JSON
    """
    template = files("emlit.samples").joinpath("page.html").read_text(encoding="utf-8")
    policy = "; ".join(
        ["default-src 'none'", f"script-src {_hash(template, 'script')}", f"style-src {_hash(template, 'style')}",
         "base-uri 'none'", "form-action 'none'"]
    )  # fmt: skip
    data = f'{{"info":{json.dumps(asdict(info))},"samples":[{",".join(lines)}]}}'
    return template.replace("{{policy}}", policy, 1).replace("{{data}}", data.replace("<", "\\u003c"), 1)


def _hash(template: str, tag: str) -> str:
    content = template.split(f"<{tag}>", 1)[1].split(f"</{tag}>", 1)[0]
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
