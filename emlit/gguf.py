"""A model in a GGUF file, as the Hugging Face directory that everything else reads."""

import hashlib
import logging
import math
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch

from emlit import hub
from emlit.errors import ConfigError, DataError, first_line
from emlit.printable import printable
from emlit.resilience.announced import announced
from emlit.resilience.files import delete, replacing, writing
from emlit.resilience.marks import facts_of, seal

if TYPE_CHECKING:
    from gguf import GGUFReader
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

log = logging.getLogger(__name__)

_ROOM = "make room, or set XDG_CACHE_HOME to a place that has some"
_ORIGINAL = "give the model that it was made from, by its directory or hub id"
_SHAPES = re.compile(r"(key|value|feed_forward)_length$|^vocab_size$")  # told by the tensors, too
_FACTORS = re.compile(
    r"^rope\.(scal|dimension_count$)|scale$|softcapping$|alibi_bias$|clamp_kqv$|window$|causal$"
)  # change the numbers


def is_gguf(pretrained: str) -> bool:
    """Whether a file is meant: a directory may have any name."""
    return pretrained.lower().endswith(".gguf") and not os.path.isdir(os.path.expanduser(pretrained))


def find(pretrained: str) -> Path:
    """The file that `FILE.gguf` or `HUB-ID:FILE.gguf` names; one on the hub is downloaded into its cache.

    Raises:
        ConfigError: there is none
        DataError: the hub does not give it
    """
    path = Path(os.path.expanduser(pretrained))  # which leaves the home of nobody as it is
    if path.is_file():
        return path
    repository, colon, name = pretrained.rpartition(":")
    if not colon or repository.startswith(("/", ".", "~")):
        raise ConfigError(
            f"pretrained is {printable(pretrained)}, and there is no such file; one on the hub is OWNER/NAME:FILE.gguf"
        )
    from huggingface_hub import hf_hub_download

    hub.configure()
    try:
        return Path(hf_hub_download(repository, name))
    except Exception as error:
        reason = hub.why_not(error) or first_line(error)
        raise DataError(f"pretrained is {printable(pretrained)}, which the hub does not give: {reason}") from error


def as_directory(file: Path) -> Path:
    """The model and tokenizer of a GGUF file in a directory of emlit's cache, its weights as float32.

    It is made once for a file as it is now; of several processes one makes it, and the others wait.

    Raises:
        DataError: transformers cannot read it, reads another model than it holds, or it holds nan
        StorageError: the cache cannot be written to
    """
    from filelock import FileLock

    found = file.stat()
    key = hashlib.sha256(os.fsencode(f"{file.resolve()} {found.st_size} {found.st_mtime_ns}")).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "emlit/gguf")
    place = cache / f"{file.stem[:40]}-{key}"  # a name has 255 bytes
    with writing(cache, _ROOM):
        cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{place}.lock"):
        facts = facts_of(place)
        if facts is None or not facts.get("sizes", {"": 0}).items() <= _sizes(place).items():
            doing = f"dequantising {printable(file.name)} to float32"
            with announced(doing, f", into {place}; this is done once"):
                with tempfile.TemporaryDirectory(dir=cache) as alone:
                    *parts, name = _read(file, Path(alone))
                delete(place)  # of which something is lost
                with replacing(place, _ROOM) as scratch:
                    for part in parts:
                        part.save_pretrained(scratch)
                    seal(scratch, sizes=_sizes(scratch), name=name)
    return place


def own_name(directory: Path) -> str | None:
    """What a GGUF file calls the model that `as_directory` made of it; None where it does not say."""
    return (facts_of(directory) or {}).get("name")


def _sizes(directory: Path) -> dict[str, int]:
    return {each.name: each.stat().st_size for each in directory.iterdir()}


