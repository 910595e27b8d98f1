import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils.timezone import now

from api.events import ExpireOperation
from bookings.events import BookingDeadline
from console.front import traffic
from console.front.charts import bars, columns
from console.templatetags.console_tags import duration
from messaging.models import DeadLetter, Delivery, RedriveItem, RedriveRun
from tenants.onboarding.services import start_onboarding
from tests.console.conftest import browser, letter, reverse
from wildrydes.kernel.ids import new_id

UMBRELLA = {"name": "Umbrella", "slug": "umbrella", "tier": "basic", "currency": "EUR", "email": "ada@umbrella.example"}


def waiting(tenant_id, *, since=timedelta(0), topic="payments.capture", queue_class="payments", **fields):
    due = now() - since
    return Delivery.objects.create(
        tenant_id=tenant_id, message_id=new_id(), correlation_id=new_id(), topic=topic, version=1, handler=topic,
        queue_class=queue_class, not_before=due, due_at=due, **fields,
    )  # fmt: skip


def shown(client, page="admin:index"):
    answer = client.get(reverse(page))
    assert answer.status_code == 200
    return answer.context["overview"], " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_it_counts_what_needs_eyes(tenant, staff):
    start_onboarding(**UMBRELLA)
    letter(tenant.id)
    letter(tenant.id, state="redriven")
    letter(None, outcome_committed=False)
    most_of_it = tenant.tier.service_level_seconds * 0.6
    waiting(tenant.id, since=timedelta(seconds=most_of_it))
    waiting(
        tenant.id, since=timedelta(seconds=most_of_it), claim_id=uuid.uuid4(), lease_until=now() + timedelta(seconds=30)
    )
    waiting(tenant.id, since=-timedelta(hours=1))
    overview, text = shown(staff)
    tiers = {tier.name: tier for tier in overview.letters.tiers}
    assert (tiers["Basic"].open, tiers["Platform"].open, tiers["Premium"].open) == (1, 1, 0)
    assert (overview.letters.open, overview.letters.without_outcome, overview.letters.died_today) == (2, 1, 3)
    classes = {each.queue_class: each for each in overview.backlog.classes}
    payments = classes["payments"]
    assert (payments.waiting, payments.working, payments.tone) == (1, 1, "warn")
    assert most_of_it <= payments.oldest_age < most_of_it + 20
    assert classes["control"].waiting == 1  # the onboarding's
    assert "1 dead letter ended without an outcome" in text
    assert "Open dead letters 2 oldest 0 s old" in text
    assert "Being onboarded 1 2 active" in text
    assert "Umbrella Under way, 0 %" in text


@pytest.mark.parametrize("topic", [BookingDeadline.topic, ExpireOperation.topic])
def test_a_deadline_that_nobody_looked_at_is_shown(tenant, staff, topic):
    waiting(tenant.id, since=timedelta(seconds=5), topic=topic)  # a worker may be at it
    waiting(tenant.id, since=timedelta(seconds=-5), topic=topic)
    assert shown(staff)[0].late == []
    late = waiting(tenant.id, since=timedelta(minutes=2), topic=topic)
    overview, text = shown(staff)
    assert overview.backlog.late_deadlines == 1
    assert [(each.tenant, each.correlation_id) for each in overview.late] == [("Acme", late.correlation_id)]
    assert "Past their deadline 1 the longest for 2 min" in text
    assert "are workers and sweeper running?" in text


def test_redrive_runs_under_way_are_shown(tenant, staff):
    given = {"selection": {}, "rate": 1, "max_failures": 1, "actor_kind": "staff", "actor_id": "1", "actor_name": "ada"}
    run = RedriveRun.objects.create(state="running", **given)
    RedriveRun.objects.create(state="done", **given)
    for state in ("redriven", "waiting", "waiting", "waiting"):
        RedriveItem.objects.create(run=run, letter_id=new_id(), state=state)
    overview, text = shown(staff)
    assert [(each.id, each.total, each.percent) for each in overview.redriving] == [(run.id, 4, 25)]
    assert "4 letters Sending, 25 % ada" in text
    assert shown(browser("messaging.view_delivery"))[0].redriving == []


