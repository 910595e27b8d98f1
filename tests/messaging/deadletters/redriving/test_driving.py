import itertools
import uuid

import pytest
from django.db import connection, reset_queries
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from messaging.consuming import deliver
from messaging.deadletters.errors import RunNotFound, RunRefused
from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.redriving import driving, planning, selectors, services
from messaging.errors import Reject
from messaging.messages import Obsolete
from messaging.models import DeadLetter, Delivery, RedriveItem, RedriveRun
from messaging.topology import Prospect, Verdict
from tenants.registry.context import enter_public
from tests.messaging.conftest import end_lease, make_due
from tests.messaging.deadletters.letters import ADA, BOB, fail, many_dead, state_of, tick
from tests.messaging.deadletters.redriving.runs import plan, until


class TestCanary:
    def test_one_is_sent_and_the_rest_waits_for_a_person(self, dead):
        made = [dead() for _ in range(3)]
        run = plan()
        services.send_canary(run.id, actor=ADA)
        assert [state_of(letter) for letter in made] == ["redriving", "open", "open"]
        with pytest.raises(RunRefused, match="awaited"):
            services.go_on(run.id, actor=ADA)
        until(run, "canary_done")
        for _ in range(3):
            tick()
        assert [state_of(letter) for letter in made] == ["redriven", "open", "open"]
        services.go_on(run.id, actor=BOB)
        assert until(run, "done").states["redriven"] == 3
        made[1].refresh_from_db()
        assert made[1].redriven_by == "bob"

    def test_one_that_dies_again_stops_the_run(self, dead, recorder):
        made = [dead() for _ in range(3)]
        run = plan()
        recorder.do = fail(Reject("still broken"))
        services.send_canary(run.id, actor=ADA)
        stopped = until(run, "stopped")
        assert {name: n for name, n in stopped.states.items() if n} == {"failed": 1, "left": 2}
        assert "messaging.errors.Reject" in run.note
        assert {state_of(letter) for letter in made} == {"open"}
        assert stopped.may == ()
        with pytest.raises(RunRefused):
            services.go_on(run.id, actor=ADA)
        assert plan(actor=BOB).matched == 3, "its letters are free again"

    def test_one_that_is_obsolete_lets_the_rest_go_on(self, dead, recorder):
        dead(), dead()
        run = plan()
        recorder.answer = Obsolete()
        services.send_canary(run.id, actor=ADA)
        assert until(run, "canary_done").states["obsolete"] == 1

    def test_a_letter_that_would_act_is_chosen(self, dead, recorder):
        recorder.prospect = Prospect(verdict=Verdict.OBSOLETE, summary="Ended.")
        nothing_due = dead()
        plan(LetterFilter(ids=(nothing_due.id,)))
        RedriveRun.objects.all().delete()
        answers = itertools.chain(
            [Prospect(verdict=Verdict.OBSOLETE, summary="Ended.")],
            itertools.repeat(Prospect(verdict=Verdict.ACT, summary="Due.")),
        )
        recorder.on_foresee = lambda message: setattr(recorder, "prospect", next(answers))
        due = dead()
        run = plan()
        services.send_canary(run.id, actor=ADA)
        assert [state_of(nothing_due), state_of(due)] == ["open", "redriving"]

    def test_when_none_can_be_sent_it_says_what_to_do(self, dead, recorder):
        recorder.prospect = Prospect(verdict=Verdict.OBSOLETE, summary="Ended.")
        letter = dead()
        run = plan()
        with pytest.raises(RunRefused, match="Go on without a canary"):
            services.send_canary(run.id, actor=ADA)
        services.go_on(run.id, actor=ADA, without_canary=True)
        assert until(run, "done").states["obsolete"] == 1
        assert state_of(letter) == "obsolete"

    def test_a_run_of_one_is_done_with_its_canary(self, dead):
        dead()
        run = plan()
        services.send_canary(run.id, actor=ADA)
        assert until(run, "done").percent == 100


