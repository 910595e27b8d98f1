"""Quotes through the tenants' API and the fleet's, as clients and unicorns use them."""

import json
import uuid
from uuid import UUID

import pytest
from django.test import Client

from fleet.domain import Point
from fleet.models import Inquiry
from rfq.models import Rfq
from rfq.watching import close_overdue
from tenants.identity.models import User
from tenants.identity.tokens import AccessToken
from tenants.registry.context import enter_tenant
from tests.rfq.conftest import offering
from tests.rfq.test_services import overdue

pytestmark = pytest.mark.django_db
ANSWERS, REQUESTS = "/api/fleet/v1/answers", "/api/fleet/v1/requests"


def place(point):
    return {"latitude": point.latitude, "longitude": point.longitude, "label": "Somewhere"}


@pytest.fixture
def body(city):
    return {
        "pickup": place(city),
        "dropoff": place(Point(city.latitude + 0.05, city.longitude)),
        "passengers": 2,
        "wanted_offers": 2,
        "strategy": "cheapest",
    }


def post(client, path, data=None, **headers):
    return client.post(path, data={} if data is None else data, content_type="application/json", headers=headers)


def ask(client, body):
    return post(client, "/api/v1/rfqs", body, **{"idempotency-key": str(uuid.uuid4())})


def wire(answer):
    """The answer as JSON."""
    told = {"correlation_id": str(answer.correlation_id), "reply_to": answer.reply_to}
    if answer.offer is None:
        return {**told, "decline": True}
    made = answer.offer
    return {
        **told,
        "offer": {"price_minor": made.price_minor, "currency": made.currency, "eta_seconds": made.eta_seconds},
    }


