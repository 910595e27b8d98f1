"""Where a request for quotes is found, and what its operation is called."""

from uuid import UUID

OPERATION = "rfq"


def request_path(rfq_id: UUID) -> str:
    """Its path on the tenant's host."""
    return f"/api/v1/rfqs/{rfq_id}"
