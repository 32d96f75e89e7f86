"""What a model's directory holds, looked at before anything is loaded from it."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emlit.errors import DataError, first_line
from emlit.json_files import json_object
from emlit.printable import printable
from emlit.processes import all_gather

_AGAIN = "download it again"
_READ = (".json", ".jinja", ".model", ".safetensors", ".bin")
_OTHER_FORMATS = {
    "consolidated*": "weights as Mistral and Meta give them; take the ones for transformers",
    "global_step*": "shards of DeepSpeed; its zero_to_fp32.py makes one file of them",
    "pytorch_model_fsdp*": "shards of FSDP; `accelerate merge-weights` makes one file of them",
    **dict.fromkeys(("*.part", "*.incomplete", "*.aria2", "*.tmp"), f"half a download; {_AGAIN}"),
    "*.msgpack": "weights for JAX; take the ones for PyTorch",
    "*.h5": "weights for TensorFlow; take the ones for PyTorch",
    "*.gguf": "give that file as pretrained",
}
_PROBED = (torch.float32, torch.bfloat16, torch.float16, torch.float64)  # of others torch has no extremes


def check_no_model(directory: Path) -> None:
    """Raise DataError with what a directory without a config.json holds instead, where that is known."""
    if (adapter := directory / "adapter_config.json").is_file():
        try:
            base = json_object(adapter.read_bytes()).get("base_model_name_or_path")
        except (OSError, ValueError):
            base = None
        raise DataError(
            f"pretrained is {directory}, which holds a peft adapter and no model; merge it into its base "
            f"({printable(base or 'unknown')}) with peft's merge_and_unload and give the merged directory"
        )
    if found := next(iter(sorted(directory.glob("*.gguf"))), None):
        raise DataError(
            f"pretrained is {directory}, a directory without a config.json; give the GGUF file in it, "
            f"{printable(str(found))}"
        )


def check_files(directory: Path) -> None:
    """Raise DataError, naming the file, where one is a placeholder, is cut short or is missing from its index."""
    check_links(directory)
    _check_format(directory)
    for file in sorted(directory.iterdir()):
        if file.suffix in _READ and file.is_file():
            _check_content(file)
    for index in sorted(directory.glob("*.index.json")):
        _check_index(index)
    for file in weight_files(directory):
        if file.suffix == ".safetensors":
            header(file)
        elif not zipfile.is_zipfile(file):
            with file.open("rb") as opened:
                if opened.read(1) != b"\x80":  # a pickle of torch before 1.6
                    raise DataError(f"{_shown(file)} is cut short or no checkpoint of torch's; {_AGAIN}")


def check_links(directory: Path) -> None:
    """Raise DataError for a link to what is not there, as a cache has them that was copied or cleaned in part."""
    for file in sorted(directory.iterdir()):
        if file.suffix in _READ and file.is_symlink() and not file.exists():
            raise DataError(f"{_shown(file)} is a link to a file that is missing; {_AGAIN}")


def _check_format(directory: Path) -> None:
    """Raise DataError where the weights are there in a form that transformers does not load."""
    if (directory / "adapter_config.json").is_file() and not list(directory.glob("adapter_model.*")):
        raise DataError(
            f"{_shown(directory)} holds adapter_config.json and no adapter's weights (adapter_model.safetensors): "
            "bring them, or move adapter_config.json away"
        )
    if weight_files(directory) or not (directory / "config.json").is_file():
        return
    for pattern, way_out in _OTHER_FORMATS.items():
        if found := next(iter(sorted(directory.glob(pattern))), None):
            raise DataError(f"{_shown(directory)} has no weights that transformers loads, but {found.name}: {way_out}")


def weight_files(directory: Path) -> list[Path]:
    """Those that transformers would read: *.safetensors, and *.bin where there are none."""
    index = directory / "model.safetensors.index.json"
    if index.is_file():
        return sorted({directory / name for name in _index(index).values()})
    found = [directory / "model.safetensors"] if (directory / "model.safetensors").is_file() else []
    return found or sorted(directory.glob("pytorch_model*.bin"))


def check_finite(directory: Path) -> None:
    """Raise DataError where a weight is nan or infinite. Each file is read once, each process its share of tensors.

    Every process must call it.
    """
    rank, ranks = 0, 1
    if torch.distributed.is_initialized():
        rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    wrong = None
    for number, (file, name, tensor) in enumerate(_tensors(directory, rank, ranks)):
        if number % ranks != rank or tensor is None or not tensor.numel() or tensor.dtype not in _PROBED:
            continue
        if not all(end.isfinite() for end in torch.aminmax(tensor)):
            bad = int((~tensor.isfinite()).sum())
            wrong = f"{_shown(file)} holds nan or infinite numbers in {printable(name)} ({bad} of {tensor.numel()})"
            break
    if found := next((each for each in all_gather(wrong) if each is not None), None):
        raise DataError(f"{found}; give a checkpoint from before they came up, or {_AGAIN}")


def _tensors(directory: Path, rank: int, ranks: int) -> Iterator[tuple[Path, str, Tensor | None]]:
    from safetensors import safe_open

    number = 0
    for file in filter(Path.is_file, weight_files(directory)):
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118 (no mapping)
                    yield file, name, opened.get_tensor(name) if number % ranks == rank else None
                    number += 1
        else:
            try:
                state = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
            except Exception as error:
                raise DataError(f"{_shown(file)} could not be read: {first_line(error)}") from error
            if not isinstance(state, dict):
                raise DataError(f"{_shown(file)} holds no weights by name; {_AGAIN}")
            for name, value in state.items():
                yield file, name, value if isinstance(value, Tensor) else None
                number += 1


def header(file: Path) -> dict[str, Any]:
    """The tensors that a safetensors file says it holds, by name, once its size is the one that they need."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or length > size - 8:
            raise DataError(f"{_shown(file)} is cut short or no safetensors file ({size} bytes); {_AGAIN}")
        try:
            tensors = json.loads(opened.read(length))
            tensors.pop("__metadata__", None)
            end = 8 + length + max((each["data_offsets"][1] for each in tensors.values()), default=0)
        except (ValueError, AttributeError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise DataError(f"{_shown(file)} has no header of a safetensors file; {_AGAIN}") from error
    if size != end:
        raise DataError(f"{_shown(file)} has {size} of the {end} bytes that it names; {_AGAIN}")
    return tensors


def _check_content(file: Path) -> None:
    with file.open("rb") as opened:
        start = opened.read(512).lstrip()
    if not start:
        raise DataError(f"{_shown(file)} is empty; {_AGAIN}")
    if start.startswith(b"version https://git-lfs"):
        raise DataError(f"{_shown(file)} is a git-lfs pointer and not the file; run `git lfs pull` in its directory")
    if start[:15].lower().startswith((b"<!doctype", b"<html")):
        raise DataError(f"{_shown(file)} is a web page and not the file; {_AGAIN}")


def _index(index: Path) -> dict[str, str]:
    try:
        weights = json_object(index.read_bytes(), {"weight_map": dict[str, str]})["weight_map"]
        if any(Path(name).name != name or not name for name in weights.values()):
            raise ValueError("a file elsewhere")
        return weights
    except (OSError, ValueError) as error:
        raise DataError(f"{_shown(index)} is no index of weights; {_AGAIN}") from error


def _check_index(index: Path) -> None:
    listed = _index(index)
    held: dict[str, set[str]] = {}
    for name in sorted(set(listed.values())):
        file = index.with_name(name)
        if not file.is_file():
            raise DataError(f"{_shown(file)} is missing, which {index.name} lists; download it")
        if file.suffix == ".safetensors":
            held[name] = set(header(file))
    lost = [name for name, file in listed.items() if file in held and name not in held[file]]
    if lost:
        raise DataError(
            f"{_shown(index)} lists {printable(lost[0])} in {printable(listed[lost[0]])}, which does not hold it; "
            "give the index that belongs to these files"
        )


def _shown(file: Path) -> str:
    return printable(file)
