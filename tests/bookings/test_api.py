"""The endpoints, through the whole middleware, with real tokens."""

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from api.models import Operation
from bookings.models import Booking
from tenants.registry.context import enter_tenant

pytestmark = pytest.mark.usefixtures("ledger")
URL = "/api/v1/bookings"


@pytest.fixture
def body(city):
    return {
        "pickup": {"latitude": city.latitude, "longitude": city.longitude, "label": "Hotel"},
        "dropoff": {"latitude": city.latitude + 0.05, "longitude": city.longitude},
        "passengers": 2,
        "reference": "CC-4711",
    }


@pytest.fixture
def rider(api_client, tenant):
    return api_client(tenant)


def _post(client, body, *, key=None, path=URL):
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return client.post(path, data=json.dumps(body), content_type="application/json", headers=headers)


def _book(client, body):
    answer = _post(client, body)
    assert answer.status_code == 202, answer.content
    return answer.json()["links"]["resource"]


def test_a_ride_is_accepted_at_once_and_confirmed_soon(rider, body, add_unicorn, drain):
    add_unicorn()
    answer = _post(rider, body)
    assert answer.status_code == 202
    assert int(answer["Retry-After"]) >= 1
    operation = answer.json()
    assert answer["Location"] == operation["links"]["self"]
    assert operation["status"] == "accepted"
    assert operation["kind"] == "booking"
    assert rider.get(operation["links"]["resource"]).json()["state"] == "requested"
    drain()
    ended = rider.get(answer["Location"]).json()
    assert ended["status"] == "succeeded"
    ride = rider.get(operation["links"]["resource"]).json()
    assert ended["result"]["id"] == ride["id"]
    assert ride["state"] == "confirmed"
    assert ride["pickup"] == body["pickup"]
    assert ride["fare"]["currency"] == "USD"
    assert ride["reference"] == "CC-4711"
    assert ride["unicorn"]["name"] == "Nimbus"
    assert ride["links"] == {"self": operation["links"]["resource"], "operation": answer["Location"]}


def test_the_same_key_books_once_and_answers_alike(rider, body, tenant):
    first, second = _post(rider, body, key="k-1"), _post(rider, body, key="k-1")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second["Location"] == first["Location"]
    assert _post(rider, {**body, "passengers": 1}, key="k-1").status_code == 422
    with enter_tenant(tenant):
        assert Booking.objects.count() == 1


def test_a_refused_request_leaves_its_key_free(rider, body):
    assert _post(rider, {**body, "passengers": 0}, key="k-1").status_code == 422
    assert _post(rider, body, key="k-1").status_code == 202


def test_a_booking_needs_a_key(rider, body):
    answer = rider.post(URL, data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


_TOO_LATE = (timezone.now() + timedelta(days=60)).isoformat()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"passengers": 0}, "/passengers"),
        ({"passengers": 7}, "/passengers"),
        ({"passengers": "2"}, "/passengers"),
        ({"passengers": True}, "/passengers"),
        ({"passengers": 1.5}, "/passengers"),
        ({"passengers": None}, "/passengers"),
        ({"pickup": {"latitude": 91, "longitude": 0}}, "/pickup/latitude"),
        ({"pickup": {"latitude": 0, "longitude": -180.01}}, "/pickup/longitude"),
        ({"pickup": {"latitude": 0}}, "/pickup/longitude"),
        ({"pickup": {"latitude": 0, "longitude": 0, "altitude": 3}}, "/pickup/altitude"),
        ({"pickup": [0, 0]}, "/pickup"),
        ({"dropoff": {"latitude": 0, "longitude": 0}}, "/dropoff"),
        ({"pickup_at": "yesterday"}, "/pickup_at"),
        ({"pickup_at": "2020-01-01T00:00:00Z"}, "/pickup_at"),
        ({"pickup_at": "0001-01-01T00:00:00+14:00"}, "/pickup_at"),
        ({"pickup_at": "9999-12-31T23:59:59-14:00"}, "/pickup_at"),
        ({"pickup_at": _TOO_LATE}, "/pickup_at"),
        ({"pickup_at": 1763712000}, "/pickup_at"),
        ({"reference": "x" * 101}, "/reference"),
        ({"reference": "a\nb"}, "/reference"),
        ({"currency": "JPY"}, "/currency"),
        ({"currency": "XXX"}, "/currency"),
        ({"payment_source": "4242 4242 4242 4242"}, "/payment_source"),
        ({"payment_source": ""}, "/payment_source"),
        ({"fare": 1}, "/fare"),
    ],
)
def test_what_is_not_valid_is_refused_field_by_field(rider, body, change, pointer):
    answer = _post(rider, {**body, **change})
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_characters_that_cannot_be_stored_are_malformed(rider, body, text):
    assert _post(rider, {**body, "reference": text}).status_code == 400


