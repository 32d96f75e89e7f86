r"""Every prompt that a benchmark adds to its problems, each once.

They are those of arXiv 2505.15134 and its released scripts, but for two slips of theirs: \boxed{{}} with doubled
braces, and \\boxed with a doubled backslash.
"""

# System prompt of MATH-500, AMC, AIME, Minerva Math, OlympiadBench and GSM8K.
REASON_STEP_BY_STEP = r"Please reason step by step, and put your final answer within \boxed{}."
