"""Every address of the console, for every role, without a token, with guessed ids and with hostile queries."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange as Range
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils.timezone import now
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from console.roles import ADMINISTRATOR
from fleet.models import HOUSE, Call, Reservation, Unicorn
from messaging.journal.models import HandlerError
from messaging.models import Delivery, ItemState, RedriveItem, RedriveRun
from messaging.routing.models import OverflowEpisode
from payments.accounts.models import Account
from payments.reconciliation.models import Item, Run
from tenants.onboarding.models import OnboardingRun
from tenants.registry.context import enter_tenant
from tenants.staff.models import Authenticator
from tests.console.access import ACCESS, NO_ROLE, STAFF
from tests.console.conftest import browser, letter, member
from wildrydes.kernel.ids import new_id

METHODS = ("get", "post")


def addresses() -> dict[str, list[str]]:
    """Names and patterns, as Django has them; the last resort of the Admin has no name."""

    def walk(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
        for each in patterns:
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, prefix + str(each.pattern))
            elif isinstance(each, URLPattern) and each.name:
                yield each.name, prefix + str(each.pattern)

    return dict(walk(admin.site.urls[0]))


@pytest.fixture
def things(tenant: Any) -> dict[str, Any]:
    """One of everything that an address can name."""
    dead = letter(tenant.id)
    with enter_tenant(tenant):
        error = HandlerError.objects.create(
            delivery_id=dead.id, message_id=dead.message_id, correlation_id=dead.correlation_id, handler=dead.handler,
            attempt=1, error_class="E", text="", traceback="",
        )  # fmt: skip
        compared = Run.objects.create(
            kind="daily", period_start=now() - timedelta(days=1), period_end=now(), state="done", accounts=[None]
        )
        item = Item.objects.create(
            run=compared, kind="missing_there", subject="ch_1", difference_minor=5, currency="USD", proposal="accept",
            is_safe=False,
        )  # fmt: skip
    run = RedriveRun.objects.create(
        selection={"fingerprint": "ab"},
        rate=1,
        max_failures=1,
        actor_kind="staff",
        actor_id="1",
        actor_name="ada",
        state="draft",
    )
    RedriveItem.objects.create(run=run, letter_id=letter(tenant.id).id, tenant_id=tenant.id, state=ItemState.WAITING)
    delivery = Delivery.objects.create(
        message_id=new_id(), correlation_id=new_id(), topic="t", version=1, handler="h", queue_class="control",
        not_before=now(), due_at=now(),
    )  # fmt: skip
    unicorn = Unicorn.objects.create(operator_ref=uuid.uuid4(), name="Nimbus", capacity=4, status="available")
    reservation = Reservation.objects.create(
        distance_m=1,
        unicorn=unicorn,
        tenant_id=tenant.id,
        booking_id=new_id(),
        during=Range(now(), now() + timedelta(hours=1)),
    )
    job = PeriodicTask.objects.create(
        name="job", task="messaging.scheduled_job", interval=IntervalSchedule.objects.create(every=5, period="seconds")
    )
    return {
        "letter_id": dead.id, "error_id": error.id, "run_id": run.id, "act": "cancel",
        "messaging_delivery": delivery.pk, "registry_tenant": tenant.id, "registry_tier": "basic",
        "payment_accounts_account": Account.objects.create(tenant_id=tenant.id, provider="simulator").pk,
        "onboarding_onboardingrun": OnboardingRun.objects.earliest("started_at").pk,
        "messaging_overflowepisode": OverflowEpisode.objects.create(
            tenant_id=tenant.id, queue_class="rfq", queue="rfq.basic.over-acme", trigger="slow", backlog=0, seconds=9,
            errors=0, most_waiting=0,
        ).pk,
        "fleet_unicorn": unicorn.pk, "fleet_reservation": reservation.pk,
        "fleet_call": Call.objects.create(id=new_id(), tenant_id=tenant.id, closes_at=now()).pk, "fleet_operator": HOUSE,
        "identity_user": member().pk,
        "auth_user_password_change": member().pk,
        "auth_group": Group.objects.get(name=ADMINISTRATOR).pk,
        "axes_accessattempt": AccessAttempt.objects.create(username="eve", failures_since_start=1).pk,
        "axes_accesslog": AccessLog.objects.create(username="ada").pk,
        "staff_authenticator": Authenticator.objects.create(user=member(), secret_sealed="x").pk,
        "django_celery_beat_periodictask": job.pk,
        "app_label": "messaging",
        "company": "acme", "item_id": item.id,
        "slug": "acme",
    }  # fmt: skip


def path_of(name: str, things: dict[str, Any], **instead: Any) -> str:
    """The address with the ids of what there is, or with others in their place."""
    pattern = addresses()[name]
    if name == "app_list":
        return f"/admin/{instead.get('app_label', things['app_label'])}/"
    model = name.rpartition("_")[0] if name != "auth_user_password_change" else name
    known = things | {
        "run_id": things["onboarding_onboardingrun"] if name.startswith("onboarding") else things["run_id"],
        "object_id": things.get(model, "1"),
        "id": things["auth_user_password_change"],
        "content_type_id": "1",
    }
    for kind in ("uuid:", "path:", "slug:", ""):
        for parameter, value in (known | instead).items():
            pattern = pattern.replace(f"<{kind}{parameter}>", str(value))
    return f"/admin/{pattern}"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are answered without being drawn, which is most of their cost and decides nothing."""

    def leave_empty(self: SimpleTemplateResponse) -> SimpleTemplateResponse:
        self.content = b""
        return self

    monkeypatch.setattr(SimpleTemplateResponse, "render", leave_empty)


