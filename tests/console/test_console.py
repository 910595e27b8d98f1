import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from tenants.onboarding.models import OnboardingRun, RunState
from tenants.onboarding.services import start_onboarding
from tenants.registry.models import Tenant, TenantStatus, Tier
from tests.console.conftest import browser, letter, reverse
from wildrydes.kernel.ids import new_id

FORM = {"name": "Umbrella", "slug": "umbrella", "tier": "basic", "currency": "EUR", "email": "ada@umbrella.example"}


PAGES = {
    "admin:index": (),
    "admin:registry_tenant_changelist": ("registry.view_tenant",),
    "admin:registry_tier_changelist": ("registry.view_tier",),
    "admin:onboarding_onboardingrun_changelist": ("onboarding.view_onboardingrun",),
    "admin:onboarding_onboardingrun_add": ("onboarding.add_onboardingrun",),
    "admin:messaging_delivery_changelist": ("messaging.view_delivery",),
    "admin:messaging_deadletter_changelist": ("messaging.view_deadletter",),
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_for_those_who_may_see_it(tenant, page):
    letter(tenant.id)
    assert browser(*PAGES[page]).get(reverse(page)).status_code == 200
    if PAGES[page]:
        assert browser().get(reverse(page)).status_code == 403
    assert Client(headers={"host": "localhost"}).get(reverse(page)).status_code == 302
    # The console is not there on a tenant's host.
    assert Client(headers={"host": "acme.localhost"}).get(reverse(page)).status_code == 404


def test_the_sidebar_leads_where_one_may_go(db, staff):
    def links(client):
        groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
        return [str(item["link"]) for group in groups for item in group["items"] if item["has_permission"]]

    everything = links(staff)
    assert len(everything) > 12
    for link in everything:
        assert staff.get(link).status_code == 200
    assert links(browser("registry.view_tier")) == [reverse("admin:index"), reverse("admin:registry_tier_changelist")]


def test_onboarding_by_the_form_and_its_page(db, staff, drain):
    answer = staff.post(reverse("admin:onboarding_onboardingrun_add"), FORM | {"own_domain": "rides.umbrella.com"})
    run = OnboardingRun.objects.get(tenant__slug="umbrella")
    page = reverse("admin:onboarding_onboardingrun_change", args=(run.id,))
    assert answer.headers["Location"] == page
    assert 'http-equiv="refresh"' in staff.get(page).content.decode()
    progress = reverse("admin:onboarding_progress", args=(run.id,))
    assert staff.get(progress).json()["percent"] == 0
    drain()
    told = staff.get(progress).json()
    assert (told["state"], told["percent"], len(told["steps"])) == ("succeeded", 100, 6)
    assert all(step["seconds"] >= 0 for step in told["steps"])
    assert 'http-equiv="refresh"' not in staff.get(page).content.decode()
    assert LogEntry.objects.filter(object_id=str(run.id)).exists()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"slug": "public"}, "slug"),
        ({"slug": "acme"}, "slug"),
        ({"name": "ACME"}, "name"),
        ({"name": "A\x00"}, "name"),
        ({"email": "nobody"}, "email"),
        ({"own_domain": "localhost"}, "own_domain"),
        ({"own_domain": "globex.localhost"}, "own_domain"),
        ({"tier": "gold"}, "tier"),
        ({"currency": "<script>"}, "currency"),
        ({"slug": '"><script>alert(1)</script>'}, "slug"),
    ],
)
def test_what_is_refused_is_told_beside_its_field(tenant, staff, changed, field):
    page = staff.post(reverse("admin:onboarding_onboardingrun_add"), FORM | changed)
    assert page.status_code == 200
    assert list(page.context["form"].errors) == [field]
    assert "<script>alert" not in page.content.decode()
    assert not Tenant.objects.filter(slug="umbrella").exists()


def test_trying_again_is_a_button_for_those_who_may(db, staff):
    run = start_onboarding(**FORM)
    retry = reverse("admin:onboarding_retry", args=(run.id,))
    OnboardingRun.objects.filter(id=run.id).update(state=RunState.FAILED, failure="the disk is full")
    page = reverse("admin:onboarding_onboardingrun_change", args=(run.id,))
    assert "the disk is full" in staff.get(page).content.decode()
    looker = browser("onboarding.view_onboardingrun")
    assert retry not in looker.get(page).content.decode()
    assert looker.post(retry).status_code == 403
    assert staff.get(retry).status_code == 405
    assert staff.post(retry).headers["Location"] == page
    run.refresh_from_db()
    assert (run.state, run.tries) == (RunState.RUNNING, 2)
    assert staff.post(retry, follow=True).status_code == 200  # told that it is under way, not an error page
    assert staff.post(reverse("admin:onboarding_retry", args=(new_id(),)), follow=True).status_code == 404


NOBODYS = "01a1fc19-bbe5-7bb0-912f-22af087fb57b"


@pytest.mark.parametrize("path", ["nonsense/change/", f"{NOBODYS}/change/", f"{NOBODYS}/progress/"])
def test_a_run_that_is_not_there_is_not_found(db, staff, path):
    assert staff.get(f"/admin/onboarding/onboardingrun/{path}").status_code == 404


def tenant_form(acme, **changed):
    kept = {
        "name": acme.name, "tier": acme.tier_id, "brand_name": "", "brand_colour": "#6b21a8",
        "brand_logo_url": "", "features": "{}",
        "domains-TOTAL_FORMS": "1", "domains-INITIAL_FORMS": "1", "domains-MIN_NUM_FORMS": "0",
        "domains-MAX_NUM_FORMS": "1000", "domains-0-id": acme.domains.get().pk, "domains-0-tenant": acme.pk,
    }  # fmt: skip
    return kept | changed


