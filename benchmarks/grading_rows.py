"""Rows in the schemas of the public benchmarks, made for this repository: none is from any of them."""

import json
from pathlib import Path

from emlit.resilience.files import write_whole

ROWS = {
    "math500": [
        {"problem": "What is $1+2$?", "solution": r"It is $\boxed{3}$.", "answer": "3", "unique_id": "own/1"},
        {"problem": "Halve 3.", "solution": r"So $\boxed{\dfrac32}$.", "answer": r"\frac{3}{2}", "unique_id": "own/2"},
        {"problem": "Solve $x^2=4$.", "solution": r"So $\boxed{-2,2}$.", "answer": r"\pm 2", "unique_id": "own/3"},
        {"problem": "Who won?", "solution": r"It was $\boxed{\text{Ada}}$.", "answer": "Ada", "unique_id": "own/4"},
    ],
    "amc": [
        {"id": 0, "question": "What is $6 \\cdot 7$?", "answer": 42.0, "url": "", "solution": None},
        {"id": 1, "problem": "What is $6 \\cdot 8$?", "answer": "48.0", "url": "", "solution": None},
        {"id": 2, "problem": "What is $3-7$?", "answer": -4.0, "url": "", "solution": None},
    ],
    "aime24": [
        {"id": 0, "problem": "What is $2^5+1$?", "answer": "033", "solution": r"It is $\boxed{033}$.", "url": ""},
        {"id": 1, "problem": "What is $2^9$?", "answer": "512", "solution": r"It is $\framebox{512}$.", "url": ""},
    ],
    "aime22-24": [
        {"id": 0, "question": "What is $11^2$?", "answer": "121", "solution": "It is 121.", "url": ""},
        {"id": 1, "question": "What is $12^2$?", "answer": "144", "solution": r"$\boxed{144}$.", "url": ""},
    ],
    "minerva_math": [
        {"problem": "How long?", "solution": r"$s=\boxed{1.6} \mathrm{~cm}$", "type": "own", "idx": 0},
        {"problem": "How bright?", "solution": r"$L=\boxed{4.5e33}$ ergs/s", "type": "own", "idx": 1},
        {"problem": "Which angle?", "solution": r"$\boxed{\arcsin{1.3 \sin{\theta}}}$.", "type": "own", "idx": 2},
    ],
    "olympiadbench": [
        {"id": 1, "context": None, "question": "Find $f$.", "solution": ["Linear."], "final_answer": ["$f(x)=2 x$"],
         "is_multiple_answer": False, "unit": None, "answer_type": "Expression", "error": None},
        {"id": 2, "context": "Let $n>0$.", "question": "Find $n$.", "solution": ["Two."], "final_answer": ["$69$,$84$"],
         "is_multiple_answer": True, "unit": None, "answer_type": "Numerical", "error": None},
        {"id": 3, "context": None, "question": "How far?", "solution": ["Far."], "final_answer": ["1.2"],
         "is_multiple_answer": False, "unit": None, "answer_type": "Numerical", "error": "1e-1"},
    ],
    "ugphysics_semiconductor_en": [
        {"index": 1, "domain": "own", "subject": "Semiconductor Physics", "topic": "own", "problem": "Which density?",
         "solution": "Dense.", "answers": r"\boxed{4.9 \times 10^{23}}", "answer_type": "NV", "unit": r"\text{m}^{-3}",
         "is_multiple_answer": False, "language": "EN", "level": "own"},
        {"index": 2, "domain": "own", "subject": "Semiconductor Physics", "topic": "own", "problem": "Does it?",
         "solution": "Both.", "answers": r"\boxed{50\%, Yes}", "answer_type": "NV, TF", "unit": r"\%, None",
         "is_multiple_answer": True, "language": "EN", "level": "own"},
        {"index": 3, "domain": "own", "subject": "Semiconductor Physics", "topic": "own", "problem": "Is it a or b?",
         "solution": "The second.", "answers": r"\boxed{b}", "answer_type": "MC", "unit": None,
         "is_multiple_answer": False, "language": "EN", "level": "own"},
    ],
    "gsm8k": [
        {"question": "Ada has 3 bags of 6 nuts. How many nuts?", "answer": "She has 3*6=<<3*6=18>>18 nuts.\n#### 18"},
        {"question": "A pen costs 2, a desk 1,000 more. A desk?", "answer": "1000+2=<<1000+2=1002>>1002\n#### 1,002"},
    ],
}  # fmt: skip


def write_rows(place: Path) -> Path:
    """A directory with a file for each benchmark."""
    for name, rows in ROWS.items():
        write_whole(place / f"{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return place
