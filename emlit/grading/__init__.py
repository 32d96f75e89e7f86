"""Finding the answer in a completion, and comparing it with the label."""

from emlit.grading.equality import math_equal
from emlit.grading.extraction import extract_answer, extract_boxed, extract_boxes, in_a_box

__all__ = ["extract_answer", "extract_boxed", "extract_boxes", "in_a_box", "math_equal"]