def test_staff_change_branding_flags_and_domains(tenant, staff):
    acme = Tenant.objects.get(slug="acme")
    page = reverse("admin:registry_tenant_change", args=(acme.pk,))
    changed = tenant_form(acme, brand_name="ACME!", features='{"loyalty": false}', tier="premium")
    changed |= {
        "domains-TOTAL_FORMS": "2",
        "domains-1-tenant": acme.pk,
        "domains-1-domain": "Rides.Acme.com",
        "domains-1-id": "",
    }
    answer = staff.post(page, changed)
    assert answer.status_code == 302, answer.context["errors"]
    acme.refresh_from_db()
    assert (acme.brand_name, acme.features, acme.tier_id) == ("ACME!", {"loyalty": False}, "premium")
    assert set(acme.domains.values_list("domain", flat=True)) == {"acme.localhost", "rides.acme.com"}
    assert LogEntry.objects.filter(object_id=str(acme.pk)).exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"features": '{"Loyalty": true}'},
        {"features": '{"loyalty": "yes"}'},
        {"features": "[1]"},
        {"features": "{"},
        {"brand_colour": "red"},
        {"brand_logo_url": "javascript:alert(1)"},
        {"name": "GLOBEX"},
        {"name": "A\x00"},
        {"tier": "gold"},
        {"domains-TOTAL_FORMS": "2", "domains-1-domain": "localhost"},
        {"domains-TOTAL_FORMS": "2", "domains-1-domain": "globex.localhost"},
        {"domains-TOTAL_FORMS": "x"},
    ],
)
def test_what_is_wrong_with_a_tenant_is_told_and_not_stored(tenant, staff, changed):
    acme = Tenant.objects.get(slug="acme")
    page = staff.post(reverse("admin:registry_tenant_change", args=(acme.pk,)), tenant_form(acme, **changed))
    assert page.status_code in (200, 302)
    again = Tenant.objects.get(slug="acme")
    assert (again.name, again.features, again.brand_colour, again.domains.count()) == (acme.name, {}, "#6b21a8", 1)


def test_the_primary_address_cannot_be_removed(tenant, staff):
    acme = Tenant.objects.get(slug="acme")
    page = staff.post(
        reverse("admin:registry_tenant_change", args=(acme.pk,)),
        tenant_form(acme, **{"domains-0-DELETE": "on"}),
        follow=True,
    )
    assert "primary address and stays" in page.content.decode()
    assert acme.domains.count() == 1


def test_suspending_takes_a_reason_and_is_on_record(tenant):
    acme = Tenant.objects.get(slug="acme")
    suspend = reverse("admin:registry_tenant_suspend", args=(acme.pk,))
    reactivate = reverse("admin:registry_tenant_reactivate", args=(acme.pk,))
    assert browser("registry.view_tenant").get(suspend).status_code == 403
    staff = browser("registry.view_tenant", "registry.change_tenant")
    assert staff.get(suspend).status_code == 200
    assert staff.post(suspend, {"reason": ""}).status_code == 200
    assert staff.post(suspend, {"reason": "Bills unpaid"}).status_code == 302
    acme.refresh_from_db()
    assert (acme.status, acme.suspended_reason) == (TenantStatus.SUSPENDED, "Bills unpaid")
    assert "Bills unpaid" in LogEntry.objects.get(object_id=str(acme.pk)).get_change_message()
    assert staff.get(suspend).status_code == 403
    assert "Bills unpaid" in staff.get(reactivate).content.decode()
    assert staff.post(reactivate).status_code == 302
    acme.refresh_from_db()
    assert (acme.status, acme.suspended_reason) == (TenantStatus.ACTIVE, "")
    assert staff.get(reverse("admin:registry_tenant_suspend", args=(new_id(),))).status_code in (403, 404)


def test_tiers_are_edited_but_neither_added_nor_removed(db, staff):
    page = reverse("admin:registry_tier_change", args=("basic",))
    policies = {
        "name": "Basic", "requests_per_minute": "99", "max_backlog": "5", "service_level_seconds": "60",
        "booking_deadline_seconds": "600", "worker_share": "1",
        "payment_failure_outcome": "fail", "store_credit_limit_minor": "0", "free_cancellation_minutes": "15",
        "late_cancellation_fee_percent": "50", "no_show_fee_percent": "100",
    }  # fmt: skip
    assert staff.post(page, policies).status_code == 302
    assert Tier.objects.get(code="basic").requests_per_minute == 99
    for wrong in (
        {"requests_per_minute": "0"},
        {"max_backlog": "-1"},
        {"booking_deadline_seconds": "1"},
        {"max_backlog": "9" * 30},
        {"late_cancellation_fee_percent": "101"},
        {"no_show_fee_percent": "-1"},
        {"free_cancellation_minutes": "9" * 30},
    ):
        assert staff.post(page, policies | wrong).status_code == 200
    assert Tier.objects.get(code="basic").requests_per_minute == 99
    assert staff.get(reverse("admin:registry_tier_add")).status_code == 403
    assert staff.post(reverse("admin:registry_tier_delete", args=("basic",)), {"post": "yes"}).status_code == 403
    assert LogEntry.objects.filter(object_id="basic").exists()
