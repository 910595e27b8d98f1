"""The transport's settings, all of them in `broker_transport_options`, each with its default."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How fairness is reckoned and what happens to messages that fail.

    Producers and consumers of one queue should agree on `fair_plain_queues`, `priority_steps`, `sep` and `global_keyprefix`;
    the rest matters where messages are taken.
    """

    # Queues whose names match stay ordinary lists: remote control and its replies.
    fair_plain_queues: tuple[str, ...] = ("*.pidbox", "celeryev.*", "amq.gen-*")
    # The header that names the group of a message without the property MessageGroupId.
    fair_group_header: str = ""
    # A group is noisy with more than this share of what is in flight, and at least so many messages of it …
    fair_noisy_share: float = 0.1
    fair_noisy_in_flight: int = 30
    # … or with more than this share of the recent worker time, once the queue used that many seconds of it.
    fair_noisy_seconds: float = 30.0
    # While quiet groups wait, every n-th message is a noisy group's.
    fair_noisy_every: int = 10
    # Seconds that a message counts at least: what taking and acknowledging it costs a worker.
    fair_min_charge: float = 0.001
    # Seconds of the recent past that worker time is remembered for.
    fair_window: float = 60.0
    # Milliseconds from which a wait is noted for `why`.
    fair_slow_ms: int = 100
    # How often a message may be delivered before it is a dead letter; 0: without limit.
    fair_redelivery_limit: int = 0
    # Whether a message rejected without requeue becomes a dead letter.
    fair_dead_letter_rejected: bool = False
    # How many messages one claim may take, where the consumer's prefetch has room.
    fair_claim_batch: int = 16

    @classmethod
    def of(cls, transport_options: Mapping[str, Any]) -> Self:
        """The options among a transport's.

        Raises:
            ValueError: for a value out of its range.
        """
        chosen = {field.name: transport_options[field.name] for field in fields(cls) if field.name in transport_options}
        if "fair_plain_queues" in chosen:
            chosen["fair_plain_queues"] = tuple(chosen["fair_plain_queues"])
        options = cls(**chosen)
        if not 0 < options.fair_noisy_share <= 1:
            raise ValueError("fair_noisy_share is a share: above 0 and at most 1.")
        if options.fair_noisy_every < 2:
            raise ValueError("fair_noisy_every is at least 2: every second message.")
        if options.fair_min_charge <= 0 or options.fair_window <= 0 or options.fair_claim_batch < 1:
            raise ValueError("fair_min_charge and fair_window are above 0, fair_claim_batch is at least 1.")
        return options
