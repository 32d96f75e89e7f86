"""Untrusted programs, shut in: run by themselves, or called by tests that they cannot reach."""

from emlit.sandbox.grading import run_tests
from emlit.sandbox.isolation import isolation
from emlit.sandbox.limits import ExecutionResult, Limits
from emlit.sandbox.run import run_all, run_python

__all__ = ["ExecutionResult", "Limits", "isolation", "run_all", "run_python", "run_tests"]
