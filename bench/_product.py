"""What the benchmark asks of the product itself: a tenant without limits, and one booking to record. Needs Django set up."""

import io

from django.core.management import call_command
from django.test import Client

from bench._load import BODY
from bench._rows import Copies, recording
from messaging.consuming import deliver
from messaging.models import Delivery
from tenants.identity.models import User
from tenants.identity.tokens import AccessToken
from tenants.registry.context import enter_tenant
from tenants.registry.directory import TenantRef, forget, tenant_by_host
from tenants.registry.models import Tier
from wildrydes.kernel.ids import new_id

_UNLIMITED = 1_000_000_000


def onboard(slug: str) -> None:
    """Migrate and onboard one tenant, working off its messages in this process."""
    quiet = io.StringIO()
    call_command("migrate_schemas", shared=True, verbosity=0, stdout=quiet)
    call_command("onboard", name="Bench", slug=slug, tier="premium", email=f"boss@{slug}.example", stdout=quiet)
    while ready := list(Delivery.objects.filter(claim_id=None).values_list("id", flat=True)):
        if not sum(deliver(delivery_id) for delivery_id in ready):
            break
    Tier.objects.update(requests_per_minute=_UNLIMITED, max_backlog=_UNLIMITED)
    forget()


def record_one_booking(slug: str) -> tuple[str, Copies, int]:
    """A token, the rows of one booking made with it, and how many statements those are."""
    tenant = _tenant(slug)
    with enter_tenant(tenant):
        user = User.objects.latest("id")
        token = str(AccessToken.of(user, tenant))
    client = Client(headers={"host": f"{slug}.localhost", "authorization": f"Bearer {token}"})
    with recording() as statements:
        response = client.post(
            "/api/v1/bookings", BODY, content_type="application/json", headers={"idempotency-key": str(new_id())}
        )
    if response.status_code != 202:
        raise SystemExit(f"The product refused the booking to record: {response.content!r}")
    keep = frozenset({str(tenant.id), str(user.id)})
    return token, Copies(statements, keep=keep), len(statements)


def _tenant(slug: str) -> TenantRef:
    found = tenant_by_host(f"{slug}.localhost")
    if found is None:
        raise SystemExit("The tenant was not onboarded.")
    return found
