"""Finds every point at which a process may die, by watching it; and dies there.

A point is a commit (also a statement that commits by itself), a wake-up sent to the broker, or an HTTP call to the outside.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import structlog
from psycopg.pq import TransactionStatus

from messaging.outbox import WakeupSender
from wildrydes.kernel.http import OutboundUnknown
from wildrydes.kernel.http.client import OutboundClient

DIED = 86
T = TypeVar("T")
# What changes nothing, so that before and after it are the same moment.
_READS = ("SELECT", "SET", "SHOW", "RESET", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


class Fate(StrEnum):
    """What befalls the process at a point."""

    BEFORE = "dies before"
    AFTER = "dies after"
    REPORTED = "done but reported as lost"


@dataclass(frozen=True)
class Point:
    """One point of a ride: its number, who was at work, what was done."""

    number: int
    who: str
    what: str


@dataclass(frozen=True)
class Doom:
    """Where and how it ends."""

    point: Point
    fate: Fate


class Probe:
    """Numbers the points from `arm` on, and strikes at one of them.

    Attributes:
        points: those that were passed.
        wakeups: deliveries that a worker was told of and has not looked at yet.
        who: what is being done now, when no message is handled.
        struck: whether the doom came.
        lose_answers: how many of the next HTTP calls are done and reported as lost, before and beside any doom.
    """

    def __init__(self, doom: Doom | None = None) -> None:
        self.points: list[Point] = []
        self.wakeups: list[UUID] = []
        self.who = "web"
        self.struck = False
        self.lose_answers = 0
        self._doom = doom
        self._armed = False
        self._thread = threading.get_ident()

    def arm(self) -> None:
        """Count from here on."""
        self._armed = True

    def listing(self) -> list[dict[str, Any]]:
        """The points, JSON-ready."""
        return [asdict(point) for point in self.points]

    def pass_by(self, what: str, act: Callable[[], T], *, lost: Callable[[], Exception]) -> T:
        """Do it, or die in the attempt. `lost` makes the error with which it is reported as not done."""
        # The heartbeat beats when it is time, not when the ride has come to a point.
        if not self._armed or threading.get_ident() != self._thread:
            return act()
        who = str(structlog.contextvars.get_contextvars().get("handler", self.who))
        self.points.append(Point(len(self.points) + 1, who, what))
        fate = None
        if self._doom is not None and self._doom.point.number == len(self.points):
            assert self._doom.point == self.points[-1], f"{self._doom.point} was to be here, found {self.points[-1]}"
            self.struck, fate = True, self._doom.fate
        if fate is Fate.BEFORE:
            os._exit(DIED)
        result = act()
        if fate is Fate.AFTER:
            os._exit(DIED)
        if fate is Fate.REPORTED:
            raise lost()
        return result

    def install(self) -> None:
        """Watch this process, for good: it is a child that ends soon."""
        self._watch_database()
        self._watch_broker()
        self._watch_outside()

    def _watch_database(self) -> None:
        commit, execute = psycopg.Connection.commit, psycopg.Cursor.execute

        def cut(session: psycopg.Connection[Any]) -> Exception:
            session.close()
            return psycopg.OperationalError("the connection is lost")

        def watched_commit(session: psycopg.Connection[Any]) -> None:
            if session.info.transaction_status == TransactionStatus.IDLE:
                commit(session)  # nothing was begun
            else:
                self.pass_by("COMMIT", lambda: commit(session), lost=lambda: cut(session))

        def watched_execute(cursor: Any, query: Any, *given: Any, **more: Any) -> Any:
            words = str(query if isinstance(query, str) else getattr(query, "as_string", str)(None)).split()
            idle = cursor.connection.info.transaction_status == TransactionStatus.IDLE
            if not (cursor.connection.autocommit and idle) or words[0].upper() in _READS:
                return execute(cursor, query, *given, **more)
            table = next((word.strip("()") for word in words if "_" in word), "").replace('"', "")
            return self.pass_by(
                f"{words[0].upper()} … {table}",
                lambda: execute(cursor, query, *given, **more),
                lost=lambda: cut(cursor.connection),
            )

        psycopg.Connection.commit = watched_commit  # type: ignore[method-assign]
        psycopg.Cursor.execute = watched_execute  # type: ignore[method-assign,assignment]

    def _watch_broker(self) -> None:
        send = WakeupSender.send

        def watched_send(sender: WakeupSender, wakeups: Any) -> None:
            self.pass_by(
                "wake-up", lambda: send(sender, wakeups), lost=lambda: ConnectionError("the connection is lost")
            )
            self.wakeups += [wakeup.delivery_id for wakeup in wakeups]

        WakeupSender.send = watched_send  # type: ignore[method-assign]

    def _watch_outside(self) -> None:
        ask = OutboundClient._answer

        def watched_ask(client: OutboundClient, request: Any, **limits: Any) -> Any:
            if self.lose_answers:
                self.lose_answers -= 1
                ask(client, request, **limits)
                raise OutboundUnknown("no answer in time")
            what = f"{request.method} {_anonymous(request.target.path)}"
            return self.pass_by(
                what, lambda: ask(client, request, **limits), lost=lambda: OutboundUnknown("no answer in time")
            )

        OutboundClient._answer = watched_ask  # type: ignore[method-assign]


def _anonymous(path: str) -> str:
    """The path without query and ids, so that two rides have the same points."""
    parts = path.partition("?")[0].split("/")
    return "/".join("…" if any(character.isdigit() for character in part) and len(part) > 8 else part for part in parts)
