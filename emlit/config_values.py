"""Values that pass every type and every comparison of a constructor, and that no run can mean."""

import math
from collections.abc import Callable
from typing import Any

from jsonargparse import Namespace

from emlit.errors import ConfigError

_LARGEST_INT = 2**53
# What names a file, a directory or a model, by its last word.
_PATHS = {"run_dir", "ckpt_path", "dirpath", "pretrained", "path", "default_root_dir"}
_Rule = tuple[Callable[[Any], bool], str]
_FROM_1: _Rule = (lambda value: value >= 1, "at least 1")
_FROM_0: _Rule = (lambda value: value >= 0, "at least 0")
_ABOVE_0: _Rule = (lambda value: value > 0, "above 0, or nothing is done")
_OR_NO_END: _Rule = (lambda value: value >= 1 or value == -1, "at least 1, or -1 for no end")
# Lightning and engines take these as they come; the other bounds are the constructors' own.
_RULES: dict[str, _Rule] = {
    "trainer.max_steps": _OR_NO_END,
    "trainer.max_epochs": _OR_NO_END,
    "trainer.limit_train_batches": _ABOVE_0,
    "trainer.limit_test_batches": _ABOVE_0,
    "trainer.limit_predict_batches": _ABOVE_0,
    "trainer.overfit_batches": _FROM_0,
    "trainer.check_val_every_n_epoch": _FROM_1,
    "trainer.accumulate_grad_batches": _FROM_1,
    "trainer.gradient_clip_val": _FROM_0,
    "trainer.log_every_n_steps": _FROM_0,
    "trainer.num_sanity_val_steps": (lambda value: value >= -1, "at least 0, or -1 for all"),
    "data.sampling.temperature": (lambda value: value <= 100, "at most 100"),
    "model.learning_rate": (lambda value: value <= 100, "at most 100"),
    "model.warmup_steps": _FROM_0,
}


def require_usable(key: str, value: Any) -> None:
    """Look through a parsed config.

    Raises:
        ConfigError: a number that is not finite, too large or out of bounds, an empty path, or a text with a NUL
    """
    key = key.replace(".init_args", "")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{key} is {value}; it must be a finite number")
    digits = isinstance(value, str) and key == "trainer.devices" and value.isdecimal()
    if (isinstance(value, int) or digits) and abs(int(value)) > _LARGEST_INT:
        raise ConfigError(f"{key} is {value}; it must be at most {_LARGEST_INT}")
    if isinstance(value, str) and "\0" in value:
        raise ConfigError(f"{key} is {value!r}; it must not hold a NUL character")
    if isinstance(value, str) and not value.strip() and key.rpartition(".")[2] in _PATHS:
        raise ConfigError(f"{key} is empty; give it a value, or leave it out")
    if key in _RULES and isinstance(value, int | float):
        holds, words = _RULES[key]
        if not holds(value):
            raise ConfigError(f"{key} is {value}; it must be {words}")
    if isinstance(value, list | tuple | dict | Namespace):
        for name, part in value.items() if isinstance(value, dict | Namespace) else enumerate(value):
            require_usable(f"{key}.{name}", part)
