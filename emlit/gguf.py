"""A model in a GGUF file, as the Hugging Face directory that everything else reads."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from emlit import hub
from emlit.errors import ConfigError, DataError, first_line
from emlit.printable import printable
from emlit.resilience.endings import say
from emlit.resilience.files import replacing

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def is_gguf(pretrained: str) -> bool:
    """Whether a file is meant: a directory may have any name."""
    return pretrained.lower().endswith(".gguf") and not Path(pretrained).expanduser().is_dir()


def find(pretrained: str) -> Path:
    """The file that `FILE.gguf` or `HUB-ID:FILE.gguf` names; one on the hub is downloaded into its cache.

    Raises:
        ConfigError: there is none
        DataError: the hub does not give it
    """
    path = Path(pretrained).expanduser()
    if path.is_file():
        return path
    repository, colon, name = pretrained.rpartition(":")
    if not colon or repository.startswith(("/", ".", "~")):
        raise ConfigError(
            f"pretrained is {printable(pretrained)}, and there is no such file; one on the hub is OWNER/NAME:FILE.gguf"
        )
    from huggingface_hub import hf_hub_download

    hub.settle()
    try:
        return Path(hf_hub_download(repository, name))
    except Exception as error:
        raise DataError(
            f"pretrained is {printable(pretrained)}, which the hub does not give: {first_line(error)}"
        ) from error


def as_directory(file: Path) -> Path:
    """The model and tokenizer of a GGUF file in a directory of emlit's cache, its weights as float32.

    It is made once for a file as it is now; of several processes one makes it, and the others wait.

    Raises:
        DataError: transformers cannot read it: its architecture, or the type of a tensor
    """
    from filelock import FileLock

    found = file.stat()
    key = hashlib.sha256(f"{file.resolve()} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emlit/gguf"
    place = cache / f"{file.stem}-{key}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{place}.lock"):
        if not place.is_dir():
            say(f"dequantising {printable(file.name)} to float32, into {place}; this is done once")
            parts = _read(file)
            with replacing(place, "make room, or set XDG_CACHE_HOME to a place that has some") as scratch:
                for part in parts:
                    part.save_pretrained(scratch)
    return place


def _read(file: Path) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise DataError(f"pretrained is {printable(str(file))}, which is no GGUF file; download it again")
    source = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    try:
        read = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
        config = type(read.config).from_dict(
            {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
        )
        with torch.device("meta"):  # what was read still counts as quantised, and would not be saved
            whole = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        whole.load_state_dict(read.state_dict(), assign=True)
        whole.tie_weights()
        return whole, AutoTokenizer.from_pretrained(**source)
    except Exception as error:
        raise DataError(
            f"pretrained is {printable(str(file))}, a GGUF file that transformers cannot read: {first_line(error)}; "
            "give the model that it was made from, by its directory or hub id"
        ) from error
