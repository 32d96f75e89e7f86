r"""Every prompt that a benchmark adds to its problems, each once.

They are those of arXiv 2505.15134 and its released scripts, but for two slips of theirs: \boxed{{}} with doubled
braces, and \\boxed with a doubled backslash.
"""

# System prompt of MATH-500, AMC, AIME, Minerva Math, OlympiadBench and GSM8K.
REASON_STEP_BY_STEP = r"Please reason step by step, and put your final answer within \boxed{}."

# System prompt of LeetCode, HumanEval and MBPP: that of Eurus-2 (PRIME, arXiv 2502.01456), with which the paper
# samples.
ACTIONS = """
When tackling complex reasoning tasks, you have access to the following actions. Use them as needed to progress \
through your thought process.

[ASSESS]

[ADVANCE]

[VERIFY]

[SIMPLIFY]

[SYNTHESIZE]

[PIVOT]

[OUTPUT]

You should strictly follow the format below:

[ACTION NAME]

# Your action step 1

# Your action step 2

# Your action step 3

...

Next action: [NEXT ACTION NAME]
"""

# At the end of a LeetCode, HumanEval or MBPP problem.
PRESENT_THE_CODE = """

Write Python code to solve the problem. Present the code in
```python
Your code
```
at the end."""

HUMANEVAL = """Write Python code to solve the task.
Write a Python function `{signature}` to solve the following problem: Present code in ```python```
```python
{code}
```
"""

MBPP = """Write Python code to solve the task.
Write a Python function `{signature}` to solve the following problem: Present code in ```python and ```
{description}
The code should pass the following test cases:>>> {test}

 Let's coding step by step.
"""
