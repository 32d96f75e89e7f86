"""Finding the answer in a completion, and comparing it with the label."""

from emlit.grading.equality import math_equal
from emlit.grading.extraction import extract_answer, extract_boxed, extract_boxes

__all__ = ["extract_answer", "extract_boxed", "extract_boxes", "math_equal"]
