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

# LiveCodeBench's own prompt for chat models.
EXPERT_PROGRAMMER = (
    "You are an expert Python programmer. You will be given a question (problem specification) and will generate a "
    "correct Python program that matches the specification and passes all tests. You will NOT return anything except "
    "for the program."
)
LIVECODEBENCH = """### Question:
{question}

### Format: {format}

### Answer: (use the provided format with backticks)

"""
STARTER_CODE = """You will use the following starter code to write the solution to the problem and enclose your code \
within delimiters.
```python
{code}
```"""
READ_STDIN = """Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on \
the sample inputs). Enclose your code within delimiters as follows.
```python
# YOUR CODE HERE
```"""

# SciCode's prompt with background, and without.
SCICODE_WITH_BACKGROUND = """PROBLEM DESCRIPTION:
You will be provided with problem steps along with background knowledge necessary for solving the problem. Your task \
will be to develop a Python solution focused on the next step of the problem-solving process.

PROBLEM STEPS AND FUNCTION CODE:
Here, you'll find the Python code for the initial steps of the problem-solving process. This code is integral to \
building the solution.

{previous}

NEXT STEP - PROBLEM STEP AND FUNCTION HEADER:
This part will describe the next step in the problem-solving process. A function header will be provided, and your \
task is to develop the Python code for this next step based on the provided description and function header.

{next}

DEPENDENCIES:
Use only the following dependencies in your solution. Do not include these dependencies at the beginning of your code.

{dependencies}

RESPONSE GUIDELINES:
Now, based on the instructions and information provided above, write the complete and executable Python program for \
the next step in a single block.
Your response should focus exclusively on implementing the solution for the next step, adhering closely to the \
specified function header and the context provided by the initial steps.
Your response should NOT include the dependencies and functions of all previous steps. If your next step function \
calls functions from previous steps, please make sure it uses the headers provided without modification.
DO NOT generate EXAMPLE USAGE OR TEST CODE in your response. Please make sure your response python code in format of \
```python```."""
SCICODE_WITHOUT_BACKGROUND = """PROBLEM DESCRIPTION:
You will be provided with the main description of the problem, previous steps, and the next step. Your task will be \
to generate the disciplinary knowledge necessary for solving the next step and then develop a Python solution focused \
on this step.

PREVIOUS STEPS DESCRIPTION:
{previous}

NEXT STEP - PROBLEM DESCRIPTION AND FUNCTION HEADER:
This part will describe the next step in the problem-solving process. First, provide the necessary scientific \
background knowledge as a comment at the beginning of your response, starting with 'Background: '. Then, a function \
header will be provided, and your task is to develop the Python code for this next step based on the provided \
description and function header.

{next}

DEPENDENCIES:
Use only the following dependencies in your solution. Do not include these dependencies at the beginning of your code.
{dependencies}

RESPONSE GUIDELINES:
1. Start with the scientific background required for the next step, formatted as a comment.
2. Then write the complete and executable Python program for the next step in a single block.
3. Your response should focus exclusively on implementing the solution for the next step, adhering closely to the \
specified function header and the context provided by the initial steps.
4. DO NOT include previous function code, example usage or test code in your response.
5. Ensure your response is in the format of ```python``` and includes the necessary background as a comment at the top.

Example:
```python
# Background: [Here, insert the necessary scientific knowledge required for the next step.]

[Insert the Python code here based on the provided function header and dependencies.]
```"""