class TestSending:
    def test_keeps_to_its_rate(self, tenant, recorder):
        many_dead(tenant, 20)
        run = plan(rate=3.0)
        services.go_on(run.id, actor=ADA, without_canary=True)
        sent = []
        for _ in range(5):
            tick(seconds=1.0)
            sent.append(RedriveItem.objects.filter(run=run).exclude(state="waiting").count())
        # One at once and three a second; the test's own time may add one.
        assert sent[0] == 4
        assert all(3 <= later - earlier <= 4 for earlier, later in itertools.pairwise(sent))

    def test_a_driver_that_was_away_makes_no_burst(self, tenant, recorder):
        many_dead(tenant, 20)
        run = plan(rate=2.0)
        services.go_on(run.id, actor=ADA, without_canary=True)
        tick()
        before = RedriveItem.objects.filter(run=run, state="waiting").count()
        tick(seconds=3600)
        assert before - RedriveItem.objects.filter(run=run, state="waiting").count() == 4

    def test_slower_than_one_a_second(self, tenant, recorder):
        many_dead(tenant, 3)
        run = plan(rate=0.1)
        services.go_on(run.id, actor=ADA, without_canary=True)
        tick()
        for _ in range(8):
            tick(seconds=1.0)
        assert selectors.progress(run.id).states["waiting"] == 2
        for _ in range(4):
            tick(seconds=1.0)
        assert selectors.progress(run.id).states["waiting"] == 1

    def test_pauses_resumes_and_ends(self, tenant, recorder):
        many_dead(tenant, 12)
        run = plan(rate=2.0)
        services.go_on(run.id, actor=ADA, without_canary=True)
        tick()
        services.pause(run.id, actor=BOB)
        left = selectors.progress(run.id).states["waiting"]
        for _ in range(3):
            tick()
        paused = selectors.progress(run.id)
        assert (paused.states["waiting"], paused.may) == (left, ("resume", "cancel"))
        with pytest.raises(RunRefused, match="paused"):
            services.pause(run.id, actor=BOB)
        services.resume(run.id, actor=ADA)
        assert until(run, "done").states["redriven"] == 12
        assert run.finished_at is not None

    def test_pausing_and_resuming_quickly_leaves_one_driver(self, tenant, recorder):
        many_dead(tenant, 15)
        run = plan(rate=1.0)
        services.go_on(run.id, actor=ADA, without_canary=True)
        for _ in range(4):
            services.pause(run.id, actor=ADA)
            services.resume(run.id, actor=ADA)
        tick()
        assert Delivery.objects.filter(handler="deadletters.drive_run").count() == 1

    def test_pauses_itself_when_too_many_fail(self, tenant, recorder):
        many_dead(tenant, 20)
        run = plan(rate=2.0, max_failures=3)
        recorder.do = fail(Reject("still broken"))
        services.go_on(run.id, actor=ADA, without_canary=True)
        paused = until(run, "paused")
        assert 3 <= paused.states["failed"] <= 6
        assert paused.states["waiting"] >= 14
        assert "died again" in run.note
        recorder.do = None
        services.resume(run.id, actor=ADA)
        assert until(run, "done").states["redriven"] == 20 - paused.states["failed"]

    def test_cancelling_leaves_the_rest_as_it_is(self, tenant, recorder):
        many_dead(tenant, 10)
        run = plan(rate=2.0)
        services.go_on(run.id, actor=ADA, without_canary=True)
        tick()
        services.cancel(run.id, actor=BOB)
        for _ in range(3):
            tick()
        ended = selectors.progress(run.id)
        assert ended.states["left"] == DeadLetter.objects.filter(state="open").count() > 0
        assert (ended.states["waiting"], ended.states["sent"], ended.run.state) == (0, 0, "cancelled")
        with pytest.raises(RunRefused):
            services.cancel(run.id, actor=BOB)

    def test_an_unknown_run(self, db):
        for act in (services.send_canary, services.go_on, services.pause, services.resume, services.cancel):
            with pytest.raises(RunNotFound):
                act(uuid.uuid4(), actor=ADA)
        with pytest.raises(RunNotFound):
            selectors.progress(uuid.uuid4())

    def test_everything_is_written_down(self, dead):
        dead(), dead()
        run = plan()
        services.send_canary(run.id, actor=ADA)
        until(run, "canary_done")
        services.go_on(run.id, actor=BOB)
        until(run, "done")
        told = [(e.action, e.actor_name) for e in Entry.objects.filter(subject_id=str(run.id)).order_by("happened_at")]
        assert told == [
            ("redrive_run.planned", "ada"),
            ("redrive_run.canary_sent", "ada"),
            ("redrive_run.started", "bob"),
            ("redrive_run.finished", "redrive run"),
        ]
        assert Entry.objects.filter(action="deadletter.redrive", details__run=str(run.id)).count() == 2