def _read(file: Path, alone: Path) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase, str | None]":
    """What a file holds and calls it; `alone` is an empty directory: transformers reads what lies beside the file."""
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer, modeling_gguf_pytorch_utils
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # as_directory has said what is done
    shown = f"pretrained is {printable(str(file))}"
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise DataError(f"{shown}, which is no GGUF file; download it again")
    try:
        reader = GGUFReader(file)
    except Exception as error:
        reason = f"cut short or damaged ({first_line(error)})"
        raise DataError(f"{shown}, a GGUF file that is {reason}; download it again") from error
    if (parts := reader.get_field("split.count")) is not None and parts.contents() > 1:
        raise DataError(f"{shown}, one of {parts.contents()} parts; join them with llama.cpp's gguf-split --merge")
    unused: list[str] = []
    map_of = modeling_gguf_pytorch_utils.get_gguf_hf_weights_map

    class Names(dict[str, str]):
        def __contains__(self, name: Any) -> bool:
            if not (known := super().__contains__(name)) and name is not None:  # None is dealt with already
                unused.append(name)
            return known

    (alone / "model.gguf").symlink_to(file.resolve())
    source = {"pretrained_model_name_or_path": str(alone), "gguf_file": "model.gguf"}
    try:
        with patch.multiple(
            modeling_gguf_pytorch_utils,
            get_gguf_hf_weights_map=lambda *args, **kwargs: Names(map_of(*args, **kwargs)),
            tqdm=lambda tensors, **_: tensors,
        ):
            loaded: Any = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32, output_loading_info=True)
        read, found = loaded
        config = type(read.config).from_dict(
            {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
        )
        with torch.device("meta"):  # what was read still counts as quantised, and would not be saved
            whole = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        whole.load_state_dict(read.state_dict(), assign=True)
        whole.tie_weights()
        tokenizer = AutoTokenizer.from_pretrained(**source)
    except Exception as error:
        raise DataError(
            f"{shown}, a GGUF file that transformers cannot read: {first_line(error)}; {_ORIGINAL}"
        ) from error
    held = {each.name for each in reader.tensors}
    halves = [half for name in held for half in _other_half(name) if half not in held]  # transformers leaves them 0
    if missing := sorted([*found["missing_keys"], *halves]):
        raise DataError(
            f"{shown}, a GGUF file that lacks {len(missing)} of the model's weights, "
            f"{printable(', '.join(missing[:3]))}: they would be made up; download it again, or {_ORIGINAL}"
        )
    if other := next(_other(file, reader, config, unused), None):
        raise DataError(
            f"{shown}, whose {printable(other)} transformers does not use: it would be another model; {_ORIGINAL}"
        )
    for name, tensor in whole.state_dict().items():
        if tensor.numel() and not all(end.isfinite() for end in torch.aminmax(tensor)):
            raise DataError(f"{shown}, which holds nan or infinite numbers in {printable(name)}; {_ORIGINAL}")
    name = reader.get_field("general.name")
    return whole, tokenizer, None if name is None else str(name.contents())


def _other_half(name: str) -> list[str]:
    """Of a tensor of experts whose gate and up projections are one for transformers, the other one's name."""
    names = (".ffn_gate_exps.", ".ffn_up_exps.")
    return [name.replace(one, other) for one, other in (names, names[::-1]) if one in name]


def _other(file: Path, reader: "GGUFReader", config: Any, unused: list[str]) -> Iterator[str]:
    """What a model computes with, and transformers left out; the log has the other keys that it left out."""
    from transformers.modeling_gguf_pytorch_utils import GGUF_TO_TRANSFORMERS_MAPPING

    ropes = re.findall(r"'rope_type': '(\w+)'", str(rope := getattr(config, "rope_parameters", None) or {}))
    scaled = any(each != "default" for each in ropes)  # by transformers' own defaults of the architecture
    for name in unused:
        if not (name.endswith("attn_rot_embd") or (scaled and name.startswith("rope_"))):
            yield f"tensor {name}"
    architecture = reader.fields["general.architecture"].contents()
    plain = architecture.replace("-", "").replace("_", "")
    mappings: Any = GGUF_TO_TRANSFORMERS_MAPPING["config"]
    mapped: dict[str, Any] = next((keys for name, keys in mappings.items() if name.replace("_", "") == plain), {})
    ignored = []
    for name, field in reader.fields.items():
        key = name.removeprefix(f"{architecture}.")
        if key == name or mapped.get(key) is not None or _SHAPES.search(key) or (scaled and key.startswith("rope.")):
            continue
        value, own = field.contents(), getattr(config, key.rpartition(".")[2], None)
        if key == "rope.dimension_count":
            size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
            used = "rope_theta" not in rope or value == int(size * (rope.get("partial_rotary_factor") or 1))
        elif key == "attention.causal":
            used = value
        elif key.endswith("window"):
            used = value in (0, own) or value >= getattr(config, "max_position_embeddings", math.inf)
        else:
            used = value in (0, 1, "none", own) or key.endswith(("original_context_length", "finetuned"))
        if not _FACTORS.search(key):
            ignored.append(name)
        elif not used:
            yield f"{name} ({value})"
    if ignored:
        log.warning("transformers does not read %s of %s", printable(", ".join(ignored)), printable(str(file)))
