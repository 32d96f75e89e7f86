"""Each way to shut programs in that works on this machine; the others skip themselves and say why."""

import pytest

from emlit.sandbox.isolation import probe
from emlit.sandbox.levels import LEVELS

_PROBES = {level: probe(level) for level in LEVELS}


@pytest.fixture(params=LEVELS, ids=lambda level: level.command.__name__)
def level(request):
    if not _PROBES[request.param].ok:
        pytest.skip(f"{request.param.name}: {_PROBES[request.param].reason}")
    return request.param


@pytest.fixture
def closed(level):
    """A level with a file system and processes of its own."""
    if not level.namespaces:
        pytest.skip(f"{level.name} has no namespaces")
    return level
