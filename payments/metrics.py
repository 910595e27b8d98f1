"""What payments count. Labels are providers and outcomes, never tenants: their number stays small."""

from payments.providers import ADAPTERS
from wildrydes.kernel.telemetry import Counter

NOTIFICATIONS = Counter(
    "wildrydes_payment_notifications",
    "Notifications of payment providers, by what became of them: new, copy, or why they were refused.",
    ("provider", "outcome"),
)


def count_notification(provider: str, outcome: str) -> None:
    """Count one that came in; `provider` is what the address says, which may be anything."""
    NOTIFICATIONS.labels(provider if provider in ADAPTERS else "unknown", outcome).inc()


HELD = Counter(
    "wildrydes_payment_calls_held",
    "Calls to payment providers that were not made for now: breaker, room, budget.",
    ("provider", "reason"),
)
BREAKER = Counter(
    "wildrydes_payment_breaker_changes",
    "Changes of accounts' circuit breakers, by the state they went to.",
    ("provider", "state"),
)


def count_held(provider: str, reason: str) -> None:
    """Count a call that was not made."""
    HELD.labels(provider, reason).inc()


def count_breaker(provider: str, state: str) -> None:
    """Count a change of an account's breaker."""
    BREAKER.labels(provider, state).inc()
