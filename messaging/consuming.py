"""Consuming: claim a delivery, run its handler in its tenant's schema, settle the row."""

from uuid import UUID


def deliver(delivery_id: UUID, epoch: int) -> None:
    """Work on the delivery, if it can be claimed."""
    raise NotImplementedError
