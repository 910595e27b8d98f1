import uuid

import pytest

from audit.models import Entry
from messaging.deadletters.redriving.selectors import progress
from messaging.models import DeadLetter, Delivery, RedriveItem, RedriveRun, RunState
from tests.console.conftest import browser, letter, reverse, text_of
from tests.messaging.sample import DoThing
from wildrydes.kernel.ids import new_id

PLAN = "admin:redriving_plan"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def operator(db):
    return browser(role="operator")


@pytest.fixture
def several(dead):
    return [dead(DoThing(thing_id=uuid.uuid4())) for _ in range(3)]


def planned(client, **form):
    answer = client.post(reverse(PLAN), {"rate": "100", "max_failures": "10", **form})
    assert answer.status_code == 302, text_of(answer)
    run = RedriveRun.objects.latest("created_at")
    assert answer.headers["Location"] == reverse("admin:messaging_redriverun_change", args=(run.id,))
    return run


def steer(client, run, act, **options):
    return client.post(reverse("admin:redriving_steer", args=(run.id, act)), **options)


def page_of(client, run):
    answer = client.get(reverse("admin:messaging_redriverun_change", args=(run.id,)))
    assert answer.status_code == 200
    return answer


def test_a_cause_is_dry_run_tried_with_a_canary_and_sent(several, operator, drain):
    cause = several[0].fingerprint
    form = operator.get(reverse(PLAN) + f"?fingerprint={cause}")
    assert cause in text_of(form)
    assert not RedriveRun.objects.exists()
    run = planned(operator, fingerprint=cause)
    assert not Delivery.objects.filter(handler="sample.do").exists()
    text = text_of(page_of(operator, run))
    assert "Planned; nothing is sent yet 3 letters" in text
    assert "0 of 3 have their outcome, 0 %" in text
    steer(operator, run, "send_canary")
    assert "canary" in text_of(page_of(operator, run))
    drain(include_delayed=True)
    text = text_of(page_of(operator, run))
    assert "1 of 3 have their outcome, 33 %" in text
    assert "Send the rest" in text
    steer(operator, run, "go_on")
    drain(include_delayed=True)
    page = page_of(operator, run)
    assert "3 of 3 have their outcome, 100 %" in text_of(page)
    assert "data-final" in page.content.decode()
    assert set(DeadLetter.objects.values_list("state", flat=True)) == {"redriven"}
    acts = list(Entry.objects.filter(subject_id=str(run.id)).order_by("happened_at").values_list("action", flat=True))
    assert acts[0].endswith(".planned")


def test_ticked_letters_are_a_run_of_their_own(several, operator):
    form = operator.post(reverse(PLAN), {"ids": [several[0].id, several[1].id]})
    assert "2 that you ticked" in text_of(form)
    assert not RedriveRun.objects.exists()
    run = planned(operator, ids=[several[0].id, several[1].id])
    assert progress(run.id).total == 2


def test_a_run_is_paused_resumed_and_cancelled(several, operator):
    run = planned(operator, fingerprint=several[0].fingerprint)
    steer(operator, run, "skip_canary")
    assert "Pause" in text_of(page_of(operator, run))
    for act, state in (("pause", RunState.PAUSED), ("resume", RunState.RUNNING), ("cancel", RunState.CANCELLED)):
        assert steer(operator, run, act).status_code == 302
        run.refresh_from_db()
        assert run.state == state
    again = steer(operator, run, "cancel", follow=True)  # a second click
    assert "cannot be cancelled" in again.content.decode()
    assert steer(operator, run, "go_on", follow=True).status_code == 200


def test_the_fragment_is_the_figures_alone(several, operator):
    run = planned(operator, fingerprint=several[0].fingerprint)
    figures = reverse("admin:redriving_figures", args=(run.id,))
    answer = operator.get(figures)
    assert "<html" not in answer.content.decode()
    assert "csrfmiddlewaretoken" in answer.content.decode()
    assert operator.post(figures).status_code == 405
    watcher = browser(role="auditor")
    assert "<form" not in watcher.get(figures).content.decode()


@pytest.mark.parametrize(
    "form",
    [
        {"rate": ""},
        {"rate": "fast"},
        {"rate": "nan"},
        {"rate": "-1"},
        {"rate": "1e9"},
        {"rate": "0"},
        {"rate": "9" * 400},
        {"max_failures": "0"},
        {"max_failures": "1.5"},
        {"max_failures": "9" * 5_000},
        {"fingerprint": ""},
        {"fingerprint": "x\x00"},
        {"ids": "x"},
        {"tenant": "nobody"},
        {"older_than": "1y"},
    ],
    ids=str,
)
def test_a_plan_that_cannot_be_meant_is_told(several, operator, form):
    given = {"fingerprint": several[0].fingerprint, "rate": "5", "max_failures": "10", **form}
    answer = operator.post(reverse(PLAN), given)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert not RedriveRun.objects.exists()


def test_a_cause_without_open_letters_is_told(tenant, operator):
    letter(tenant.id, fingerprint="closed", state="discarded")
    answer = operator.post(reverse(PLAN), {"fingerprint": "closed", "rate": "5", "max_failures": "10"})
    assert "No open dead letter is found" in text_of(answer)


def test_a_run_that_is_not_there_is_not_found(operator):
    for name in ("messaging_redriverun_change", "redriving_figures"):
        assert operator.get(reverse(f"admin:{name}", args=(new_id(),))).status_code == 404
    assert operator.post(reverse("admin:redriving_steer", args=(new_id(), "pause"))).status_code == 404


def test_a_run_can_do_no_more_than_it_can(several, operator):
    run = planned(operator, fingerprint=several[0].fingerprint)
    for act in ("plan_run", "driver_died", "__class__", "x" * 300):
        assert steer(operator, run, act).status_code == 404
    assert operator.get(reverse("admin:redriving_steer", args=(run.id, "cancel"))).status_code == 405


def test_hostile_results_and_many_pages_are_shown_as_text(several, operator):
    run = planned(operator, fingerprint=several[0].fingerprint)
    RedriveItem.objects.update(summary=EVIL, result=EVIL, currency="XXX", money_minor=5)
    RedriveRun.objects.update(note=EVIL, actor_name=EVIL)
    for address in ("", "?page=999999", "?state=nonsense", "?page=2&state=%00"):
        answer = operator.get(reverse("admin:messaging_redriverun_change", args=(run.id,)) + address)
        assert answer.status_code == 200
        assert EVIL not in answer.content.decode()
    assert EVIL not in operator.get(reverse("admin:messaging_redriverun_changelist")).content.decode()
