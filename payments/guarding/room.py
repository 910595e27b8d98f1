"""Room for calls to providers in one process: a cap per account, and one for all, both below the worker's threads.

A provider that hangs holds as many threads as its account's cap and no more; the others go on with other companies' work.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from messaging.errors import PutBack
from payments import metrics
from payments.providers.base import Access

# Long enough for a healthy provider's call to end, short beside a hanging one's.
_PATIENCE_SECONDS = 0.1
_AGAIN_SECONDS = 0.5
_changed = threading.Condition()
_taken: Counter[str] = Counter()


class NoRoom(PutBack):
    """As many calls are under way as may be; nothing was sent."""


def _has_room(label: str) -> bool:
    at_account, in_all = settings.PAYMENT_CALLS_PER_ACCOUNT, settings.PAYMENT_CALLS_IN_ALL
    return _taken[label] < at_account and _taken.total() < in_all


@contextmanager
def room(access: Access) -> Iterator[None]:
    """Hold a place while a call is made.

    Raises:
        NoRoom: there is none within a moment.
    """
    label, give_up = access.label, time.monotonic() + _PATIENCE_SECONDS
    with _changed:
        while not _has_room(label):
            left = give_up - time.monotonic()
            if left <= 0 or not _changed.wait(left):
                if _has_room(label):
                    break
                metrics.count_held(access.provider, "room")
                raise NoRoom("The company's calls to its payment provider are all under way.", after=_AGAIN_SECONDS)
        _taken[label] += 1
    try:
        yield
    finally:
        with _changed:
            _taken[label] -= 1
            if not _taken[label]:
                del _taken[label]
            _changed.notify_all()
