"""What ends a run in a sentence where an engine fails, and what keeps its traceback."""

import pytest
import torch

from emlit.engines import Request, Sampling, TransformersEngine, sample
from emlit.errors import ConfigError, EngineError
from tests.unit.rollout.test_stream import Echo


def failing(monkeypatch, error: Exception) -> TransformersEngine:
    def generate(*_):
        raise error

    monkeypatch.setattr(TransformersEngine, "generate", generate)
    return TransformersEngine()


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("first line\nout of\nmemory\nat last"), r"RuntimeError: out of \| memory \| at last; once"),
        (torch.AcceleratorError("CUDA error: an illegal memory access"), "AcceleratorError: CUDA error: an illegal"),
        (caused(RuntimeError("the worker failed"), OSError("no space")), "failed, caused by OSError: no space"),
        (MemoryError(), "with: MemoryError; once the cause is gone, fit is resumed .* --ckpt_path auto"),
    ],
)
def test_what_a_machine_does_is_one_sentence(error, expected, monkeypatch):
    with pytest.raises(EngineError, match=expected):
        sample(failing(monkeypatch, error), [Request([1, 2], 0)], Sampling())


@pytest.mark.parametrize("error", [TypeError("a mistake"), NotImplementedError("not yet"), ConfigError("a key")])
def test_mistakes_of_a_program_and_sentences_stay_what_they_are(error, monkeypatch):
    with pytest.raises(type(error), match=str(error)):
        sample(failing(monkeypatch, error), [Request([1, 2], 0)], Sampling())


def test_an_engine_of_the_users_own_shows_its_traceback(monkeypatch):
    def generate(*_):
        raise RuntimeError("hers")

    monkeypatch.setattr(Echo, "generate", generate)
    with pytest.raises(RuntimeError, match="hers"):
        sample(Echo(), [Request([1, 2], 0)], Sampling())
