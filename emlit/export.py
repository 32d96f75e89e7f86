"""What an export needs, tried before a run begins."""

import copy
import functools
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from emlit.errors import ConfigError, EmlitError, first_line
from emlit.pretrained import generation_config, load_tokenizer, resolve, skeleton
from emlit.resilience.files import delete

if TYPE_CHECKING:
    from transformers import GenerationConfig

log = logging.getLogger(__name__)

GIB = 2**30


def saveable(config: "GenerationConfig") -> "GenerationConfig":
    """The generation config as transformers saves it, which refuses some that it loads.

    Many models come with a temperature and without `do_sample`: they sample, once `do_sample` is true, as whoever set
    the temperature meant.

    Raises:
        ValueError: it is wrong in another way
    """
    try:
        config.validate(strict=True)
    except ValueError:
        if config.do_sample:
            raise
        config = copy.deepcopy(config)
        config.do_sample = True
        config.validate(strict=True)
    return config


def require_saveable(pretrained: str, scratch: Path, trust_remote_code: bool = False) -> int:
    """Save all of a model but its weights, as the export will, and delete it again; how many bytes that took.

    Args:
        pretrained: as `model.pretrained`
        scratch: directory that is made and deleted, beside the one of the export
        trust_remote_code: run code that lies beside the weights

    Raises:
        ConfigError: something cannot be saved, or the file system refused
        DataError: it cannot be loaded
    """
    path = resolve(pretrained)
    try:
        scratch.parent.mkdir(parents=True, exist_ok=True)
        delete(scratch)
        scratch.mkdir()
        what = "config.json"
        skeleton(path, trust_remote_code).config.save_pretrained(scratch)
        what = "tokenizer"
        load_tokenizer(path, trust_remote_code).save_pretrained(scratch)
        what = "generation_config.json"
        config = generation_config(path)
        if config is not None:
            fit = saveable(config)
            fit.save_pretrained(scratch)
            if fit is not config:
                log.warning(
                    "the %s of %s says how to sample, and not to: the export's sets do_sample to true", what, pretrained
                )
        return sum(each.stat().st_size for each in scratch.rglob("*"))
    except EmlitError:
        raise
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise ConfigError(
            f"{scratch.parent} cannot take an export: {reason}; choose another --export.dirpath"
        ) from error
    except Exception as error:  # of whatever class the model brings
        raise ConfigError(
            f"the {what} of {pretrained} could not be written into an export: {' '.join(str(error).split())[:300]}; "
            "correct it, or set --export.enabled false"
        ) from error
    finally:
        delete(scratch)


class Room(NamedTuple):
    """What a run will write: `size` bytes into `directory`, which need not be there yet; `instead` is a way out."""

    what: str
    size: int
    directory: Path
    instead: str


def require_room(*needs: Room) -> None:
    """Raise ConfigError where a disk has no room for all that a run will write there together."""
    disks: dict[int, list[Room]] = {}
    for need in needs:
        disks.setdefault(_existing(need.directory).stat().st_dev, []).append(need)
    for found in disks.values():
        directory = found[0].directory
        free = shutil.disk_usage(_existing(directory)).free
        if free < sum(each.size for each in found):
            takes = " and ".join(f"{_amount(each.size)} for {each.what}" for each in found)
            ways = ", or ".join(each.instead for each in found)
            raise ConfigError(f"{directory} has {_amount(free)} left, and the run needs {takes}; make room, or {ways}")


def _existing(directory: Path) -> Path:
    return next(each for each in (directory, *directory.absolute().parents) if each.exists())


def _amount(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / 2**20:.1f} MiB"


@functools.cache
def parameter_count(pretrained: str, trust_remote_code: bool = False) -> int:
    """How many numbers a model's weights are; the same for the checkpoint and the export of a run."""
    return sum(each.numel() for each in skeleton(resolve(pretrained), trust_remote_code).parameters())
