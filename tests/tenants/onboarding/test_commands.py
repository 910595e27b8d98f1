import io
import json
import stat

import pytest
from django.core.management import CommandError, call_command

from tenants.identity.models import User
from tenants.onboarding import demo
from tenants.onboarding.management import following
from tenants.onboarding.management.commands import onboard
from tenants.onboarding.models import OnboardingRun
from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget, tenant_by_host
from tenants.registry.models import Tenant, TenantStatus

GIVEN = {"name": "Umbrella", "slug": "umbrella", "email": "ada@umbrella.example"}


@pytest.fixture
def working(monkeypatch, drain):
    """A worker that works whenever the command waits."""
    monkeypatch.setattr(following.time, "sleep", lambda seconds: drain(include_delayed=True))


def test_the_command_shows_the_steps_and_ends_well(db, working):
    out = io.StringIO()
    call_command("onboard", **GIVEN, wait=True, stdout=out)
    assert out.getvalue().count("✓") == 6
    assert Tenant.objects.get(slug="umbrella").status == TenantStatus.ACTIVE


def test_a_password_is_read_from_standard_input(db, working, monkeypatch):
    monkeypatch.setattr(onboard.sys, "stdin", io.StringIO("correct horse battery\n"))
    call_command("onboard", **GIVEN, wait=True, password_stdin=True, stdout=io.StringIO())
    forget()
    with enter_tenant(tenant_by_host("umbrella.localhost")):
        assert User.objects.get().check_password("correct horse battery")


def test_a_failure_is_the_commands_too(db, working, monkeypatch):
    monkeypatch.setattr("tenants.onboarding.steps.difference", lambda expected, found: "3 columns instead of 4")
    with pytest.raises(CommandError, match="3 columns instead of 4"):
        call_command("onboard", **GIVEN, wait=True, stdout=io.StringIO())


def test_without_a_worker_it_says_so(db):
    with pytest.raises(CommandError, match="No worker has taken up"):
        call_command("onboard", **GIVEN, wait=True, timeout=0.0, stdout=io.StringIO())


@pytest.mark.parametrize(
    "changed", [{"slug": "public"}, {"email": "x"}, {"tier": "gold"}, {"currency": "XXX"}, {"domain": "localhost"}]
)
def test_an_operators_mistake_is_told_in_a_line(db, changed):
    with pytest.raises(CommandError) as refused:
        call_command("onboard", **(GIVEN | changed), stdout=io.StringIO())
    assert "\n" not in str(refused.value)


@pytest.fixture
def demo_var(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.ENVIRONMENT = "development"
    return tmp_path / "demo.json"


def test_the_demonstration_is_seeded_once_and_its_logins_work_also_when_they_were_lost(db, working, demo_var):
    call_command("seed_demo", stdout=io.StringIO())
    assert stat.S_IMODE(demo_var.stat().st_mode) == 0o600
    logins = json.loads(demo_var.read_text())
    assert [(t["slug"], t["tier"]) for t in logins["tenants"]] == [
        ("acme", "basic"),
        ("globex", "premium"),
        ("initech", "enterprise"),
    ]
    forget()
    with enter_tenant(tenant_by_host("initech.localhost")):
        assert User.objects.get(email=logins["tenants"][2]["email"]).check_password(logins["tenants"][2]["password"])
    assert User.objects.get(email=demo.STAFF_EMAIL, is_superuser=True).check_password(logins["staff"]["password"])
    runs = OnboardingRun.objects.count()
    call_command("seed_demo", stdout=io.StringIO())
    assert json.loads(demo_var.read_text()) == logins
    assert OnboardingRun.objects.count() == runs
    demo_var.write_text("not json")
    call_command("seed_demo", stdout=io.StringIO())
    anew = json.loads(demo_var.read_text())["tenants"][2]
    assert anew["password"] != logins["tenants"][2]["password"]
    with enter_tenant(tenant_by_host("initech.localhost")):
        assert User.objects.get(email=anew["email"]).check_password(anew["password"])


def test_a_server_gets_no_demonstration(db, demo_var, settings):
    settings.ENVIRONMENT = "production"
    with pytest.raises(CommandError, match="development"):
        call_command("seed_demo", stdout=io.StringIO())
