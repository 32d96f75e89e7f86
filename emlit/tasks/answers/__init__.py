"""Finding the answer in a completion, and comparing it with the label."""

from emlit.tasks.answers.equality import math_equal
from emlit.tasks.answers.extraction import extract_answer, extract_boxed, extract_boxes

__all__ = ["extract_answer", "extract_boxed", "extract_boxes", "math_equal"]
