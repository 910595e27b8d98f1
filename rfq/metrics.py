"""What is counted of requests for quotes; never by tenant, user or unicorn."""

from rfq.domain import Reason
from wildrydes.kernel.telemetry import Counter, Histogram

CLOSED = Counter("wildrydes_rfq_closed", "Requests for quotes that were closed.", ("reason",))
LATENESS = Histogram(
    "wildrydes_rfq_close_delay_seconds",
    "How long after its deadline a request was closed, of those that waited for it.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0),
)
OFFERS = Histogram("wildrydes_rfq_offers", "Offers per closed request.", buckets=(0, 1, 2, 3, 5, 10, 20, 50))
ANSWERS = Counter("wildrydes_rfq_answers", "Answers of unicorns, by what became of them.", ("verdict",))
PUSHES = Counter("wildrydes_rfq_pushes", "News to operators, by how the push ended.", ("outcome",))


def closed(reason: Reason, *, late: float, offers: int) -> None:
    """A request was closed; `late` is in seconds after its deadline."""
    CLOSED.labels(reason.value).inc()
    OFFERS.observe(offers)
    if reason is Reason.DEADLINE:
        LATENESS.observe(max(0.0, late))


def answered(verdict: str) -> None:
    """`offer`, `decline`, or the code of the problem that was answered."""
    ANSWERS.labels(verdict).inc()


def pushed(outcome: str) -> None:
    """`taken`, `gone` or `given_up`."""
    PUSHES.labels(outcome).inc()
