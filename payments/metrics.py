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
