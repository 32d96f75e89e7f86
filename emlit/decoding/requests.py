"""Which decoding a request asks for, in flat keys that travel through any server: `em_inf`, `em_inf_steps`, ...

`em_inf` or any `em_inf_*` asks for EM-INF, `em_inf: 0` for none; the others of `DECODINGS` likewise. `em_inf` may also
be the name of a preset. What is not named has its default: the preset's, the server's where it has one for this
decoding, or the class's. `emlit_decoding` carries a decoding of the user's own, as JSON: a server takes the classes
that the environment variable EMLIT_DECODINGS names, an engine in the process that asked those asked for in it.
"""

import importlib
import json
import os
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from math import isfinite
from typing import Any

from emlit.decoding import (
    PRESETS,
    AdaptiveTemperature,
    Decoding,
    EntropyMinimization,
    EntropyScaledTemperature,
    LocallyTypical,
)
from emlit.decoding.spelling import meant, nearest
from emlit.errors import ConfigError

DECODINGS: dict[str, type[Decoding]] = {
    "em_inf": EntropyMinimization,
    "adaptive_temperature": AdaptiveTemperature,
    "locally_typical": LocallyTypical,
    "entropy_scaled_temperature": EntropyScaledTemperature,
}
PARAMETERS = {f"{prefix}_{field.name}": (prefix, field) for prefix, cls in DECODINGS.items() for field in fields(cls)}
OWN = "emlit_decoding"
KEYS = (*DECODINGS, *PARAMETERS, OWN)
_asked_here: dict[str, type[Decoding]] = {}


def to_flat_keys(decoding: Decoding | None) -> dict[str, Any]:
    """The keys that ask for `decoding`."""
    if decoding is None:
        return {}
    prefix = next((prefix for prefix, cls in DECODINGS.items() if type(decoding) is cls), None)
    if prefix is None:
        path = f"{type(decoding).__module__}.{type(decoding).__qualname__}"
        if "__dataclass_fields__" not in vars(type(decoding)):
            raise ConfigError(f"{path} is no dataclass of its own; put @dataclass(frozen=True) on it")
        _asked_here[path] = type(decoding)
        return {OWN: json.dumps([path, {field.name: getattr(decoding, field.name) for field in fields(decoding)}])}
    return {prefix: 1, **{f"{prefix}_{field.name}": getattr(decoding, field.name) for field in fields(decoding)}}


def from_settings(settings: Any) -> Decoding | None:
    """A server's default, from a mapping that is emlit's alone: every key must be one of these.

    Raises:
        ValueError: as `from_flat_keys`, and for any other key
    """
    if not isinstance(settings, Mapping):
        raise ValueError(f"it is {reprlib.repr(settings)}; it must be a mapping, such as {{'em_inf': 1}}")
    _check_keys(settings)
    return from_flat_keys(settings)


def from_flat_keys(arguments: Mapping[str, Any] | None, default: Decoding | None = None) -> Decoding | None:
    """The decoding that these keys ask for, or `default` where they ask for nothing; other keys are other people's.

    Raises:
        ValueError: a key that is nearly one of these, a value of the wrong kind or range, two decodings at once
    """
    ours = {key: value for key, value in (arguments or {}).items() if meant(key, KEYS)}
    _check_keys(ours)
    if ours:
        _check_bare_parameters(arguments or {}, ours)
    if OWN in ours:
        if len(ours) > 1:
            raise ValueError(f"{OWN} is asked for beside others of emlit's keys; a request takes one decoding")
        return _own(ours[OWN])
    values = {key: _number(key, value) for key, value in ours.items() if key in PARAMETERS}
    switches = {prefix: _switch(prefix, ours[prefix]) for prefix in DECODINGS if prefix in ours}
    asked = [prefix for prefix in DECODINGS if switches.get(prefix, any(PARAMETERS[k][0] == prefix for k in values))]
    if len(asked) > 1:
        raise ValueError(f"{asked[0]} and {asked[1]} are both asked for; a request takes one of them")
    if not asked:
        name = next((prefix for prefix, cls in DECODINGS.items() if isinstance(default, cls)), "")
        kept = default is None or switches.get(name, True)
        return default if kept else None
    cls = DECODINGS[asked[0]]
    start = PRESETS.get(str(ours.get(asked[0])), default if isinstance(default, cls) else None)
    known = {field.name: field.default for field in fields(cls)} if start is None else vars(start)
    # Parameters of a decoding that is switched off ask for nothing.
    given = {field.name: values[key] for key, (p, field) in PARAMETERS.items() if p == asked[0] and key in values}
    chosen = {**known, **given}
    missing = [f"{asked[0]}_{name}" for name, value in chosen.items() if value is MISSING]
    if missing:
        raise ValueError(f"{asked[0]} needs {' and '.join(missing)}, which have no default")
    return cls(**chosen)


