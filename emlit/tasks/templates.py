r"""Every prompt that a benchmark adds to its problems, each once.

They are those of arXiv 2505.15134 and its released scripts, but for two slips of theirs: \boxed{{}} with doubled
braces, and \\boxed with a doubled backslash.
"""

# System prompt of MATH-500, AMC, AIME, Minerva Math, OlympiadBench and GSM8K.
REASON_STEP_BY_STEP = r"Please reason step by step, and put your final answer within \boxed{}."

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
