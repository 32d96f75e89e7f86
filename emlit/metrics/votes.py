"""The vote of a problem's samples."""

from collections import Counter


def majority_share(votes: list[tuple[int, bool]]) -> float:
    """How right the vote of a group is: 1 or 0, or the share of right ones among answers tied for most votes.

    Args:
        votes: (vote, correct) of each sample, as in Prediction; samples with -1, without an answer, do not vote
    """
    counted = Counter(vote for vote, _ in votes if vote >= 0)
    if not counted:
        return 0.0
    right = {vote: correct for vote, correct in reversed(votes)}  # that of an answer's first sample
    most = max(counted.values())
    winners = [vote for vote, count in counted.items() if count == most]
    return sum(right[vote] for vote in winners) / len(winners)
