"""What whole runs share."""

from collections.abc import Iterator

import pytest

from tests.servers import Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """One vLLM server for the files that share it (tests/conftest.py); whoever samples from it pushes weights first."""
    # Blocks that the prompts fill, so that the prefix cache has some.
    with serving(tmp_path_factory.mktemp("server") / "log.txt", "--block-size", "32") as started:
        yield started
