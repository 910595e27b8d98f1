from messaging.checks import check_topology
from messaging.messages import Payload
from messaging.retry import RetryPolicy
from messaging.topology import QueueClass, Route, Topology
from tests.messaging.sample import DoThing, ThingHappened, died, react


class Neither(Payload, frozen=True, kw_only=True):
    topic = "sample.neither"


ROUTE = {"message": DoThing, "name": "sample.do", "handler": react, "queue_class": QueueClass.BOOKINGS, "on_dead": died}
BROKEN = Topology(
    [
        Route(**ROUTE),
        Route(**ROUTE),
        Route(**{**ROUTE, "name": "sample.no_outcome", "on_dead": None}),
        Route(message=ThingHappened, name="sample.half", handler=object(), queue_class=QueueClass.RFQ),
        Route(**{**ROUTE, "name": "sample.never", "retry": RetryPolicy(attempts=0)}),
        Route(**{**ROUTE, "name": "sample.short", "time_limit": 1.0}),
        Route(message=Neither, name="sample.text", handler=react, queue_class=QueueClass.RFQ),
    ]
)


def test_every_mistake_is_told_at_once(settings):
    settings.MESSAGING = {**settings.MESSAGING, "TOPOLOGY": "tests.messaging.test_checks.BROKEN"}
    text = "\n".join(error.msg for error in check_topology(None))
    for part in (
        "declared 2 times",
        "handlers; it must have one",
        "needs on_dead",
        "lacks prepare",
        "at least 1",
        "time limit",
        "neither",
    ):
        assert part in text


def test_a_topology_that_does_not_exist_is_refused(settings):
    settings.MESSAGING = {**settings.MESSAGING, "TOPOLOGY": "wildrydes.topology.NOWHERE"}
    assert [error.id for error in check_topology(None)] == ["messaging.E001"]


def test_the_products_own_is_in_order(settings):
    settings.MESSAGING = {**settings.MESSAGING, "TOPOLOGY": "wildrydes.topology.TOPOLOGY"}
    assert check_topology(None) == []
