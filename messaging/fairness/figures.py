"""The broker's queues in figures, for the exporter: by queue and never by tenant, so that their number stays small."""

from collections import defaultdict
from collections.abc import Callable

from messaging.fairness.looking import BrokerUnreadable, QueueLook, all_queues
from messaging.routing.strategies.names import without_tenant
from messaging.settings import is_fair
from wildrydes.kernel.telemetry import GaugeMetricFamily, Metric

_FIGURES: dict[str, tuple[str, Callable[[QueueLook], float]]] = {
    "waiting_messages": ("Wake-ups that wait for a worker.", lambda look: look.view.waiting),
    "in_flight_messages": ("Wake-ups that workers hold.", lambda look: look.view.in_flight),
    "groups": ("Tenants with something waiting.", lambda look: look.view.groups),
    "noisy_groups": ("Tenants that are noisy: others go first.", lambda look: look.noisy),
    "paused_groups": ("Tenants whose work is paused.", lambda look: look.paused),
    "oldest_age_seconds": ("How long the oldest wake-up has waited.", lambda look: look.view.oldest or 0.0),
    "busy_workers": ("Workers that were busy in the last minute, on average.", lambda look: look.view.workers),
    "dead_letters": ("What the broker gave up by itself: always 0 here.", lambda look: look.view.dead),
}
# Where tenants have queues of their own, these are told of the worst and all others added up.
_OF_THE_WORST = {"oldest_age_seconds"}


def queue_figures() -> list[Metric]:
    """All of them, now; nothing where the transport is the stock one, or Redis does not answer."""
    if not is_fair():
        return []
    try:
        looks = all_queues()
    except BrokerUnreadable:
        return []
    alike: defaultdict[str, list[QueueLook]] = defaultdict(list)
    for look in looks:
        alike[without_tenant(look.view.queue)].append(look)
    families: list[Metric] = []
    for name, (words, figure) in _FIGURES.items():
        family = GaugeMetricFamily(f"wildrydes_queue_{name}", words, labels=["queue"])
        for queue, own in alike.items():
            family.add_metric([queue], (max if name in _OF_THE_WORST else sum)(map(figure, own)))
        families.append(family)
    return families
