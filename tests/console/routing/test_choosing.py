"""Choosing a strategy in the Admin: the preview tells the truth, and what is put in force is what was shown."""

import pytest

from audit.models import Entry
from messaging.routing import choices, queue_for
from messaging.routing.models import RoutingChoice
from messaging.routing.previewing import preview
from messaging.routing.services import Place, Wish
from tests.console.conftest import browser

CHOOSE = "/admin/messaging/routingchoice/choose/"


@pytest.fixture
def operator(tenant, other_tenant):
    return browser(role="operator")


def test_the_preview_says_which_queues_come_and_go_and_who_moves(tenant, other_tenant):
    told = preview(Wish(place=Place(tier="basic", queue_class="rfq"), strategy="cell", options={"cells": 2}))
    assert told.appearing == ("rfq.basic.cell-0", "rfq.basic.cell-1")
    assert told.retiring == ()
    assert (told.concerned, told.moving) == (1, 1)
    assert (told.before.met, told.after.met) == (0, 0)
    assert not RoutingChoice.objects.filter(tier="basic").exists(), "it changes nothing"


def test_the_preview_of_a_company_names_its_neighbours(tenant, other_tenant):
    for slug in ("acme", "globex"):
        RoutingChoice.objects.create(tenant_id={"acme": tenant.id, "globex": other_tenant.id}[slug], strategy="fair")
    choices.changed()
    choices.forget()
    told = preview(Wish(place=Place(tenant="acme"), strategy="dedicated"))
    assert told.before.neighbours == ("globex",)
    assert told.after.neighbours == ()
    assert (told.before.met, told.before.twins, told.after.met) == (1, 1, 0)
    assert "bookings.basic.own-acme" in told.appearing
    assert told.retiring == (), "globex is still there"


def test_taking_back_the_last_one_retires_its_queue_with_what_waits_there(tenant):
    RoutingChoice.objects.create(tenant_id=tenant.id, strategy="dedicated", queue_class="rfq")
    choices.changed()
    choices.forget()
    told = preview(Wish(place=Place(tenant="acme", queue_class="rfq")))
    assert told.retiring == (("rfq.basic.own-acme", 0),)


def test_an_operator_sees_what_would_change_and_puts_it_in_force(operator, tenant):
    asked = {"tier": "basic", "queue_class": "rfq", "strategy": "shuffle", "o_queues": "6", "o_own": "2"}
    page = operator.get(CHOOSE, asked).content.decode()
    assert "rfq.basic.shard-5" in page
    assert "1 of 1 company would be sent to another queue" in page
    assert operator.post(CHOOSE, asked).status_code == 400, "not without a reason"
    assert operator.post(CHOOSE, asked | {"reason": "A flood on Tuesday"}).status_code == 302
    choices.forget()
    assert queue_for(tenant, "rfq").startswith("rfq.basic.shard-")
    entry = Entry.objects.get(action="routing.chosen")
    assert (entry.reason, entry.subject_id) == ("A flood on Tuesday", "basic")
    assert "shuffle" in operator.get("/admin/messaging/routingchoice/").content.decode().lower()


def test_without_turns_the_page_says_what_is_lost(operator):
    page = operator.get(CHOOSE, {"tier": "basic", "strategy": "shared"}).content.decode()
    assert "cannot be paused, weighed or capped" in page


@pytest.mark.parametrize(
    "asked",
    [
        {"tier": "gold", "strategy": "fair"},
        {"tenant": "\x00'<b>", "strategy": "fair"},
        {"tier": "basic", "tenant": "acme", "strategy": "fair"},
        {"tier": "basic", "strategy": "<script>"},
        {"tier": "basic", "strategy": "cell", "o_cells": "many"},
        {"tier": "basic", "strategy": "cell", "o_cells": "1e999"},
        {"tier": "basic", "strategy": "cell", "o_cells": "nan"},
        {"tier": "basic", "strategy": "cell", "o_cells": "-3"},
        {"tier": "basic", "queue_class": "x" * 5000, "strategy": "cell"},
    ],
    ids=["tier", "hostile", "both", "strategy", "words", "infinite", "nan", "negative", "long"],
)
def test_hostile_fields_are_refused_in_words(operator, asked):
    for answer in (operator.get(CHOOSE, asked), operator.post(CHOOSE, asked | {"reason": "because"})):
        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
        assert "<script>" not in answer.content.decode().partition('role="alert"')[2][:200]
    assert not RoutingChoice.objects.filter(tier="basic").exists()


def test_support_looks_and_does_not_choose(tenant):
    support = browser(role="support")
    assert support.get("/admin/messaging/routingchoice/").status_code == 200
    assert support.get(CHOOSE).status_code == 403
