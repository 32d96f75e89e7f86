"""What ends a run in a sentence where an engine fails, and what keeps its traceback."""

from dataclasses import dataclass

import pytest
import torch

from emlit.decoding import Decoding
from emlit.engines import ModelSource, Request, Sampling, TransformersEngine, sample
from emlit.errors import ConfigError, EngineError
from emlit.tiny import MODEL_DIR
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


@dataclass(frozen=True)
class Mistaken(Decoding):
    """A product of shapes that do not go together."""

    def __call__(self, logits):
        return logits @ logits


def test_a_decoding_of_the_users_own_shows_its_traceback():
    engine = TransformersEngine(device="cpu")
    engine.start(ModelSource(str(MODEL_DIR), 64, (1,)))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as raised:
        sample(engine, [Request([5, 6, 7], 0)], Sampling(decoding=Mistaken()))
    assert raised.traceback[-1].path.samefile(__file__)
