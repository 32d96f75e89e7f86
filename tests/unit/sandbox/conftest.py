"""Each way to run programs that works on this machine; the others skip themselves and say why."""

import pytest

from emlit.sandbox.isolation import probe
from emlit.sandbox.levels import ISOLATING, RLIMITS

BY_NAME = {level.name: level for level in (*ISOLATING, RLIMITS)}


def _working(name):
    level = BY_NAME[name]
    if probe(level) is not None:
        pytest.skip(f"{name}: {probe(level)}")
    return level


@pytest.fixture(params=BY_NAME)
def level(request):
    return _working(request.param)


@pytest.fixture(params=[level.name for level in ISOLATING])
def closed(request):
    """A level with a file system and processes of its own."""
    return _working(request.param)


@pytest.fixture(autouse=True)
def _something_shuts_in(request):
    if "level" not in request.fixturenames and "closed" not in request.fixturenames and all(map(probe, ISOLATING)):
        pytest.skip(f"nothing shuts programs in here: {[probe(level) for level in ISOLATING]}")
