"""The judge finds every way in which a promise can be broken; a harness that cannot fail proves nothing."""

from collections.abc import Callable

import pytest

from chaos.judging import CRIMES, Judgement, judge
from chaos.promises import tell
from tests.chaos.world import BEGAN, HEALED, World, iso


def verdict(world: World, **options: bool) -> Judgement:
    return judge(tell(world.lines), world.evidence, settle_seconds=60, **options)


def test_a_run_in_which_all_went_well_passes() -> None:
    judgement = verdict(World())

    assert judgement.findings == []
    assert judgement.passed
    assert {name: judgement.counts[name] for name in ("promised", "ended", "confirmed", "cancelled", "declined")} == {
        "promised": 5,
        "ended": 5,
        "confirmed": 3,
        "cancelled": 1,
        "declined": 1,
    }
    assert judgement.counts["repeated"] == 4


def forget_the_booking(world: World) -> None:
    del world.company["bookings"]["b-ride-1"]


def give_the_booking_another_reference(world: World) -> None:
    world.booking("ride-1")["reference"] = "ride-2"


def leave_the_operation_open(world: World) -> None:
    world.operation("ride-1").update(status="running", finished_at=None)


def leave_the_cancellation_open(world: World) -> None:
    world.company["operations"]["c-off"].update(status="accepted", finished_at=None)


def confirm_in_spite_of_the_cancellation(world: World) -> None:
    world.booking("off").update(state="confirmed", refund="none")


def cancel_what_nobody_called_off(world: World) -> None:
    world.booking("ride-1").update(state="cancelled", refund="done")


def fail_the_operation_of_a_confirmed_ride(world: World) -> None:
    world.operation("ride-1").update(status="failed")


def end_after_the_time(world: World) -> None:
    world.operation("ride-1").update(finished_at=iso(HEALED + 61))


def never_answer(world: World) -> None:
    world.lines = [line for line in world.lines if (line["what"], line.get("key")) != ("booked", "ride-1")]


def book_a_second_time(world: World) -> None:
    world.company["bookings"]["b-twin"] = dict(world.booking("ride-1"))


def charge_a_second_time(world: World) -> None:
    world.charge("ride-1", charge="ch-second")


def drop_a_charge(world: World) -> None:
    world.company["ledger"] = [row for row in world.company["ledger"] if row["id"] != "ch-ride-1"]


def charge_too_much(world: World) -> None:
    next(row for row in world.company["ledger"] if row["id"] == "ch-ride-1")["amount"] = 901


def charge_and_tell_another_price(world: World) -> None:
    charge_too_much(world)
    world.booking("ride-1")["fare"] = {"amount_minor": 901, "currency": "USD"}


def drop_a_refund(world: World) -> None:
    world.company["ledger"] = [row for row in world.company["ledger"] if row["id"] != "re-off"]


def refund_a_ride_that_stands(world: World) -> None:
    world.company["ledger"].append({"object": "refund", "id": "re-1", "charge": "ch-ride-1", "amount": 900})


def owe_the_refund(world: World) -> None:
    world.booking("off").update(refund="owed")


def charge_for_no_booking(world: World) -> None:
    world.charge("nobody", charge="ch-nobody")


def charge_a_card_that_is_declined(world: World) -> None:
    next(row for row in world.company["ledger"] if row["id"] == "ch-poor")["status"] = "succeeded"


def answer_a_repetition_otherwise(world: World) -> None:
    world.answer("ride-1", at=BEGAN + 60, body="another")


def refuse_a_repetition(world: World) -> None:
    world.answer("ride-1", at=BEGAN + 60, status=422)


def send_the_repetition_elsewhere(world: World) -> None:
    world.answer("ride-1", at=BEGAN + 60, location="/api/v1/operations/o-ride-2")


def give_points_twice(world: World) -> None:
    world.company["points"].append({"booking_id": "b-ride-1", "kind": "earned", "points": 9})


