"""In which order a worker looks at its queues: by weight, among those that have messages."""

from collections.abc import Iterable, Mapping

# Shared by all connections of a worker; written when it learns of queues.
weights: dict[str, float] = {}
_LEAST = 0.01


def weigh(given: Mapping[str, float]) -> None:
    """From now on these are the weights; a queue that is not named has 1."""
    weights.update(given)
    for queue in weights.keys() - given.keys():
        weights.pop(queue, None)


class WeightedCycle:
    """Stride scheduling: a queue that was served steps back by 1 / weight, and who is furthest ahead is asked first.

    A queue that was asked before the one that had a message was empty: it keeps no credit for that. kombu's Redis transports
    take it by name (`queue_order_strategy`).
    """

    def __init__(self, it: Iterable[str] | None = None) -> None:
        self._passes: dict[str, float] = {}
        self.update(it or ())

    def update(self, it: Iterable[str]) -> None:
        """These are the queues now; new ones begin where the others stand."""
        queues = list(it)
        start = min((self._passes[queue] for queue in queues if queue in self._passes), default=0.0)
        self._passes = {queue: self._passes.get(queue, start) for queue in queues}

    def consume(self, n: int) -> list[str]:
        """The first `n`, in the order in which to look at them."""
        return sorted(self._passes, key=self._passes.__getitem__)[:n]

    def rotate(self, last_used: str) -> str:
        """A message came from this queue."""
        present = self._passes.get(last_used)
        if present is not None:
            for queue, own in self._passes.items():
                if own < present:
                    self._passes[queue] = present
            self._passes[last_used] = present + 1 / max(_LEAST, weights.get(last_used, 1.0))
        return last_used
