"""Counts the cases of this folder: a run of all of it that has fewer than 2,000 fails.

By default the cases are the same in every run. `pytest tests/unit/fuzz --hypothesis-profile=deep` draws twenty times as
many, others each time; tests/unit/fuzz/cases.py scales them.
"""

import functools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

AT_LEAST = 2000
_HERE = Path(__file__).parent
_counted: Counter[str] = Counter()
_left_out: list[str] = []

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile(
    "reproducible", deadline=None, derandomize=True, database=None, print_blob=True, suppress_health_check=_SLOW_IS_FINE,  # noqa: E501
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)  # fmt: skip
settings.register_profile(
    "deep", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile("reproducible")  # --hypothesis-profile is read later and so has the last word


def _counting(test, name):
    @functools.wraps(test)
    def counted(*args, **kwargs):
        test(*args, **kwargs)
        _counted[name] += 1  # what Hypothesis throws away, or what fails, raises and so does not count

    return counted


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fuzzed = getattr(getattr(item, "obj", None), "hypothesis", None)
        if fuzzed is not None and _HERE in item.path.parents:
            fuzzed.inner_test = _counting(fuzzed.inner_test, item.name)


def pytest_deselected(items: list[pytest.Item]) -> None:
    _left_out.extend(item.nodeid for item in items if _HERE in item.path.parents)


def _is_whole(session: pytest.Session) -> bool:
    run = {item.path for item in session.items}
    return (
        not _left_out and set(_HERE.glob("test_*.py")) <= run and not any("::" in name for name in session.config.args)
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _is_whole(session) and not session.testsfailed and sum(_counted.values()) < AT_LEAST:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    total = sum(_counted.values())
    wanted = f" of at least {AT_LEAST:,}" if _is_whole(terminalreporter._session) else ""
    terminalreporter.write_line(f"fuzz: {total:,} cases{wanted} in {len(_counted)} tests")
