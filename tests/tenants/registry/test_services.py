# ruff: noqa: RUF001  # letters that look like others are the point
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from tenants.registry import services
from tenants.registry.directory import forget, tenant_by_host
from tenants.registry.models import Domain, Tenant, TenantStatus, Tier
from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound


def register(**changed):
    given = {
        "name": "Umbrella",
        "slug": "umbrella",
        "tier": "basic",
        "currency": "EUR",
        "own_domain": "rides.umbrella.com",
    }
    return services.register_tenant(**(given | changed))


def test_a_registered_tenant_has_its_addresses_and_is_not_served(db, client):
    tenant = register()
    assert (tenant.status, tenant.schema_name) == (TenantStatus.ONBOARDING, "t_umbrella")
    domains = {domain.domain: domain.is_primary for domain in tenant.domains.all()}
    assert domains == {"umbrella.localhost": True, "rides.umbrella.com": False}
    forget()
    assert client.get("/api/v1/bookings", headers={"host": "umbrella.localhost"}).status_code == 404


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"slug": "other", "name": "UMBRELLA", "own_domain": ""}, "/name"),
        ({"slug": "other", "name": "ｕmbrella ", "own_domain": ""}, "/name"),
        ({"slug": "UMBRELLA", "name": "Other", "own_domain": ""}, "/slug"),
        ({"slug": "other", "name": "Other", "own_domain": "RIDES.umbrella.com."}, "/domain"),
        ({"slug": "other", "name": "Other", "own_domain": "umbrella.localhost"}, "/domain"),
        ({"slug": "other", "name": "Other", "own_domain": "localhost"}, "/domain"),
        ({"slug": "other", "name": "Other", "tier": "gold"}, "/tier"),
        ({"slug": "other", "name": "Other", "currency": "XXX"}, "/currency"),
    ],
)
def test_what_is_taken_or_unknown_is_refused_at_its_field(db, changed, pointer):
    register()
    with pytest.raises(InvalidInput) as refused:
        register(**changed)
    assert [error["pointer"] for error in refused.value.errors] == [pointer]
    assert Tenant.objects.filter(slug="other").count() == 0


def test_of_two_that_register_at_once_one_is_told_clearly(committed):
    together, outcomes = threading.Barrier(2), []

    def run():
        together.wait()
        try:
            register()
            outcomes.append("registered")
        except InvalidInput as error:
            outcomes.append(error.detail)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=len)[0] == "registered"
    assert "already" in sorted(outcomes, key=len)[1] or "taken" in sorted(outcomes, key=len)[1]
    assert Tenant.objects.filter(slug="umbrella").count() == 1


@pytest.mark.parametrize(
    "rewrite",
    [
        "UPDATE registry_tenant SET slug = 'ACME' WHERE slug = 'acme'",
        "UPDATE registry_tenant SET schema_name = 'public' WHERE slug = 'acme'",
        "UPDATE registry_tenant SET name = upper('globex') WHERE slug = 'acme'",
        "UPDATE registry_domain SET domain = 'Acme.localhost' WHERE domain = 'acme.localhost'",
    ],
)
def test_the_database_keeps_names_apart_by_itself(tenant, rewrite):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(rewrite)


def test_a_suspended_tenant_is_told_so_and_let_in_again(tenant, client, django_capture_on_commit_callbacks):
    host = {"host": "acme.localhost"}
    with django_capture_on_commit_callbacks(execute=True):
        services.suspend_tenant(slug="acme", reason="Bills  unpaid")
    refused = client.get("/api/v1/bookings", headers=host)
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "tenant-suspended")
    assert "Bills" not in refused.content.decode()
    suspended = tenant_by_host("acme.localhost")
    assert suspended.is_working
    assert not suspended.is_active
    with django_capture_on_commit_callbacks(execute=True):
        services.reactivate_tenant(slug="acme")
    assert client.get("/api/v1/bookings", headers=host).status_code == 401
    row = Tenant.objects.get(slug="acme")
    assert (row.suspended_at, row.suspended_reason) == (None, "")


def test_accepted_work_of_a_suspended_tenant_is_finished(tenant, drain):
    from messaging.models import Delivery
    from messaging.services import publish
    from tenants.accounts.models import UserSettings
    from tenants.identity.events import UserProvisioned
    from tenants.registry.context import enter_tenant
    from wildrydes.kernel.ids import new_id

    user_id = new_id()
    with enter_tenant(tenant), transaction.atomic():
        publish(UserProvisioned(user_id=user_id))
    services.suspend_tenant(slug="acme", reason="Bills unpaid")
    forget()
    drain()
    with enter_tenant(tenant):
        assert UserSettings.objects.filter(user_id=user_id).exists()
    assert not Delivery.objects.filter(tenant_id=tenant.id).exists()


@pytest.mark.parametrize("reason", ["", "  ", "x", "x" * 201])
def test_suspending_takes_a_reason(tenant, reason):
    with pytest.raises(InvalidInput):
        services.suspend_tenant(slug="acme", reason=reason)


def test_only_a_tenant_in_service_is_suspended(db):
    register()
    with pytest.raises(Conflict):
        services.suspend_tenant(slug="umbrella", reason="Bills unpaid")
    with pytest.raises(Conflict):
        services.reactivate_tenant(slug="umbrella")
    with pytest.raises(NotFound):
        services.suspend_tenant(slug="nobody", reason="Bills unpaid")


def test_the_commands_do_the_same_and_err_in_one_line(tenant):
    call_command("suspend_tenant", "acme", reason="Bills unpaid")
    assert Tenant.objects.get(slug="acme").status == TenantStatus.SUSPENDED
    call_command("reactivate_tenant", "acme")
    assert Tenant.objects.get(slug="acme").status == TenantStatus.ACTIVE
    with pytest.raises(CommandError, match="no company"):
        call_command("suspend_tenant", "nobody", reason="Bills unpaid")


def test_the_primary_address_stays_and_others_come_and_go(tenant):
    acme = Tenant.objects.get(slug="acme")
    added = services.add_domain(tenant=acme, domain="Rides.Acme.com")
    assert Domain.objects.filter(domain="rides.acme.com", tenant=acme, is_primary=False).exists()
    with pytest.raises(services.NameTaken):
        services.add_domain(tenant=Tenant.objects.get(slug="globex"), domain="rides.acme.com")
    services.remove_domain(added)
    with pytest.raises(Conflict):
        services.remove_domain(acme.domains.get(is_primary=True))


def test_changed_policies_hold_at_once_in_this_process(tenant, django_capture_on_commit_callbacks):
    tier = Tier.objects.get(code="basic")
    tier.requests_per_minute = 7
    with django_capture_on_commit_callbacks(execute=True):
        services.save_tier(tier)
    assert tenant_by_host("acme.localhost").tier.requests_per_minute == 7
