"""Which processes there are: each writes a row of its own every few seconds, so that any other can tell who is missing.

A process that cannot be asked (on another machine, behind no route) is known to live by this; the row of one that died is
old, and goes after a day.
"""

import os
import socket
import threading
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import Error, connection
from django.db.models import Count, Max, Q
from django.db.models.functions import Now

from messaging.models import ProcessBeat
from tenants.registry.context import enter_public

_log = structlog.get_logger(__name__)

EVERY_SECONDS = 5.0
# Three beats may be late before somebody is called missing.
MISSING_AFTER = timedelta(seconds=20)
_FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Processes of one kind: how many were seen lately, and how many seconds ago the last one was."""

    kind: str
    alive: int
    seconds_ago: float


class BeatRow:
    """One process's row."""

    def __init__(self, kind: str, *, about: str = "") -> None:
        """`kind` is `worker`, `sweeper`, …; `about` what it serves, such as tiers."""
        self._kind = kind
        self._about = about[:100]
        self._name = f"{kind}@{socket.gethostname()}:{os.getpid()}"[:150]

    def write(self) -> None:
        """Say that the process is there.

        Raises:
            django.db.Error: the database is away.
        """
        with enter_public():
            ProcessBeat.objects.update_or_create(
                name=self._name, defaults={"kind": self._kind, "about": self._about, "seen_at": Now()}
            )
            ProcessBeat.objects.filter(kind=self._kind, seen_at__lt=Now() - _FORGOTTEN_AFTER).delete()

    def remove(self) -> None:
        """Say goodbye, as far as the database hears it."""
        try:
            with enter_public():
                ProcessBeat.objects.filter(name=self._name).delete()
        except Error as error:
            _log.warning("beat.not_removed", error=type(error).__name__)

    def keep_writing(self, stopped: threading.Event) -> None:
        """Write until told to stop, in a thread of its own, with a connection per beat: an idle process holds none for it."""
        is_away = False
        while True:
            try:
                self.write()
                is_away = False
            except Error as error:
                if not is_away:  # said once, not every few seconds
                    _log.warning("beat.not_written", error=type(error).__name__)
                is_away = True
            finally:
                connection.close()
            if stopped.wait(EVERY_SECONDS):
                return


def seen_lately() -> dict[str, Seen]:
    """The kinds of process that were seen within a day, by name."""
    with enter_public():
        rows = (
            ProcessBeat.objects.order_by()
            .values("kind")
            .annotate(alive=Count("name", filter=Q(seen_at__gt=Now() - MISSING_AFTER)), ago=Now() - Max("seen_at"))
        )
        return {
            row["kind"]: Seen(kind=row["kind"], alive=row["alive"], seconds_ago=row["ago"].total_seconds())
            for row in rows
        }


def abouts_of(kind: str) -> list[str]:
    """What each process of a kind that was seen lately serves."""
    with enter_public():
        rows = ProcessBeat.objects.filter(kind=kind, seen_at__gt=Now() - MISSING_AFTER)
        return list(rows.values_list("about", flat=True))