def test_from_the_question_to_the_ride(tenant, api_client, fleet_client, speaker, add_unicorn, body, drain, ledger):
    near, far = add_unicorn(), add_unicorn(north_km=3)
    client, unicorns = api_client(tenant), fleet_client(speaker)
    accepted = ask(client, body)
    assert accepted.status_code == 202
    operation = accepted["Location"]
    assert client.get(operation).json()["kind"] == "rfq"
    drain()
    asked = {item["unicorn"]: item for item in unicorns.get(REQUESTS).json()["items"]}
    assert set(asked) == {str(near.operator_ref), str(far.operator_ref)}
    for unicorn, price in ((near, 900), (far, 700)):
        answer = post(unicorns, ANSWERS, wire(offering(asked[str(unicorn.operator_ref)], price=price)))
        assert answer.status_code == 201, answer.content
        assert answer.json()["answer"] == "offer"
    assert unicorns.get(REQUESTS).json()["items"] == []
    drain()
    done = client.get(operation).json()
    assert done["status"] == "succeeded"
    rfq = client.get(done["links"]["resource"]).json()
    assert rfq == done["result"]
    assert [(each["rank"], each["price"]["amount_minor"]) for each in rfq["offers"]] == [(1, 700), (2, 900)]
    why = client.get(rfq["links"]["explanation"]).json()
    assert [each["outcome"] for each in why["unicorns"]] == ["outranked", "best"]
    assert why["unicorns"][0]["outranked_by"] == {
        "offer_id": rfq["offers"][0]["id"], "unicorn": "Luna", "by": "price_minor", "own": 900, "theirs": 700,
    }  # fmt: skip
    key = {"idempotency-key": "accept-1"}
    booked = post(client, rfq["links"]["acceptance"], {"offer_id": rfq["offers"][0]["id"]}, **key)
    assert booked.status_code == 202
    again = post(client, rfq["links"]["acceptance"], {"offer_id": rfq["offers"][0]["id"]}, **key)
    assert again.content == booked.content
    twin = post(client, rfq["links"]["acceptance"], {"offer_id": rfq["offers"][1]["id"]}, **{"idempotency-key": "x"})
    assert (twin.status_code, twin.json()["type"].rpartition("/")[2]) == (409, "offer-accepted")
    drain()
    ride = client.get(booked["Location"]).json()["result"]
    assert (ride["state"], ride["fare"]["amount_minor"]) == ("confirmed", 700)
    won = asked[str(far.operator_ref)]["correlation_id"]
    assert unicorns.get(f"{REQUESTS}/{won}").json()["state"] == "won"
    assert client.get(rfq["links"]["self"]).json()["links"]["booking"] == f"/api/v1/bookings/{ride['id']}"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"passengers": 7}, "/passengers"),
        ({"passengers": "2"}, "/passengers"),
        ({"deadline_seconds": 1}, "/deadline_seconds"),
        ({"deadline_seconds": 601}, "/deadline_seconds"),
        ({"wanted_offers": 0}, "/wanted_offers"),
        ({"radius_m": 10**9}, "/radius_m"),
        ({"strategy": "dearest"}, "/strategy"),
        ({"wishes": {"extras": ["wings"]}}, "/wishes/extras/0"),
        ({"wishes": {"extras": ["music"] * 9}}, "/wishes/extras"),
        ({"wishes": {"slowest": "crawl"}}, "/wishes/slowest"),
        ({"wishes": {"colour": "white"}}, "/wishes/colour"),
        ({"pickup": {"latitude": 91, "longitude": 0}}, "/pickup/latitude"),
        ({"pickup_at": "2020-01-01T00:00:00Z"}, "/pickup_at"),
        ({"reference": "a\u0007b"}, "/reference"),
        ({"surprise": 1}, "/surprise"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_a_request_is_read_strictly(change, pointer, tenant, api_client, body):
    answer = ask(api_client(tenant), body | change)
    assert answer.status_code == 422, answer.content
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    with enter_tenant(tenant):
        assert not Rfq.objects.exists()


def test_a_key_is_required_and_a_twin_gets_the_first_answer(tenant, api_client, body):
    client = api_client(tenant)
    assert post(client, "/api/v1/rfqs", body).status_code == 400
    first, second = (post(client, "/api/v1/rfqs", body, **{"idempotency-key": "k"}) for _ in range(2))
    assert first.content == second.content
    with enter_tenant(tenant):
        assert Rfq.objects.count() == 1


def test_a_rider_sees_their_own_and_a_manager_all(tenant, api_client, body):
    mine, other, manager = api_client(tenant), api_client(tenant), api_client(tenant, role="manager")
    path = f"/api/v1/rfqs/{ask(mine, body).json()['links']['resource'].rpartition('/')[2]}"
    assert mine.get(path).status_code == manager.get(path).status_code == 200
    for method, where in (("get", ""), ("get", "/explanation"), ("post", "/withdrawal")):
        assert getattr(other, method)(path + where).status_code == 404
    assert post(other, f"{path}/acceptance", {"offer_id": path[-36:]}, **{"idempotency-key": "k"}).status_code == 404
    assert [len(one.get("/api/v1/rfqs?state=open").json()["items"]) for one in (mine, other, manager)] == [1, 0, 1]
    assert mine.get("/api/v1/rfqs?state=lost").status_code == 400


def test_withdrawing(tenant, api_client, fleet_client, speaker, add_unicorn, body, drain):
    add_unicorn()
    client, unicorns = api_client(tenant), fleet_client(speaker)
    path = ask(client, body).json()["links"]["resource"]
    drain()
    (asked,) = unicorns.get(REQUESTS).json()["items"]
    for _ in range(2):
        answer = post(client, f"{path}/withdrawal")
        assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    assert unicorns.get(f"{REQUESTS}/{asked['correlation_id']}").json()["state"] == "withdrawn"
    late = post(unicorns, ANSWERS, wire(offering(asked)))
    assert (late.status_code, late.json()["type"].rpartition("/")[2]) == (409, "answer-late")


def test_what_unicorns_are_told_of_answers_that_do_not_count(
    tenant, api_client, fleet_client, speaker, add_unicorn, body, drain
):
    add_unicorn()
    unicorns = fleet_client(speaker)
    ask(api_client(tenant), body)
    drain()
    (asked,) = unicorns.get(REQUESTS).json()["items"]
    good = wire(offering(asked))
    for change, status, code in (
        ({"reply_to": good["reply_to"][:-2] + "xx"}, 422, "forged-return-address"),
        ({"reply_to": "\ud800"}, 400, "malformed-body"),
        ({"reply_to": ""}, 422, "invalid-input"),
        ({"correlation_id": str(uuid.uuid4())}, 404, "unknown-request"),
        ({"decline": True}, 422, "invalid-input"),
        ({"offer": {**good["offer"], "price_minor": 0}}, 422, "invalid-input"),
        ({"offer": {**good["offer"], "currency": "EUR"}}, 422, "invalid-input"),
        ({"offer": {**good["offer"], "valid_seconds": 10**9}}, 422, "invalid-input"),
        ({"offer": {**good["offer"], "note": "hi"}}, 422, "invalid-input"),
        ({"tenant": "acme"}, 422, "invalid-input"),
    ):
        answer = post(unicorns, ANSWERS, json.dumps(good | change))
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (status, code), change
        assert answer["Content-Type"] == "application/problem+json"
    assert post(unicorns, ANSWERS, good).status_code == 201
    second = post(unicorns, ANSWERS, good)
    assert (second.status_code, second.json()["type"].rpartition("/")[2]) == (409, "already-answered")


def test_the_fleets_endpoints_want_the_fleets_token(tenant, speaker):
    token = AccessToken.of(User(email="a@acme.example", role="administrator"), tenant)
    tenants = Client(headers={"host": "localhost", "authorization": f"Bearer {token}"})
    nobody = Client(headers={"host": "localhost"})
    for client in (tenants, nobody):
        assert client.get(REQUESTS).status_code == 401
        assert client.get(f"{REQUESTS}/{uuid.uuid4()}").status_code == 401
        assert post(client, ANSWERS).status_code == 401


def test_pulling_goes_on_where_it_was(tenant, api_client, fleet_client, speaker, add_unicorn, body, drain):
    for _ in range(3):
        add_unicorn()
    unicorns = fleet_client(speaker)
    ask(api_client(tenant), body)
    drain()
    everything = [item["correlation_id"] for item in unicorns.get(REQUESTS).json()["items"]]
    assert everything == sorted(everything)
    some = unicorns.get(f"{REQUESTS}?limit=2").json()["items"]
    rest = unicorns.get(f"{REQUESTS}?after={some[-1]['correlation_id']}").json()["items"]
    assert [item["correlation_id"] for item in (*some, *rest)] == everything
    for wrong in ("limit=0", "limit=x", "after=x", "who=me"):
        assert unicorns.get(f"{REQUESTS}?{wrong}").status_code == 400
    assert unicorns.get(f"{REQUESTS}/{uuid.uuid4()}").status_code == 404


def test_two_companies_ask_the_same_unicorn_and_learn_nothing_of_each_other(
    tenant, other_tenant, api_client, fleet_client, speaker, add_unicorn, body, drain
):
    add_unicorn()
    paths = [ask(api_client(each), body).json()["links"]["resource"] for each in (tenant, other_tenant)]
    drain()
    unicorns = fleet_client(speaker)
    asked = unicorns.get(REQUESTS).json()["items"]
    assert {item["currency"] for item in asked} == {tenant.currency, other_tenant.currency}
    assert len({item["correlation_id"] for item in asked}) == 2
    told = json.dumps(asked)
    assert not [each for each in (tenant, other_tenant) if str(each.id) in told or each.slug in told]
    for item in asked:
        assert post(unicorns, ANSWERS, wire(offering(item, price=500 + len(item["currency"])))).status_code == 201
    drain()
    for each, path in zip((tenant, other_tenant), paths, strict=True):
        client = api_client(each, role="manager")
        assert len(client.get(path).json()["offers"]) == 1
        assert len(client.get("/api/v1/rfqs").json()["items"]) == 1
    assert api_client(other_tenant, role="manager").get(paths[0]).status_code == 404
    assert Inquiry.objects.filter(state="answered").count() == 2


def test_the_companys_policy(tenant, other_tenant, api_client, body):
    boss, rider = api_client(tenant, role="administrator"), api_client(tenant)
    wanted = {"strategy": "fastest", "weights": {"price": 0, "arrival": 5, "extras": 1}}
    assert rider.put("/api/v1/rfq-policy", wanted, content_type="application/json").status_code == 403
    assert boss.put("/api/v1/rfq-policy", wanted, content_type="application/json").json() == wanted
    assert rider.get("/api/v1/rfq-policy").json() == wanted
    assert api_client(other_tenant).get("/api/v1/rfq-policy").json()["strategy"] == "best_value"
    nothing = wanted | {"weights": {"price": 0, "arrival": 0, "extras": 0}}
    assert boss.put("/api/v1/rfq-policy", nothing, content_type="application/json").status_code == 422
    path = ask(rider, {name: value for name, value in body.items() if name != "strategy"}).json()["links"]["resource"]
    assert rider.get(path).json()["strategy"] == "fastest"


def test_explained_to_the_last_unicorn(tenant, api_client, fleet_client, speaker, add_unicorn, body, drain):
    unicorns = [add_unicorn(north_km=0.1 * n) for n in range(4)]
    client, fleet = api_client(tenant), fleet_client(speaker)
    path = ask(client, body | {"wanted_offers": 4}).json()["links"]["resource"]
    drain()
    asked = {item["unicorn"]: item for item in fleet.get(REQUESTS).json()["items"]}
    offers, declines, late, _ = (asked[str(each.operator_ref)] for each in unicorns)
    assert {each["outcome"] for each in client.get(f"{path}/explanation").json()["unicorns"]} == {"asked"}
    post(fleet, ANSWERS, wire(offering(offers)))
    declined = {"correlation_id": declines["correlation_id"], "reply_to": declines["reply_to"], "decline": True}
    assert post(fleet, ANSWERS, declined).json()["answer"] == "decline"
    with enter_tenant(tenant):
        overdue(Rfq.objects.get(id=UUID(path.rpartition("/")[2])))
    assert post(fleet, ANSWERS, wire(offering(late))).status_code == 409
    assert close_overdue() == 1
    told = client.get(f"{path}/explanation").json()["unicorns"]
    assert [each["outcome"] for each in told] == ["best", "declined", "late", "silent"]
    assert [each["distance_m"] for each in told] == sorted(each["distance_m"] for each in told)
