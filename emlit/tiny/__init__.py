"""The embedded default: a small pretrained reasoner and the task that it half knows."""

from pathlib import Path

from emlit.tiny.problems import problems

MODEL_DIR = Path(__file__).parent / "model"

__all__ = ["MODEL_DIR", "problems"]