def test_a_pickup_without_an_offset_is_read_as_utc(rider, body):
    soon = (timezone.now() + timedelta(hours=3)).replace(microsecond=0)
    path = _book(rider, {**body, "pickup_at": soon.strftime("%Y-%m-%dT%H:%M:%S")})
    assert rider.get(path).json()["pickup_at"] == soon.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def test_riders_see_their_own_and_managers_all(api_client, tenant, other_tenant, body):
    riders = [api_client(tenant, role="rider") for _ in range(2)]
    manager = api_client(tenant, role="manager")
    paths = [_book(client, body) for client in riders]
    for client, own, others in ((riders[0], paths[0], paths[1]), (riders[1], paths[1], paths[0])):
        assert client.get(own).status_code == 200
        assert client.get(others).status_code == 404
        assert _post(client, {}, path=f"{others}/cancellation").status_code == 404
        assert [item["links"]["self"] for item in client.get(URL).json()["items"]] == [own]
    assert [item["links"]["self"] for item in manager.get(URL).json()["items"]] == paths[::-1]
    stranger = api_client(other_tenant, role="administrator")
    assert stranger.get(paths[0]).status_code == 404
    assert stranger.get(URL).json()["items"] == []


def test_the_list_filters_and_pages(rider, body):
    later = (timezone.now() + timedelta(days=2)).isoformat()
    for number in range(3):
        _book(rider, {**body, "reference": f"r{number}"})
    _book(rider, {**body, "reference": "r0", "pickup_at": later})

    def references(**query):
        return [item["reference"] for item in rider.get(URL, query).json()["items"]]

    assert references() == ["r0", "r2", "r1", "r0"]
    assert references(reference="r0") == ["r0", "r0"]
    assert references(state="requested", reference="r1") == ["r1"]
    assert references(state="confirmed") == []
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert references(pickup_from=tomorrow) == ["r0"]
    assert references(pickup_to=tomorrow) == ["r2", "r1", "r0"]
    first = rider.get(URL, {"limit": 3}).json()
    assert [item["reference"] for item in rider.get(first["next"]).json()["items"]] == ["r0"]


@pytest.mark.parametrize(
    "query", ["state=flying", "pickup_from=yesterday", "cursor=zzz", "limit=0", "reference=%00", "color=red"]
)
def test_filters_that_make_no_sense_are_refused(rider, query):
    answer = rider.get(f"{URL}?{query}")
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"


def test_a_confirmed_ride_is_cancelled_through_the_api(rider, body, add_unicorn, drain):
    add_unicorn()
    path = _book(rider, {**body, "pickup_at": (timezone.now() + timedelta(hours=2)).isoformat()})
    drain()
    answer = rider.post(f"{path}/cancellation")
    assert answer.status_code == 202, answer.content
    assert answer.json()["kind"] == "cancellation"
    drain()
    ended = rider.get(answer["Location"]).json()
    assert ended["status"] == "succeeded"
    assert ended["result"]["refund"] == "done"
    assert rider.get(path).json()["state"] == "cancelled"
    assert rider.post(f"{path}/cancellation").json()["id"] == ended["id"]


def test_a_failed_ride_cannot_be_cancelled_and_that_is_a_conflict(rider, body, drain):
    path = _book(rider, body)
    drain()
    answer = rider.post(f"{path}/cancellation")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/cannot-cancel")


def test_cancelling_the_operation_cancels_the_ride(rider, body, add_unicorn, drain):
    add_unicorn()
    answer = _post(rider, body)
    assert rider.delete(answer["Location"]).status_code == 202
    # Whichever of the plan and the wish to cancel comes first, the ride ends as cancelled or stands confirmed.
    drain()
    states = (
        rider.get(answer["Location"]).json()["status"],
        rider.get(answer.json()["links"]["resource"]).json()["state"],
    )
    assert states in (("cancelled", "cancelled"), ("succeeded", "confirmed"))


def test_a_failure_says_why_and_what_to_do(rider, body, drain):
    answer = _post(rider, body)
    drain()
    error = rider.get(answer["Location"]).json()["error"]
    assert error["type"].endswith("/no-unicorn-free")
    assert "Try another time" in error["detail"]


@pytest.mark.usefixtures("nothing_is_reread")
def test_accepting_a_booking_costs_a_bounded_number_of_statements(rider, body, django_assert_max_num_queries, tenant):
    _book(rider, body)
    with django_assert_max_num_queries(9):
        _book(rider, body)
    with enter_tenant(tenant):
        assert Operation.objects.count() == 2
