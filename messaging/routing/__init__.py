"""Routing: which queue a message goes to, decided by the strategy in force for its tenant."""

from messaging.routing.registry import queue_for, route, served_queues

__all__ = ["queue_for", "route", "served_queues"]
