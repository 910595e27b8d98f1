import threading

import pytest
from django.db import connection

from messaging.deadletters import services as letters
from messaging.deadletters.errors import NothingToRedrive
from messaging.deadletters.filters import LetterFilter
from messaging.deadletters.redriving import planning, selectors, services
from messaging.models import DeadLetter, Delivery, RedriveItem
from messaging.topology import Prospect, Verdict
from tenants.registry.context import enter_public
from tests.messaging.deadletters.letters import ADA, BOB, many_dead, state_of, tick
from tests.messaging.deadletters.redriving.runs import plan, until
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.money import Money


class TestDryRun:
    def test_tells_for_each_letter_and_sums_the_money_by_currency(self, dead, recorder):
        made = [dead() for _ in range(4)]
        answers = iter(
            [
                Prospect(verdict=Verdict.ACT, summary="One.", money=Money(100, "USD")),
                Prospect(verdict=Verdict.ACT, summary="Two.", money=Money(250, "USD")),
                Prospect(verdict=Verdict.ACT, summary="Three.", money=Money(7, "JPY")),
                Prospect(verdict=Verdict.OBSOLETE, summary="Ended.", money=Money(999, "USD")),
            ]
        )
        recorder.on_foresee = lambda message: setattr(recorder, "prospect", next(answers))
        run = plan()
        seen = selectors.progress(run.id)
        assert (run.state, seen.total, run.matched) == ("draft", 4, 4)
        assert seen.verdicts == {"act": 3, "obsolete": 1, "unknown": 0, "blocked": 0}
        assert seen.money == (Money(7, "JPY"), Money(350, "USD"))
        assert [item.summary for item in selectors.items(run.id)] == ["One.", "Two.", "Three.", "Ended."]
        assert {state_of(letter) for letter in made} == {"open"}
        assert not Delivery.objects.exists()

    def test_tells_what_cannot_be_sent(self, dead):
        DeadLetter.objects.filter(id=dead().id).update(handler="sample.gone")
        (item,) = selectors.items(plan().id)
        assert item.verdict == "blocked"
        assert "no handler sample.gone" in item.summary

    def test_many_are_planned_in_the_background_in_bounded_steps(self, tenant, recorder, monkeypatch):
        monkeypatch.setattr(planning, "GATHER", 20)
        monkeypatch.setattr(planning, "FORESEE", 10)
        many_dead(tenant, 45)
        run = plan()
        assert (run.state, selectors.progress(run.id).total) == ("planning", 0)
        tick()
        half = selectors.progress(run.id)
        assert (half.total, half.planned, half.percent) == (20, 0, 0)
        done = until(run, "draft")
        assert (done.total, done.planned, run.matched, run.left_out) == (45, 45, 45, 0)
        assert run.planned_at is not None

    def test_what_dies_later_is_not_part_of_it(self, tenant, dead, monkeypatch):
        monkeypatch.setattr(planning, "GATHER", 20)
        many_dead(tenant, 25)
        run = plan()
        dead()
        assert until(run, "draft").total == 25

    @pytest.mark.parametrize("rate", [0, -1, 101, float("nan"), float("inf"), 0.001])
    def test_the_rate_has_bounds(self, dead, rate):
        dead()
        with pytest.raises(InvalidInput, match="rate"):
            plan(rate=rate)

    def test_nothing_found_is_said(self, db):
        with pytest.raises(NothingToRedrive):
            plan()


class TestOneOpenRun:
    def test_a_letter_is_in_one_open_run(self, dead):
        first, second = dead(), dead()
        plan(LetterFilter(ids=(first.id,)))
        other = plan(actor=BOB)
        assert [item.letter_id for item in selectors.items(other.id)] == [second.id]
        assert (other.matched, other.left_out) == (2, 1)
        empty = plan(LetterFilter(ids=(first.id,)), actor=BOB)
        assert (empty.state, empty.left_out) == ("cancelled", 1)
        assert "another open run" in empty.note

    def test_two_at_the_same_moment_share_nothing(self, committed, tenant, recorder):
        many_dead(tenant, 15)
        barrier, made = threading.Barrier(2), []

        def compete(actor):
            try:
                with enter_public():
                    connection.ensure_connection()
                    barrier.wait()
                    made.append(plan(actor=actor))
            finally:
                connection.close()

        threads = [threading.Thread(target=compete, args=(actor,)) for actor in (ADA, BOB)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 2
        taken = list(RedriveItem.objects.values_list("letter_id", flat=True))
        assert len(taken) == len(set(taken)) == 15

    def test_a_cancelled_run_frees_its_letters(self, dead):
        letter = dead()
        services.cancel(plan().id, actor=ADA)
        again = plan(actor=BOB)
        assert [item.letter_id for item in selectors.items(again.id)] == [letter.id]

    def test_one_redriven_by_hand_meanwhile_is_skipped(self, dead):
        by_hand, other = dead(), dead()
        run = plan()
        letters.redrive([by_hand.id], actor=BOB)
        services.go_on(run.id, actor=ADA, without_canary=True)
        done = until(run, "done")
        assert (done.states["skipped"], done.states["redriven"]) == (1, 1)
        skipped = selectors.items(run.id, state="skipped").get()
        assert skipped.letter_id == by_hand.id
        assert "bob has sent it again" in skipped.result or "redriven by bob" in skipped.result
        assert {state_of(by_hand), state_of(other)} == {"redriven"}
