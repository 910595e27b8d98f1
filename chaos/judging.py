"""The judge: pure. Takes the record and the evidence, and believes neither our API nor the provider alone."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chaos.evidence import FINAL, Evidence
from chaos.promises import Promise, Story

RIDE_STANDS = frozenset({"confirmed", "completed"})
RIDE_IS_OFF = frozenset({"cancelled", "failed"})
# Of the rides that nobody cancelled and whose card was good.
LEAST_CONFIRMED = 0.99
# What must be zero. `dead_letters` may be excused, see `judge`.
CRIMES = (
    "lost",
    "late",
    "unanswered",
    "booked_twice",
    "charged_twice",
    "money_mismatch",
    "points_mismatch",
    "answers_changed",
    "webhooks_with_other_ids",
    "webhooks_missing",
    "dead_letters",
)


@dataclass(kw_only=True)
class Judgement:
    """Figures and findings.

    Attributes:
        counts: by name; those in CRIMES must be zero.
        reasons: why rides failed, with how many did.
        findings: each crime, in one line that says where to look.
        excused: crimes that do not count in this run.
    """

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    excused: frozenset[str] = frozenset()

    def accuse(self, crime: str, text: str) -> None:
        """Count a crime and remember it."""
        self.counts[crime] += 1
        self.findings.append(f"{crime}: {text}")

    @property
    def confirmed_share(self) -> float:
        """Confirmed, of those that should have been; 1 when there were none."""
        wanted = self.counts["confirmed"] + self.counts["failed"]
        return self.counts["confirmed"] / wanted if wanted else 1.0

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        crimes = [crime for crime in CRIMES if self.counts[crime] and crime not in self.excused]
        return not crimes and self.confirmed_share >= LEAST_CONFIRMED and self.counts["promised"] > 0


def judge(story: Story, evidence: Evidence, *, settle_seconds: float, provider_fails: bool = False) -> Judgement:
    """Judge a run.

    Args:
        story: our own record.
        evidence: what the witnesses said.
        settle_seconds: how long after healing a promise may end.
        provider_fails: whether the payment provider misbehaved: then a dead letter is counted and no crime, for its outcome
            is judged like any other.
    """
    judgement = Judgement(excused=frozenset({"dead_letters"}) if provider_fails else frozenset())
    for slug, seen in evidence["companies"].items():
        promises = [promise for promise in story.promises.values() if promise.company == slug]
        _Court(judgement, slug, seen, story.healed_at, settle_seconds).hear(promises)
    for letter in evidence["dead_letters"]:
        judgement.accuse(
            "dead_letters", f"{letter['handler']} {letter['reason']} {letter['error_class']} {letter['id']}"
        )
    return judgement


class _Court:
    """One company's promises."""

    def __init__(
        self,
        judgement: Judgement,
        slug: str,
        seen: Mapping[str, Any],
        healed_at: float | None,
        settle_seconds: float,
    ) -> None:
        self._judgement = judgement
        self._slug = slug
        self._seen = seen
        self._latest_end = None if healed_at is None else healed_at + settle_seconds
        self._charges = _by(seen["ledger"], "reference", lambda row: row["object"] == "charge")
        self._refunds = _by(seen["ledger"], "charge", lambda row: row["object"] == "refund")
        self._points = _by(seen["points"], "booking_id")
        self._webhooks = _by(seen["webhooks"], "booking")

    def hear(self, promises: Iterable[Promise]) -> None:
        known = {promise.key: promise for promise in promises}
        for promise in known.values():
            self._hear_one(promise)
        self._look_for_strangers(known)

    def _hear_one(self, promise: Promise) -> None:
        where = f"{self._slug} booking {promise.booking or '?'} key {promise.key}"
        counts = self._judgement.counts
        if not promise.was_made:
            self._judgement.accuse("unanswered", f"{where}: {promise.answers or 'no answer'}")
            return
        counts["promised"] += 1
        counts["repeated"] += len(promise.answers) - 1
        counts["cancellations"] += len(promise.cancellations)
        for _ in range(promise.changed_answers):
            self._judgement.accuse("answers_changed", f"{where}: {promise.answers}")
        booking = self._seen["bookings"].get(promise.booking)
        if booking is None or booking["reference"] != promise.key:
            self._judgement.accuse("lost", f"{where}: the API does not know it")
            return
        if not self._has_ended(promise, where):
            return
        counts["ended"] += 1
        self._hear_outcome(promise, booking, where)

    def _has_ended(self, promise: Promise, where: str) -> bool:
        """Whether all its operations have ended, and in time."""
        ended = True
        for operation_id in (promise.operation, *promise.cancellations):
            operation = self._seen["operations"].get(operation_id)
            if operation is None or operation["status"] not in FINAL:
                status = operation["status"] if operation else "unknown"
                self._judgement.accuse("lost", f"{where}: operation {operation_id} is {status}")
                ended = False
            elif self._latest_end is not None and _seconds(operation["finished_at"]) > self._latest_end:
                self._judgement.accuse("late", f"{where}: operation {operation_id} ended {operation['finished_at']}")
        return ended

    def _hear_outcome(self, promise: Promise, booking: Mapping[str, Any], where: str) -> None:
        state, status = booking["state"], self._seen["operations"][promise.operation]["status"]
        if not _agree(promise, state, status):
            self._judgement.accuse(
                "lost",
                f"{where}: the booking is {state}, its operation {status}, called off {promise.wishes_to_cancel}",
            )
        self._count(promise, booking, status)
        self._hear_money(promise, booking, where)
        self._hear_points(promise, state, where)
        self._hear_webhooks(promise, state, where)

    def _count(self, promise: Promise, booking: Mapping[str, Any], status: str) -> None:
        counts, state = self._judgement.counts, booking["state"]
        if state in RIDE_STANDS:
            counts["confirmed"] += 1
        elif state == "cancelled":
            counts["cancelled"] += 1
        else:
            code = (booking["failure"] or {}).get("code") or status
            counts["declined" if promise.is_declined and code == "payment-declined" else "failed"] += 1
            self._judgement.reasons[code] += 1

    def _hear_money(self, promise: Promise, booking: Mapping[str, Any], where: str) -> None:
        taken = [row for row in self._charges[promise.booking] if row["status"] == "succeeded"]
        back = sum(row["amount"] for charge in taken for row in self._refunds[charge["id"]])
        fare = booking["fare"]["amount_minor"]
        if len(taken) > 1:
            self._judgement.accuse("charged_twice", f"{where}: {[row['id'] for row in taken]}")
        total = sum(row["amount"] for row in taken)
        if promise.amount is not None and fare != promise.amount:
            self._judgement.accuse("money_mismatch", f"{where}: costs {fare}, should cost {promise.amount}")
        if booking["state"] in RIDE_STANDS:
            self._judgement.counts["on_credit"] += booking["paid_by"] != "card"
            due = fare if booking["paid_by"] == "card" else 0
            if total - back != due or back or promise.is_declined:
                self._judgement.accuse("money_mismatch", f"{where}: stands, due {due}, taken {total}, back {back}")
        elif total != back or booking["refund"] not in {"none", "done"}:
            self._judgement.accuse(
                "money_mismatch", f"{where}: is off, taken {total}, back {back}, refund {booking['refund']}"
            )

    def _hear_points(self, promise: Promise, state: str, where: str) -> None:
        entries = self._points[promise.booking]
        due = promise.points if state in RIDE_STANDS else 0
        twice = [kind for kind, count in Counter(entry["kind"] for entry in entries).items() if count > 1]
        if twice or (due is not None and sum(entry["points"] for entry in entries) != due):
            self._judgement.accuse("points_mismatch", f"{where}: {state}, due {due}, {entries}")

    def _hear_webhooks(self, promise: Promise, state: str, where: str) -> None:
        ids: dict[str, set[str]] = defaultdict(set)
        for message in self._webhooks[promise.booking]:
            ids[message["type"]].add(message["id"])
        self._judgement.counts["webhooks"] += len(self._webhooks[promise.booking])
        for kind, different in ids.items():
            if len(different) > 1:
                self._judgement.accuse("webhooks_with_other_ids", f"{where}: {kind} {sorted(different)}")
        if f"booking.{state}" not in ids:
            self._judgement.accuse("webhooks_missing", f"{where}: no booking.{state}, only {sorted(ids)}")

    def _look_for_strangers(self, known: Mapping[str, Promise]) -> None:
        """Bookings and money that nobody was promised."""
        for booking_id, booking in self._seen["bookings"].items():
            promise = known.get(booking["reference"])
            if promise is None or promise.booking != booking_id:
                self._judgement.accuse("booked_twice", f"{self._slug} booking {booking_id} key {booking['reference']}")
        ours = {promise.booking for promise in known.values()}
        for reference, rows in self._charges.items():
            if reference not in ours:
                self._judgement.accuse("money_mismatch", f"{self._slug}: charged for no booking of ours: {rows}")


def _agree(promise: Promise, state: str, status: str) -> bool:
    """Whether booking and operation tell the same story, and one that the client's wishes allow."""
    if state in RIDE_STANDS:
        return status == "succeeded" and not promise.cancellations
    if state == "cancelled":
        # Called off while undecided, its operation is cancelled; called off afterwards, that has succeeded.
        return bool(promise.wishes_to_cancel) and status in {"cancelled", "succeeded"}
    return state == "failed" and status in {"failed", "expired"}


def _by(
    rows: Iterable[Mapping[str, Any]], name: str, keep: Callable[[Mapping[str, Any]], bool] = bool
) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if keep(row):
            found[row[name]].append(row)
    return found


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
