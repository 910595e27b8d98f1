"""No process waits for ever for a database that does not answer.

The server ends statements by itself (`statement_timeout`), and the kernel notices a peer that is gone (`tcp_user_timeout`,
keepalives; see settings.py). Neither helps when something in between takes our bytes and answers nothing: a proxy that hangs, a
server that was paused. Then the client has to give up.
"""

from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.signals import connection_created
from psycopg.abc import PQGen

_R = TypeVar("_R")


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which each answer is waited for a limited time."""

    def wait(self, gen: PQGen[_R], interval: float = 0.1, timeout: float | None = None) -> _R:
        """Wait for the server.

        Raises:
            OperationalError: it did not answer in time; the connection is closed, for what it would say next answers nothing.
        """
        try:
            return super().wait(gen, interval, settings.DATABASE_ANSWER_SECONDS if timeout is None else timeout)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001  # psycopg has no public name for it
            self.pgconn.finish()
            raise psycopg.OperationalError("The database did not answer in time.") from error


def bound_answers() -> None:
    """From now on wait `DATABASE_ANSWER_SECONDS` for an answer, on every connection that Django opens in this process.

    For processes that serve; commands whose statements may take longer (migrations) do not call this.
    """
    connection_created.connect(_bound, dispatch_uid="bounded answers")


def _bound(sender: object, connection: Any, **kwargs: object) -> None:
    if type(connection.connection) is psycopg.Connection:
        connection.connection.__class__ = BoundedConnection
