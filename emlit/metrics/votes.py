"""The vote of a problem's samples."""

from emlit.tasks import answer_classes, math_equal


def majority_share(answers: list[tuple[str | None, bool]]) -> float:
    """How right the vote of a group is: 1 or 0, or the share of right ones among answers tied for most votes.

    Args:
        answers: (answer, correct) of each sample; samples without an answer do not vote
    """
    classes = answer_classes([answer for answer, _ in answers], math_equal)
    if not classes:
        return 0.0
    most = max(map(len, classes))
    winners = [members for members in classes if len(members) == most]
    return sum(answers[members[0]][1] for members in winners) / len(winners)