def _own(written: Any) -> Decoding:
    """A decoding of the user's own; no class is imported that was not allowed here."""
    try:
        path, settings = json.loads(written)
        allowed = path in _asked_here or path in filter(None, os.environ.get("EMLIT_DECODINGS", "").split(","))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{OWN} is {reprlib.repr(written)}; it must be JSON: a class path and its settings") from error
    if not allowed:
        raise ValueError(f"{OWN} is {reprlib.repr(path)}, which this server was not started with: set EMLIT_DECODINGS")
    if path not in _asked_here:
        package, _, name = path.rpartition(".")
        try:
            _asked_here[path] = getattr(importlib.import_module(package), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"{OWN} is {path}, which EMLIT_DECODINGS names and this server lacks: {error}") from error
    try:
        return _asked_here[path](**settings)
    except Exception as error:  # of any class's own making
        raise ValueError(f"{OWN} is {path}, which does not take {reprlib.repr(settings)}: {error}") from error


def _check_keys(keys: Iterable[Any]) -> None:
    for key in keys:
        if key not in KEYS:
            raise ValueError(
                f"{shown(key)} is no parameter of emlit; {nearest(key, KEYS) or 'em_inf'} is the nearest of "
                f"{', '.join(KEYS)}"
            )


def _check_bare_parameters(keys: Iterable[Any], ours: Iterable[str]) -> None:
    """`steps` beside `em_inf` means `em_inf_steps`."""
    families = sorted(DECODINGS, key=lambda prefix: not any(each.startswith(prefix) for each in ours))
    for key in keys:
        for prefix in families:
            if key not in KEYS and (whole := nearest(f"{prefix}_{key}", PARAMETERS, closeness=0.9)):
                raise ValueError(f"{shown(key)} is no parameter of emlit; {whole} is the nearest")


def shown(key: Any) -> str:
    """A key from outside, on one line and not too long."""
    return key if isinstance(key, str) and key.isidentifier() and len(key) < 40 else reprlib.repr(key)


def _number(key: str, value: Any) -> int | float:
    whole = PARAMETERS[key][1].type is int
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # An int may be too large for a float, which isfinite makes of it.
    if not number or abs(value) > 1e300 or not isfinite(value) or (whole and value != int(value)):
        raise ValueError(f"{key} is {reprlib.repr(value)}; it must be a {'whole ' if whole else ''}number")
    return int(value) if whole else float(value)


def _switch(key: str, value: Any) -> bool:
    presets = [name for name, preset in PRESETS.items() if isinstance(preset, DECODINGS[key])]
    if isinstance(value, str) and value in presets:
        return True
    if value not in (0, 1, True, False):
        near = nearest(value, presets) if isinstance(value, str) else None
        named = f", or the name of a preset ({', '.join(presets)})" if presets else ""
        raise ValueError(
            f"{key} is {reprlib.repr(value)}; it must be 1 or 0{named}" + (f"; {near!r} is the nearest" if near else "")
        )
    return bool(value)