class TestSurvival:
    def test_a_driver_killed_between_steps_is_taken_over(self, committed, tenant, recorder):
        """Its claim outlives it until the lease ends; what its step had not committed never happened."""
        many_dead(tenant, 30)
        run = plan(rate=10.0)
        until(run, "draft")
        services.go_on(run.id, actor=ADA, without_canary=True)
        seen = []
        for _ in range(40):
            with enter_public():
                driver = Delivery.objects.filter(handler="deadletters.drive_run").first()
            if driver is not None:
                make_due(driver)
                Delivery.objects.filter(id=driver.id).update(claim_id=uuid.uuid4(), claimed_by="killed")
                end_lease(driver)
            tick()
            seen.append(DeadLetter.objects.filter(state="redriven").count())
            run.refresh_from_db()
            if run.state == "done":
                break
        assert run.state == "done"
        assert Delivery.objects.count() == 0
        assert DeadLetter.objects.filter(state="redriven", redrives=1).count() == 30
        assert len(recorder.seen) == 30
        assert seen == sorted(seen)

    def test_a_step_that_dies_half_way_sends_nothing_twice(self, committed, tenant, recorder, monkeypatch):
        many_dead(tenant, 6)
        run = plan(rate=100.0)
        services.go_on(run.id, actor=ADA, without_canary=True)
        real = driving.send

        def die(*args, **kwargs):
            monkeypatch.setattr(driving, "send", real)
            raise MemoryError("killed after the letters were sent and before the next step was")

        monkeypatch.setattr(driving, "send", die)
        tick()
        assert not Delivery.objects.exclude(letter_id=None).exists(), "the step is one commit"
        assert until(run, "done").states["redriven"] == 6
        assert len(recorder.seen) == 6

    def test_a_driver_that_is_given_up_leaves_the_run_paused(self, dead, monkeypatch):
        dead(), dead()
        run = plan()
        services.go_on(run.id, actor=ADA, without_canary=True)

        def broken(*args, **kwargs):
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(driving, "send_items", broken)
            until(run, "paused")
        assert "ZeroDivisionError" in run.note
        services.resume(run.id, actor=ADA)
        assert until(run, "done").states["redriven"] == 2

    def test_thousands_of_letters_in_bounded_steps(self, committed, tenant, recorder):
        many_dead(tenant, 1_100)
        run = plan(rate=100.0)
        steps = 0
        while run.state == "planning":
            reset_queries()  # Django keeps the last 9,000 only
            with CaptureQueriesContext(connection) as captured:
                assert deliver(Delivery.objects.get(handler="deadletters.drive_run").id)
            steps += 1
            assert len(captured) <= 40 + 6 * planning.FORESEE
            run.refresh_from_db()
        assert steps == 2 + 11 + 1, "gathered by the thousand, foreseen by the hundred"
        assert selectors.progress(run.id).verdicts["act"] == 1_100
        services.go_on(run.id, actor=ADA, without_canary=True)
        for _ in range(4):
            tick(seconds=1.0)
        services.cancel(run.id, actor=ADA)
        ended = selectors.progress(run.id)
        assert 300 <= ended.states["redriven"] <= 310
        assert ended.states["left"] == DeadLetter.objects.filter(state="open").count() >= 600
