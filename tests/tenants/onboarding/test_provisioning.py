import pytest
from django.contrib.auth.hashers import check_password
from django.core import mail
from django.db import connection

from messaging.models import DeadLetter, Delivery
from tenants.accounts.models import BillingAccount, BillingMember, TenantSettings, UserSettings
from tenants.identity.models import Role, User
from tenants.onboarding import provisioning, services, steps, templates
from tenants.onboarding.models import OnboardingRun, OnboardingStep, RunState, StepCode, StepState
from tenants.onboarding.selectors import progress_of
from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget, tenant_by_host
from tenants.registry.models import Tenant, TenantStatus
from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound
from wildrydes.kernel.ids import new_id


def start(**changed):
    given = {
        "name": "Umbrella",
        "slug": "umbrella",
        "tier": "premium",
        "currency": "GBP",
        "email": "Ada@Umbrella.example",
    }
    return services.start_onboarding(**(given | changed))


def status():
    return Tenant.objects.get(slug="umbrella").status


@pytest.fixture
def broken(monkeypatch):
    """Makes a step fail: `broken(StepCode.SCHEMA, error)`; `broken.mended()` ends that."""

    class Broken:
        def __call__(self, code, error):
            def work(tenant):
                raise error

            changed = tuple((c, work if c == code else w) for c, w in steps.STEPS)
            monkeypatch.setattr(provisioning, "STEPS", changed)

        def mended(self):
            monkeypatch.setattr(provisioning, "STEPS", steps.STEPS)

    return Broken()


def test_a_company_is_onboarded_with_its_accounts_and_an_invitation(db, drain):
    run = start(user_name="Ada")
    assert status() == TenantStatus.ONBOARDING
    drain()
    view = progress_of(run.id)
    assert (view.state, view.percent, {step.state for step in view.steps}) == (
        RunState.SUCCEEDED,
        100,
        {StepState.DONE},
    )
    assert [step.code for step in view.steps] == [code.value for code in StepCode]
    assert all(step.seconds is not None for step in view.steps)
    forget()
    tenant = tenant_by_host("umbrella.localhost")
    assert tenant.is_active
    with enter_tenant(tenant):
        user = User.objects.get()
        assert (user.email, user.name, user.role, user.has_usable_password()) == (
            "ada@umbrella.example",
            "Ada",
            Role.ADMINISTRATOR,
            False,
        )
        account = BillingAccount.objects.get()
        assert (account.tenant_id, account.company, account.tier, account.currency) == (
            tenant.id,
            "Umbrella",
            "premium",
            "GBP",
        )
        assert BillingMember.objects.get().user_id == user.id
        assert TenantSettings.objects.get().distance_unit == "mi"
        assert UserSettings.objects.get().user_id == user.id
    assert [message.to for message in mail.outbox] == [["ada@umbrella.example"]]
    assert not Delivery.objects.exists()


def test_what_was_known_of_the_first_user_leaves_the_shared_table(db, drain):
    run = start(password="correct horse battery", user_name="Ada")
    assert check_password("correct horse battery", run.first_user_password)
    drain()
    run.refresh_from_db()
    assert (run.first_user_email, run.first_user_name, run.first_user_password) == ("", "", "")
    forget()
    with enter_tenant(tenant_by_host("umbrella.localhost")):
        assert User.objects.get().check_password("correct horse battery")


@pytest.mark.parametrize("code", [StepCode.TEMPLATE, StepCode.SCHEMA, StepCode.CHECK, StepCode.KEYS])
def test_a_step_that_fails_for_good_says_why_and_can_be_tried_again(db, drain, client, broken, code):
    broken(code, RuntimeError("the disk is full\nand more"))
    run = start()
    drain(include_delayed=True)
    view = progress_of(run.id)
    failed = next(step for step in view.steps if step.code == code)
    assert (view.state, status()) == (RunState.FAILED, TenantStatus.FAILED)
    assert (failed.state, failed.tries) == (StepState.FAILED, 3)
    assert "the disk is full" in view.failure
    assert "and more" not in view.failure
    assert DeadLetter.objects.get().handler == "onboarding.provision"
    unserved = client.get("/", headers={"host": "umbrella.localhost"})
    assert unserved.json()["type"].endswith("/unknown-host")

    broken.mended()
    services.retry_onboarding(run_id=run.id)
    assert progress_of(run.id).state == RunState.RUNNING
    drain()
    view = progress_of(run.id)
    assert (view.state, view.tries, view.failure, status()) == (RunState.SUCCEEDED, 2, "", TenantStatus.ACTIVE)


def test_a_passing_failure_is_overcome_without_anyone(db, drain, broken):
    broken(StepCode.CHECK, RuntimeError("a moment's weakness"))
    run = start()
    drain()
    assert progress_of(run.id).state == RunState.RUNNING
    broken.mended()
    drain(include_delayed=True)
    view = progress_of(run.id)
    assert view.state == RunState.SUCCEEDED
    assert next(step for step in view.steps if step.code == StepCode.CHECK).tries >= 2


def test_when_the_last_commit_fails_nothing_half_made_is_left(db, drain, monkeypatch):
    def fail(run):
        raise RuntimeError("no user today")

    monkeypatch.setattr(provisioning, "_create_first_user", fail)
    run = start()
    drain(include_delayed=True)
    assert (progress_of(run.id).state, progress_of(run.id).failure) == (RunState.FAILED, "RuntimeError: no user today")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM t_umbrella.identity_user), (SELECT count(*) FROM t_umbrella.journal_message)"
        )
        assert cursor.fetchone() == (0, 0)
    monkeypatch.undo()
    services.retry_onboarding(run_id=run.id)
    drain()
    assert status() == TenantStatus.ACTIVE


def test_a_schema_that_is_not_what_the_template_says_is_not_opened(db, drain):
    run = start()
    templates.replay(templates.current_template(), "t_umbrella")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE t_umbrella.loyalty_entry CASCADE")
    drain(include_delayed=True)
    assert progress_of(run.id).state == RunState.FAILED
    assert "differs from the template" in progress_of(run.id).failure


def test_a_second_delivery_of_the_command_changes_nothing(db, drain):
    from django.db import transaction

    from messaging.services import send
    from tenants.onboarding.events import ProvisionTenant

    run = start()
    drain()
    before = list(OnboardingStep.objects.filter(run=run).order_by("id").values())
    with transaction.atomic():
        send(ProvisionTenant(run_id=run.id))
    drain()
    assert list(OnboardingStep.objects.filter(run=run).order_by("id").values()) == before


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.SUCCEEDED])
def test_only_a_failed_run_is_tried_again(db, state):
    run = start()
    OnboardingRun.objects.filter(id=run.id).update(state=state)
    with pytest.raises(Conflict):
        services.retry_onboarding(run_id=run.id)
    with pytest.raises(NotFound):
        services.retry_onboarding(run_id=new_id())


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"email": "nobody"}, "/email"),
        ({"email": "a@b.example\x00"}, "/email"),
        ({"email": "x" * 250 + "@example.com"}, "/email"),
        ({"user_name": "A\x00"}, "/user_name"),
        ({"user_name": "A" * 101}, "/user_name"),
        ({"password": "short"}, "/password"),
        ({"slug": "public"}, "/slug"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(db, changed, pointer):
    with pytest.raises(InvalidInput) as refused:
        start(**changed)
    assert refused.value.errors[0]["pointer"] == pointer
    assert not OnboardingRun.objects.filter(tenant__slug="umbrella").exists()


def test_a_schema_that_nobody_owns_is_not_taken_over(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_umbrella")
    with pytest.raises(InvalidInput, match="schema of this name"):
        start()
