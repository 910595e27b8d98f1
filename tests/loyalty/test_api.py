import uuid

import pytest

from loyalty.services import award_points, take_back_points
from tenants.identity.models import User
from tenants.registry.context import enter_tenant

URL = "/api/v1/loyalty"


@pytest.fixture
def user(tenant):
    return User(email="rider@acme.example", role="rider", name="Ada")


@pytest.fixture
def rider(api_client, tenant, user):
    return api_client(tenant, user)


def test_without_rides_there_are_no_points(rider):
    answer = rider.get(URL)
    assert answer.status_code == 200
    assert answer.json() == {"balance": 0, "items": [], "next": None}


def test_points_and_where_they_came_from_page_by_page(rider, user, tenant):
    rides = [uuid.uuid4() for _ in range(3)]
    with enter_tenant(tenant):
        for ride in rides:
            award_points(user_id=user.id, booking_id=ride, fare_minor=1_000)
        take_back_points(user_id=user.id, booking_id=rides[0])
        award_points(user_id=uuid.uuid4(), booking_id=uuid.uuid4(), fare_minor=9_900)
    page = rider.get(URL, {"limit": 3}).json()
    assert page["balance"] == 20
    assert [(item["kind"], item["points"]) for item in page["items"]] == [
        ("taken_back", -10),
        ("earned", 10),
        ("earned", 10),
    ]
    rest = rider.get(page["next"]).json()
    assert [item["booking_id"] for item in rest["items"]] == [str(rides[0])]
    assert rest["next"] is None


def test_nobody_sees_points_without_a_token(client, tenant):
    assert client.get(URL, headers={"host": "acme.localhost"}).status_code == 401


@pytest.mark.parametrize("query", ["limit=1000", "cursor=x", "user=1"])
def test_parameters_that_make_no_sense_are_refused(rider, query):
    assert rider.get(f"{URL}?{query}").status_code == 400