def test_a_calm_day_is_told_as_such(tenant, staff):
    overview, text = shown(staff)
    assert "Nothing is broken." in text
    assert (overview.letters.open, overview.backlog.waiting, overview.backlog.tone) == (0, 0, "good")


@pytest.mark.parametrize(
    ("permission", "part"),
    [
        ("messaging.view_deadletter", "letters"),
        ("messaging.view_delivery", "backlog"),
        ("onboarding.view_onboardingrun", "onboardings"),
        ("registry.view_tenant", "statuses"),
    ],
)
@pytest.mark.parametrize("page", ["admin:index", "admin:front"])
def test_it_shows_no_more_than_one_may_see(tenant, permission, part, page):
    letter(tenant.id)
    overview, text = shown(browser(permission), page)
    parts = {"letters", "backlog", "onboardings", "statuses"}
    assert getattr(overview, part) is not None
    assert {name for name in parts if getattr(overview, name) is not None} == {part}
    assert "Onboard a company" not in text


def test_the_fragment_is_the_figures_alone(tenant, staff):
    page = staff.get(reverse("admin:front"))
    assert "<html" not in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert staff.post(reverse("admin:front")).status_code == 405
    assert browser().get(reverse("admin:front")).status_code == 200


def test_it_stays_cheap_with_many_thousands_waiting(tenant, staff, django_assert_max_num_queries):
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO messaging_delivery (id, tenant_id, message_id, correlation_id, topic, version, handler, queue_class,
                      epoch, attempts, crashes, sends, claimed_by, not_before, due_at)
               SELECT gen_random_uuid(), %s, gen_random_uuid(), gen_random_uuid(), 't', 1, 'h', 'bookings', 0, 0, 0, 0, '',
                      now() - make_interval(secs => n %% 100), now() FROM generate_series(1, 20000) n""",
            [tenant.id],
        )
    with django_assert_max_num_queries(20):
        overview, text = shown(staff, "admin:front")
    assert overview.backlog.waiting == 20_000
    assert "Messages waiting 20,000" in text


def test_counting_ends_somewhere(tenant, staff, monkeypatch):
    monkeypatch.setattr(traffic, "COUNT_LIMIT", 2)
    for _ in range(3):
        waiting(tenant.id)
    overview, text = shown(staff)
    assert not overview.backlog.is_complete
    assert "Messages waiting over 2" in text


def test_each_hour_has_its_deaths(tenant, staff):
    for minutes in (0, 59, 61, 23 * 60 + 59, 24 * 60 + 1):
        dead = letter(tenant.id)
        DeadLetter.objects.filter(id=dead.id).update(died_at=now() - timedelta(minutes=minutes))
    hours = traffic.deaths_by_hour()
    assert (len(hours), hours[-1], hours[-2], hours[0], sum(hours)) == (24, 2, 1, 1, 4)


def test_charts_are_in_proportion_and_show_what_is_small():
    assert [bar.length for bar in bars([0, 1, 50, 10_000])] == [0, 1.5, 1.5, 100]
    assert bars([]) == []
    assert [bar.length for bar in bars([0, 0])] == [0, 0]
    standing = columns([0, 5, 10, 1])
    assert [(bar.start, bar.length, bar.drop) for bar in standing] == [
        (0, 0, 40),
        (25, 20, 20),
        (50, 40, 0),
        (75, 4, 36),
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (-3, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (11_100, "3 h 5 min"),
        (90_000, "1 d 1 h"),
        (86_400 * 40, "40 d"),
    ],
)
def test_ages_are_said_in_two_units_at_most(seconds, said):
    assert duration(seconds) == said
