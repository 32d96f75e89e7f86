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

# How a worked solution that has no box of its own ends, as something to learn from and as a completion that is right.
FINAL_ANSWER = r"Therefore, the final answer is $\boxed{{{answer}}}$."

# UGPhysics asks in the user's turn, in the row's language, and says of what type the answer is. The wording is its
# authors', "inteval" and "seperated" included.
UGPHYSICS = {
    "en": (
        "The following is an open-ended problem from {subject} of the undergraduate-level Physics. {types}Please "
        "calculate the answer according to the given requirements and the information provided. Please use LaTeX "
        "format to represent the variables and formulas used in the solution process and results. Please end your "
        'solution with "So the final answer is {box}." and give the result explicitly, note that the unit of the '
        "answers should not be included in \\boxed{{}}.\n\n{problem}"
    ),
    "zh": (
        "以下是大学物理的{subject}科目中的解答题{types}。请根据题目的要求和所提供的信息计算得出答案。解答过程和结果中使用的"
        "变量和公式请使用LaTeX格式表示。请在最后以“所以最终答案是{box}。”显式给出结果。注意答案的单位不要放在\\boxed{{}}中。"
        "\n\n{problem}"
    ),
}
UGPHYSICS_BOXES = {
    "en": {False: r"\boxed{answer}(unit)", True: r"\boxed{multiple answers connected with commas}(unit)"},
    "zh": {False: r"\boxed{答案}(单位)", True: r"\boxed{用英文逗号连接的多个答案}(单位)"},
}
UGPHYSICS_TYPES = {
    "en": {
        "IN": "a range inteval",
        "TF": "either True or False",
        "EX": "an expression",
        "EQ": "an equation",
        "MC": "one option of a multiple choice question",
        "NV": "a numerical value without units",
        "TUP": "multiple numbers, seperated by comma, such as (x, y, z)",
    },
    "zh": {
        "IN": "区间",
        "TF": "是或否",
        "EX": "表达式",
        "EQ": "方程",
        "MC": "多项选择题的一个选项",
        "NV": "数值",
        "TUP": "由逗号隔开的若干元素的元组，比如 (x, y, z)",
    },
}
# One answer; several of one type; several of different types.
UGPHYSICS_TYPE_SENTENCES = {
    "en": (
        "The answer of The problem should be {types}. ",
        "The problem has multiple answers, each of them should be {types}. ",
        "The problem has multiple answers, with the answers in order being {types}. ",
    ),
    "zh": ("，答案类型为{types}", "，题目有多个答案，答案类型均为{types}", "，题目有多个答案，答案类型分别为{types}"),
}
UGPHYSICS_ENDINGS = {
    "en": r"So the final answer is \boxed{{{answer}}}.",
    "zh": r"所以最终答案是\boxed{{{answer}}}。",
}
