"""Dry runs: asking a route what handling a message would do now, where it cannot do anything."""

from typing import Any

import structlog
from django.db import connection, transaction

from messaging.messages import Envelope, handling
from messaging.topology import Prospect, Route, Verdict

_log = structlog.get_logger(__name__)
_NOBODY_SAYS = Prospect(
    verdict=Verdict.UNKNOWN, summary="This handler does not tell what it would do; it would be run again."
)


def foresee(route: Route, envelope: Envelope[Any]) -> Prospect:
    """What handling the message would do now. In the message's schema; what the route tries to change is refused.

    A route that has no answer or fails to give one is not an error: the verdict is `unknown`.
    """
    if route.foresee is None:
        return _NOBODY_SAYS
    try:
        # Rolled back in any case, which takes the read-only mode with it.
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL transaction_read_only = on")
            with handling(envelope):
                prospect = route.foresee(envelope)
            transaction.set_rollback(True)
    except Exception as error:
        if connection.connection is None or connection.connection.closed:
            raise  # the database went away, which says nothing of the message
        _log.warning("deadletters.unforeseen", handler=route.name, error=type(error).__name__)
        return Prospect(
            verdict=Verdict.UNKNOWN, summary=f"What it would do could not be foreseen ({type(error).__name__})."
        )
    return prospect