def test_every_address_is_in_the_table() -> None:
    assert sorted(addresses()) == sorted(ACCESS), "say in tests/console/access.py who may"


@pytest.mark.parametrize("role", sorted(STAFF))
def test_each_role_is_let_in_where_the_table_says_and_nowhere_else(things: Any, role: str, undrawn: None) -> None:
    said = {"post": "no", "error": things["error_id"], "company": "acme"}
    # Both ways at once: what is refused must be refused, and what is let in proves that the refusals are not for another reason.
    wrong, client = [], browser(role="" if role == NO_ROLE else role, raise_request_exception=False)
    for name, access in ACCESS.items():
        for method in METHODS:
            if name == "logout" or (name, method) == ("login", "post"):
                continue
            answer = getattr(client, method)(path_of(name, things), said if method == "post" else {})
            let_in = answer.status_code not in (403, 404, 405, 500)
            if let_in != (role in getattr(access, method)):
                wrong.append(f"{method.upper()} {name}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_nobody_is_asked_to_log_in(things: Any) -> None:
    before = state_of_everything()
    for name in ACCESS.keys() - {"login", "logout", "jsi18n"}:
        for method in METHODS:
            answer = getattr(Client(headers={"host": "localhost"}), method)(path_of(name, things))
            assert answer.status_code == 302, name
            assert answer.headers["Location"].startswith("/admin/login/"), name
    assert state_of_everything() == before


def test_the_console_is_not_on_a_companys_host(things: Any) -> None:
    for name in ACCESS:
        assert Client(headers={"host": "acme.localhost"}).get(path_of(name, things)).status_code == 404


def test_nothing_is_posted_without_a_token(things: Any) -> None:
    staff = browser(superuser=True, enforce_csrf_checks=True)
    before = state_of_everything()
    for name in ACCESS:
        assert staff.post(path_of(name, things)).status_code == 403, name
    assert state_of_everything() == before


def test_looking_changes_nothing(things: Any) -> None:
    staff = browser(superuser=True)
    before = state_of_everything()
    for name in ACCESS.keys() - {"logout"}:
        assert staff.get(path_of(name, things)).status_code < 500, name
    assert state_of_everything() == before


@pytest.mark.parametrize("guess", ["9" * 40, str(uuid.UUID(int=7)), "%00", "'; DROP--<script>"])
def test_guessed_ids_lead_nowhere(things: Any, guess: str) -> None:
    staff = browser(superuser=True, raise_request_exception=False)
    before = state_of_everything()
    for name, pattern in addresses().items():
        if "<" not in pattern or name == "deadletters_error":
            continue
        for method in METHODS:
            guessed = dict.fromkeys(
                (
                    "object_id",
                    "id",
                    "letter_id",
                    "run_id",
                    "content_type_id",
                    "app_label",
                    "company",
                    "item_id",
                    "slug",
                ),
                guess,
            )
            answer = getattr(staff, method)(path_of(name, things, **guessed))
            # Django's own forms lead back to the overview with a message.
            assert answer.status_code in (301, 302, 403, 404, 405, 422), f"{method} {name}: {answer.status_code}"
    assert state_of_everything() == before


QUERIES = [
    "?p=99999999999999999999&page=x&o=99.-99.x", "?q=%00", "?q=not-an-id", "?q=%ED%A0%80" + "x" * 2_000, "?id__exact=x",
    "?state__exact=%00", "?_popup=1&_to_field=password&password__startswith=a", "?created_at__gte=yesterday&enabled__exact=7",
]  # fmt: skip
LISTS = ("index", "front", "search", "deadletters_letters", *(name for name in ACCESS if name.endswith("_changelist")))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:24])
def test_hostile_queries_are_answered(things: Any, query: str) -> None:
    staff = browser(superuser=True, raise_request_exception=False)
    for name in sorted(
        name
        for name in ACCESS
        if name.endswith("_changelist") or name in ("index", "front", "search", "deadletters_letters")
    ):
        answer = staff.get(path_of(name, things) + query)
        assert answer.status_code < 500, f"{name}{query}"


def state_of_everything() -> dict[str, tuple[int, str]]:
    """What is in `public`, table by table; sessions come and go."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_session'")
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*), coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') FROM public.\"{table}\" t"
            )
            found[table] = cursor.fetchone()
    return found
