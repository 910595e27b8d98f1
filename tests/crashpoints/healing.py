"""Afterwards everything is well: clients ask again, the sweeper sweeps, a worker works. Then it is judged."""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db.models.functions import Now

from api.models import Operation
from bookings.models import Booking
from fleet.models import Reservation
from loyalty.models import Entry
from messaging.models import DeadLetter, Delivery
from messaging.sweeper import Sweeper
from payments.models import Totals
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import TenantRef
from tests.crashpoints.probing import Probe
from tests.crashpoints.rides import Case, Rider, work
from tests.simulators.conftest import Simulator

HEAL_SECONDS = 90.0
# Deadlines and the end of the ride lie ahead; nothing else may be left.
AHEAD = ("api.expire_operation", "bookings.meet_deadline", "bookings.complete_ride")
DEADLINES = AHEAD[:2]


class Healer:
    """A healthy process.

    Args:
        token: the clients'.
        cases: what befell.
    """

    def __init__(self, token: str, cases: Sequence[Case]) -> None:
        self._probe = Probe()
        self._probe.install()
        self._sweeper = Sweeper()
        self._riders = [Rider(token, case, self._probe) for case in cases]

    def heal(self) -> None:
        """Clients repeat what was not answered; everything due is done; deadlines come and change nothing."""
        operations = [(rider, rider.book()) for rider in self._riders]
        refused = [rider.case for rider, operation in operations if operation is None]
        assert not refused, f"a repeated request was not answered with 202: {refused}"
        self._work_off()
        for rider, operation in operations:
            assert operation is not None
            if rider.case.ride in ("cancelled", "refund looked up"):
                assert rider.cancel(operation) == 202
            elif rider.case.ride == "called off":
                assert rider.call_off(operation) in (202, 409)
        self._work_off()
        with enter_public():
            due = Now() - timedelta(seconds=1)
            Delivery.objects.filter(handler__in=DEADLINES).update(not_before=due, due_at=due)
        self._work_off()

    def _work_off(self) -> None:
        give_up = time.monotonic() + HEAL_SECONDS
        while True:
            self._sweeper.pass_once()
            work(self._probe)
            with enter_public():
                left = Delivery.objects.exclude(handler__in=AHEAD) | Delivery.objects.filter(not_before__lte=Now())
                if not left.exists():
                    return
                assert time.monotonic() < give_up, f"left: {list(left.values('handler', 'attempts', 'crashes'))}"
            time.sleep(0.05)


class Judge:
    """Looks at everything once.

    Args:
        tenant: whose rides they are.
        provider: the payment simulator.
        finance: the finance simulator.
        inbox: where webhooks went.
    """

    def __init__(self, tenant: TenantRef, *, provider: Simulator, finance: Simulator, inbox: str) -> None:
        ledger = provider.call("GET", f"/v1/ledger?account={tenant.slug}", timeout=30).json()["movements"]
        self._charges, self._refunds = defaultdict(list), Counter[str]()
        for row in ledger:
            if row["object"] == "charge":
                self._charges[row["reference"]].append(row)
            else:
                self._refunds[row["charge"]] += row["amount"]
        self._webhooks: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for message in finance.call("GET", f"/inboxes/{inbox}", timeout=30).json()["messages"]:
            self._webhooks[message["body"]["data"]["booking_id"]][message["type"]].add(message["id"])
        with enter_public():
            self._letters = Counter(DeadLetter.objects.values_list("correlation_id", flat=True))
            self._left = Counter(
                Delivery.objects.exclude(handler="bookings.complete_ride").values_list("correlation_id", flat=True)
            )
            self._reserved = Counter(
                Reservation.objects.filter(released_at=None, tenant_id=tenant.id).values_list("booking_id", flat=True)
            )
        with enter_tenant(tenant):
            self._bookings = defaultdict(list)
            for booking in Booking.objects.all():
                self._bookings[booking.reference].append(booking)
            self._operations = {row.id: row for row in Operation.objects.all()}
            self._totals = {row.booking_id: row for row in Totals.objects.all()}
            self._entries = defaultdict(list)
            for entry in Entry.objects.all():
                self._entries[entry.booking_id].append(entry)

    def complaints(self, case: Case) -> list[str]:
        """What did not end right; nothing when all did."""
        found = self._bookings[case.key]
        if len(found) != 1:
            return [f"{len(found)} bookings under one key"]
        [booking] = found
        stands = booking.state == "confirmed"
        expected = {
            "confirmed": booking.state == "confirmed",
            "declined": (booking.state, booking.failure_code) == ("failed", "payment-declined"),
            "looked up": booking.state == "confirmed",
            "cancelled": booking.state == "cancelled",
            "refund looked up": booking.state == "cancelled",
            # A wish that comes too late is one that was not granted; the ride then stands and is paid.
            "called off": booking.state in ("cancelled", "confirmed"),
        }[case.ride]
        operation = self._operations[booking.operation_id]
        checks = {
            f"the booking is {booking.state} {booking.failure_code}": expected,
            f"its operation is {operation.status}": operation.status in _STATUSES[case.ride, booking.state]
            if expected
            else True,
            **self._money(booking, stands),
            f"{self._reserved[booking.id]} unicorns are reserved": self._reserved[booking.id] == int(stands),
            **self._points(booking, stands),
            **self._told(booking),
            f"{self._left[booking.correlation_id]} deliveries are left": not self._left[booking.correlation_id],
            "there is a dead letter": not self._letters[booking.correlation_id],
        }
        return [complaint for complaint, is_fine in checks.items() if not is_fine]

    def _money(self, booking: Booking, stands: bool) -> dict[str, bool]:
        taken = [row for row in self._charges[str(booking.id)] if row["status"] == "succeeded"]
        total = sum(row["amount"] for row in taken)
        back = sum(self._refunds[row["id"]] for row in taken)
        totals = self._totals.get(booking.id)
        ours = (totals.captured_minor, totals.refunded_minor) if totals else (0, 0)
        return {
            f"{len(taken)} captures": len(taken) == 1 if stands else len(taken) <= 1,
            f"taken {total}, back {back}": total - back == (booking.fare_minor if stands else 0)
            and not (stands and back),
            f"our books say {ours}, the provider's {(total, back)}": ours == (total, back),
        }

    def _points(self, booking: Booking, stands: bool) -> dict[str, bool]:
        entries = self._entries[booking.id]
        due = booking.fare_minor // 100 if stands else 0
        kinds = [entry.kind for entry in entries]
        return {f"points {kinds}": sum(entry.points for entry in entries) == due and len(set(kinds)) == len(kinds)}

    def _told(self, booking: Booking) -> dict[str, bool]:
        told = self._webhooks[str(booking.id)]
        return {
            f"webhooks {dict(told)}": f"booking.{booking.state}" in told and all(len(ids) == 1 for ids in told.values())
        }


_STATUSES = {
    ("confirmed", "confirmed"): ("succeeded",),
    ("declined", "failed"): ("failed",),
    ("looked up", "confirmed"): ("succeeded",),
    ("cancelled", "cancelled"): ("succeeded",),
    ("refund looked up", "cancelled"): ("succeeded",),
    ("called off", "cancelled"): ("cancelled",),
    ("called off", "confirmed"): ("succeeded",),
}
