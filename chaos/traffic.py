"""The load: every company books, repeats and cancels until told to stop, and writes down what it was promised."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from chaos.client import Answer, Company, GaveUp
from chaos.record import Record
from chaos.wishes import BY_OPERATION, Wish, draw

THREADS_PER_COMPANY = 12
# Of the bookings: basic tenants have a small quota of requests.
SHARES = {"basic": 0.16, "premium": 0.42, "enterprise": 0.42}


class Traffic:
    """All companies' clients.

    Args:
        companies: who books.
        record: where promises are noted.
        seed: draws the bookings.
        rate: bookings per second, all companies together.
    """

    def __init__(self, companies: Sequence[Company], record: Record, *, seed: int, rate: float) -> None:
        self._record = record
        self._stopping = threading.Event()
        self._give_up_at = float("inf")
        total = sum(SHARES[company.tier] for company in companies)
        self._threads = [
            threading.Thread(
                target=self._book_for,
                args=(company, seed, total / (SHARES[company.tier] * rate)),
                name=f"traffic-{company.slug}",
                daemon=True,
            )
            for company in companies
        ]

    def start(self) -> None:
        """Begin to book."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Book nothing new; what was begun is finished: repeated until answered, cancelled if that was the plan."""
        self._stopping.set()

    def finish(self, *, seconds: float) -> None:
        """Wait for what was begun; after `seconds` it is given up, which the record shows."""
        self._give_up_at = time.monotonic() + seconds
        for thread in self._threads:
            thread.join()

    def _book_for(self, company: Company, seed: int, pause: float) -> None:
        """Open loop with bounded threads: when they are all waiting, the next booking waits too."""
        free = threading.Semaphore(THREADS_PER_COMPANY)
        wishes = draw(seed, company.slug)
        with ThreadPoolExecutor(THREADS_PER_COMPANY, thread_name_prefix=company.slug) as pool:
            due = time.monotonic()
            while not self._stopping.wait(max(0.0, due - time.monotonic())):
                due = max(due + pause, time.monotonic() - 1)
                if not free.acquire(timeout=1):
                    continue
                pool.submit(self._live_through, company, next(wishes)).add_done_callback(lambda _: free.release())

    def _live_through(self, company: Company, wish: Wish) -> None:
        try:
            Client(company, self._record, until=self._is_over).live_through(wish)
        except GaveUp as error:
            self._record.note("gave up", company=company.slug, key=wish.key, why=str(error))
        except Exception as error:  # noqa: BLE001 - a mistake of the harness must not look like one of the product's
            self._record.note("harness error", company=company.slug, key=wish.key, why=repr(error))

    def _is_over(self) -> bool:
        return time.monotonic() > self._give_up_at


class Client:
    """One wish from the first request to the last.

    Args:
        company: who asks.
        record: where answers are noted.
        until: says when to give up.
    """

    def __init__(self, company: Company, record: Record, *, until: Callable[[], bool] = lambda: False) -> None:
        self._company = company
        self._record = record
        self._until = until

    def live_through(self, wish: Wish) -> Answer:
        """Book, repeat, cancel as the wish says; returns the first settling answer.

        Raises:
            GaveUp: it was told to.
        """
        body = wish.body(now=datetime.now(UTC))
        self._record.note(
            "wish",
            company=self._company.slug,
            key=wish.key,
            route=wish.route,
            declined=wish.is_declined,
            cancel=wish.cancel,
        )
        answer = self._book(wish, body)
        if answer.status != HTTPStatus.ACCEPTED:
            return answer
        steps: list[tuple[float, Callable[[], object]]] = [
            (after, lambda: self._book(wish, body)) for after in wish.repeats
        ]
        if wish.cancel:
            steps.append((wish.cancel_after, lambda: self._cancel(wish, answer)))
        began = time.monotonic()
        for after, step in sorted(steps, key=lambda one: one[0]):
            time.sleep(max(0.0, began + after - time.monotonic()))
            step()
        return answer

    def _book(self, wish: Wish, body: dict[str, Any]) -> Answer:
        if wish.twins == 1:
            return self._send_booking(wish, body)
        with ThreadPoolExecutor(wish.twins) as pool:
            return [*pool.map(lambda _: self._send_booking(wish, body), range(wish.twins))][-1]

    def _send_booking(self, wish: Wish, body: dict[str, Any]) -> Answer:
        answer = self._company.insist(
            "POST", "/api/v1/bookings", body, {"Idempotency-Key": wish.key}, until=self._until
        )
        self._note("booked", wish, answer, booking=_last(answer.body, "resource"))
        return answer

    def _cancel(self, wish: Wish, booked: Answer) -> None:
        if wish.cancel == BY_OPERATION:
            answer = self._company.insist("DELETE", booked.body["links"]["self"], until=self._until)
        else:
            path = f"{booked.body['links']['resource']}/cancellation"
            answer = self._company.insist("POST", path, until=self._until)
        self._note("cancelled", wish, answer, way=wish.cancel, booking=_last(booked.body, "resource"))

    def _note(self, what: str, wish: Wish, answer: Answer, **more: Any) -> None:
        self._record.note(
            what,
            company=self._company.slug,
            key=wish.key,
            status=answer.status,
            problem=answer.problem if answer.status >= HTTPStatus.BAD_REQUEST else "",
            digest=hashlib.sha256(answer.data).hexdigest(),
            location=answer.headers.get("Location", ""),
            operation=_last(answer.body, "self"),
            **more,
        )


def _last(body: dict[str, Any], link: str) -> str:
    """The id at the end of a link."""
    return str(body.get("links", {}).get(link, "")).rpartition("/")[2]
