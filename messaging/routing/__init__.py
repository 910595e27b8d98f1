"""Routing: which queue a message goes to, decided by the tenant's strategy."""

from messaging.routing.registry import queue_for, queues_of

__all__ = ["queue_for", "queues_of"]
