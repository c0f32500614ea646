"""Breaking the glass 紧急破例: to open a case without a grant, for a reason, for a short time.

Proposals [P] of Jieli until a hospital approves its own: four hours, reviewed within three days.
"""

from datetime import datetime, timedelta

REASONS = ("emergency", "on_the_way", "covering", "other")
LASTS = timedelta(hours=4)
REVIEW_WITHIN = timedelta(days=3)
VERDICTS = ("justified", "not_justified")
SHORTEST_REASON = 6  # characters: two words in Chinese say little, six say something


def ends(at: datetime) -> datetime:
    return at + LASTS