def keep_points_of_a_cancelled_ride(world: World) -> None:
    world.company["points"] = [entry for entry in world.company["points"] if entry["kind"] == "earned"]


def push_under_two_ids(world: World) -> None:
    world.webhook("ride-1", "confirmed", message="another id")


def never_push(world: World) -> None:
    world.company["webhooks"] = [one for one in world.company["webhooks"] if one["booking"] != "b-ride-1"]


def bury_a_message(world: World) -> None:
    letter = {"id": "d", "handler": "payments.capture", "reason": "attempts", "error_class": "x.Retry"}
    world.evidence["dead_letters"].append(letter)


SABOTAGE: list[tuple[Callable[[World], None], str]] = [
    (forget_the_booking, "lost"),
    (give_the_booking_another_reference, "lost"),
    (leave_the_operation_open, "lost"),
    (leave_the_cancellation_open, "lost"),
    (confirm_in_spite_of_the_cancellation, "lost"),
    (cancel_what_nobody_called_off, "lost"),
    (fail_the_operation_of_a_confirmed_ride, "lost"),
    (end_after_the_time, "late"),
    (never_answer, "unanswered"),
    (book_a_second_time, "booked_twice"),
    (charge_a_second_time, "charged_twice"),
    (drop_a_charge, "money_mismatch"),
    (charge_too_much, "money_mismatch"),
    (charge_and_tell_another_price, "money_mismatch"),
    (drop_a_refund, "money_mismatch"),
    (refund_a_ride_that_stands, "money_mismatch"),
    (owe_the_refund, "money_mismatch"),
    (charge_for_no_booking, "money_mismatch"),
    (charge_a_card_that_is_declined, "money_mismatch"),
    (answer_a_repetition_otherwise, "answers_changed"),
    (refuse_a_repetition, "answers_changed"),
    (send_the_repetition_elsewhere, "answers_changed"),
    (give_points_twice, "points_mismatch"),
    (keep_points_of_a_cancelled_ride, "points_mismatch"),
    (push_under_two_ids, "webhooks_with_other_ids"),
    (never_push, "webhooks_missing"),
    (bury_a_message, "dead_letters"),
]


@pytest.mark.parametrize(("doctor", "crime"), SABOTAGE, ids=[doctor.__name__ for doctor, _ in SABOTAGE])
def test_a_doctored_run_fails(doctor: Callable[[World], None], crime: str) -> None:
    world = World()

    doctor(world)

    judgement = verdict(world)
    assert judgement.counts[crime] >= 1, judgement.findings
    assert not judgement.passed


def test_every_crime_is_found_in_some_doctored_run() -> None:
    assert {crime for _, crime in SABOTAGE} == set(CRIMES)


def test_copies_of_a_webhook_under_one_id_are_fine() -> None:
    world = World()
    world.webhook("ride-1", "confirmed")

    assert verdict(world).passed


def test_less_than_99_in_a_hundred_confirmed_fails() -> None:
    world = World()
    world.decline("unlucky", at=BEGAN + 60)
    next(line for line in world.lines if line.get("key") == "unlucky")["declined"] = False

    judgement = verdict(world)

    assert judgement.findings == []
    assert judgement.confirmed_share == pytest.approx(3 / 4)
    assert not judgement.passed


def test_with_a_failing_provider_a_dead_letter_is_counted_and_excused() -> None:
    world = World()
    bury_a_message(world)

    judgement = verdict(world, provider_fails=True)

    assert judgement.counts["dead_letters"] == 1
    assert judgement.passed


def test_a_ride_on_credit_is_no_mismatch_and_counted() -> None:
    world = World()
    world.booking("ride-1")["paid_by"] = "store_credit"
    drop_a_charge(world)

    judgement = verdict(world)

    assert judgement.counts["on_credit"] == 1
    assert judgement.passed


def test_a_run_without_promises_proves_nothing() -> None:
    world = World()
    world.lines = world.lines[:2]
    for name in ("operations", "bookings"):
        world.company[name].clear()
    world.company["ledger"].clear()

    assert not verdict(world).passed
