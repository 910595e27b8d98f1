"""No process waits for ever for a database that does not answer.

The server ends statements by itself (`statement_timeout`), and the kernel notices a peer that is gone (`tcp_user_timeout`,
keepalives; see settings.py). Neither helps when something in between takes our bytes and answers nothing: a proxy that hangs, a
server that was paused. Then the client has to give up.
"""

from typing import Any, TypeVar

import psycopg
from django.db.backends.signals import connection_created
from psycopg.abc import PQGen

# Longer than the server's own statement_timeout, so that a slow statement ends with the server's words.
ANSWER_SECONDS = 40.0
_R = TypeVar("_R")
_limit = ANSWER_SECONDS


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which each answer is waited for a limited time."""

    def wait(self, gen: PQGen[_R], interval: float = 0.1, timeout: float | None = None) -> _R:
        """Wait for the server.

        Raises:
            OperationalError: it did not answer in time; the connection is closed, for what it would say next answers nothing.
        """
        try:
            return super().wait(gen, interval, _limit if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001  # psycopg has no public name for it
            self.pgconn.finish()
            raise psycopg.OperationalError(f"The database did not answer within {_limit:g} s.") from error


def bound_answers(seconds: float = ANSWER_SECONDS) -> None:
    """From now on give up waiting for an answer after so many seconds, on every connection that Django opens in this process.

    For processes that serve; commands whose statements may take longer (migrations) do not call this.
    """
    global _limit  # one per process
    _limit = seconds
    connection_created.connect(_bound, dispatch_uid="bounded answers")


def _bound(sender: object, connection: Any, **kwargs: object) -> None:
    if type(connection.connection) is psycopg.Connection:
        connection.connection.__class__ = BoundedConnection
