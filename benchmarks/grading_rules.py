"""What each rule of `math_equal`'s writing earns (`python -m benchmarks.grading_rules`).

Each is left out in turn, and the pairs of the tests that are then judged wrongly are counted: equal ones taken for
different, and different ones taken for equal. A rule with neither is one to delete, or a pair is missing.
"""

import sys

from emlit.tasks import math_equal
from emlit.tasks.answers import writing
from tests.tasks.answers.pairs import DIFFERENT, EQUAL
from tests.tasks.answers.test_equality import DIFFERENT as OTHERS_DIFFERENT
from tests.tasks.answers.test_equality import EQUAL as OTHERS_EQUAL


def wrong() -> tuple[int, int]:
    """How many equal pairs are found different, and how many different ones equal."""
    return (
        sum(not math_equal(*pair) for pair in OTHERS_EQUAL + EQUAL),
        sum(math_equal(*pair) for pair in OTHERS_DIFFERENT + DIFFERENT),
    )


def main() -> int:
    print(f"{len(OTHERS_EQUAL + EQUAL)} equal pairs, {len(OTHERS_DIFFERENT + DIFFERENT)} different ones")
    print("| without | equal pairs lost | different pairs taken for equal |\n| --- | ---: | ---: |")
    print("| nothing | {} | {} |".format(*wrong()), flush=True)
    for place in range(len(writing._RULES)):
        rule = writing._RULES.pop(place)
        print("| `{}` | {} | {} |".format(rule[0].pattern.replace("|", "\\|"), *wrong()), flush=True)
        writing._RULES.insert(place, rule)
    return 0


if __name__ == "__main__":
    sys.exit(main())
