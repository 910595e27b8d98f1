"""Dry runs: the words with which a handler's `foresee` (see `messaging.topology.Route`) answers.

A dry run is one sentence for support staff, without personal data; where money would move it says how much and which way.
"""

from messaging.topology import Prospect, Verdict
from wildrydes.kernel.money import Money


def would(summary: str, money: Money | None = None) -> Prospect:
    """Handling the message now would do something."""
    return Prospect(verdict=Verdict.ACT, summary=summary, money=money)


def nothing_due(summary: str) -> Prospect:
    """Handling the message now would change nothing."""
    return Prospect(verdict=Verdict.OBSOLETE, summary=summary)


def cannot_tell(summary: str) -> Prospect:
    """What the message is about is not there, or it would be refused again."""
    return Prospect(verdict=Verdict.UNKNOWN, summary=summary)
