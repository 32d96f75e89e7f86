"""What the paper prints for the same tasks (arXiv 2505.15134), to stand beside measured rows, never among them.

Pass@1 in per cent, of one run each; no intervals were published. AIME is the 90 problems of 2022 to 2024; UGPhysics is
semiconductor physics, English and Chinese together; SciCode is with background, on the test split.
"""

from collections.abc import Iterable
from typing import Any

_INFERENCE = (
    "math500", "amc", "aime22-24", "minerva_math", "olympiadbench", "leetcode", "ugphysics_semiconductor",
)  # fmt: skip
_MATHEMATICS = ("math500", "amc", "aime22-24", "minerva_math", "olympiadbench")
_CODING = ("leetcode", "livecodebench")
_SCICODE = ("sub-problems", "scicode")
_: None = None
Table = tuple[str, tuple[str, ...], dict[str, tuple[float | None, ...]]]

# By model: the table, its columns, and its rows.
TABLES: dict[str, list[Table]] = {
    "Qwen/Qwen2.5-Math-7B-Instruct": [
        ("Table 3", _INFERENCE, {
            "base": (79.2, 48.2, 8.9, 43.4, 41.3, 0.6, 18.6),
            "greedy": (79.0, 53.0, 11.1, 42.6, 39.9, 1.1, 18.8),
            "iterative refinement, N = 3": (79.2, 48.2, 8.9, 43.4, 41.3, 1.7, 16.4),
            "self-consistency, N = 4": (78.8, 53.0, 11.1, 43.4, 40.7, _, 19.6),
            "adaptive temperature": (80.8, 55.4, 10.0, 41.5, 38.7, 2.2, 23.7),
            "EM-INF": (80.2, 54.2, 14.4, 42.3, 40.8, 0.6, 23.1),
        }),
    ],
    "Qwen/Qwen2.5-7B-Instruct": [
        ("Table 3", _INFERENCE, {
            "base": (74.0, 41.0, 8.9, 41.2, 37.5, 47.2, 23.4),
            "greedy": (74.2, 44.6, 7.8, 40.4, 37.2, 46.1, 23.7),
            "iterative refinement, N = 3": (73.8, 37.3, 10.0, 41.5, 37.8, 50.0, 21.5),
            "self-consistency, N = 4": (73.4, 43.4, 10.0, 33.5, 41.3, _, 23.4),
            "adaptive temperature": (74.4, 50.6, 10.0, 41.9, 39.7, 49.4, 25.8),
            "EM-INF": (73.8, 45.8, 11.1, 41.2, 38.2, 51.7, 26.9),
        }),
        ("SciCode table", _SCICODE, {
            "base": (11.5, 0.0), "greedy": (13.4, 3.0), "iterative refinement, N = 2": (12.1, 0.0),
            "adaptive temperature": (13.2, 0.0), "EM-INF": (16.7, 1.5),
        }),
    ],
    "Qwen/Qwen2.5-32B-Instruct": [
        ("SciCode table", _SCICODE, {
            "base": (25.4, 4.6), "greedy": (25.4, 4.6), "iterative refinement, N = 2": (24.7, 7.6),
            "adaptive temperature": (28.8, 7.6), "EM-INF": (27.1, 10.7),
        }),
    ],
    "meta-llama/Llama-3.1-8B-Instruct": [
        ("Table 3", _INFERENCE, {
            "base": (40.6, 18.1, 1.1, 22.4, 15.7, 10.6, 17.5),
            "greedy": (40.6, 16.9, 3.3, 21.0, 16.0, 12.8, 16.1),
            "iterative refinement, N = 3": (41.0, 19.3, 1.1, 22.4, 15.7, 11.7, 18.3),
            "self-consistency, N = 4": (41.2, 20.5, 4.4, 20.2, 19.4, _, 20.2),
            "adaptive temperature": (43.6, 25.3, 5.5, 24.3, 16.6, 17.2, 19.9),
            "EM-INF": (43.0, 22.9, 3.3, 22.8, 16.4, 14.4, 20.4),
        }),
        ("Table 4", _MATHEMATICS, {
            "RLOO (labels)": (52.0, 25.3, 3.3, 26.8, 20.7),
            "EM-FT, N = 1": (42.2, 21.7, 3.3, 18.8, 16.4),
            "EM-RL-token": (41.0, 18.1, 5.6, 19.1, 15.6),
            "EM-RL-sequence": (41.6, 18.1, 7.8, 18.4, 16.6),
        }),
    ],
    # The paper calls it Qwen2.5-7b.
    "Qwen/Qwen2.5-Math-7B": [
        ("Table 2", _MATHEMATICS, {
            "base": (43.8, 31.3, 15.6, 14.7, 19.0),
            "SFT (60K labels)": (48.2, 30.2, 10.0, 17.6, 22.4),
            "RLOO (labels), N = 4": (73.0, 57.8, 23.3, 31.2, 34.2),
            "GRPO (labels), N = 4": (71.8, 56.6, 21.1, 25.0, 35.9),
            "EM-FT, N = 1": (67.2, 51.8, 14.4, 33.1, 34.4),
            "SC-RL, N = 4": (73.2, 51.8, 15.6, 26.1, 36.7),
            "EM-RL-sequence, N = 4": (67.2, 53.0, 21.1, 30.9, 35.6),
            "EM-RL-token, N = 4": (70.8, 57.8, 18.9, 30.9, 35.9),
        }),
    ],
    # The coding columns of the same table.
    "PRIME-RL/Eurus-2-7B-SFT": [
        ("Table 2", _CODING, {
            "base": (26.1, 18.4),
            "SFT (60K labels)": (18.3, 18.3),
            "RLOO (labels), N = 4": (28.3, 26.7),
            "GRPO (labels), N = 4": (25.0, 25.8),
            "EM-FT, N = 1": (28.3, 17.2),
            "EM-RL-sequence, N = 4": (31.1, 21.7),
            "EM-RL-token, N = 4": (29.5, 24.5),
        }),
    ],
}  # fmt: skip


def published_rows(model: str, tasks: Iterable[str]) -> list[dict[str, Any]]:
    """The paper's rows for a model and those of its columns that are tasks.

    Returns:
        Each with `task`, `decoding`, `source`, and `pass@1` (and `sub-problems`) as shares
    """
    found = []
    for task in tasks:
        for table, columns, methods in TABLES.get(model, []):
            column = next((each for each in columns if task.removesuffix("_en").removesuffix("_zh") == each), None)
            if column is None:
                continue
            for method, values in methods.items():
                measured = dict(zip(columns, values, strict=True))
                both = ", English and Chinese together" if column != task else ""
                row: dict[str, Any] = {"task": task, "decoding": method, "source": f"published, {table}{both}"}
                shown = {"pass@1": measured[column], "sub-problems": measured.get("sub-problems")}
                row |= {name: value / 100 for name, value in shown.items() if value is not None}
                if "pass@1" in row:
                    found.append(row)
    return found
