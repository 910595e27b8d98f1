import uuid

import pytest
from django.test import Client

from fleet.models import Reservation
from tenants.identity.models import User


@pytest.fixture
def staff(db):
    client = Client(headers={"host": "localhost"})
    client.force_login(
        User.objects.create_superuser(email="staff@example.com", password=uuid.uuid4().hex),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def test_lists_show_the_fleet(staff, add_unicorn):
    unicorn = add_unicorn()
    Reservation.objects.create(
        unicorn=unicorn,
        tenant_id=uuid.uuid4(),
        booking_id=uuid.uuid4(),
        during=("2030-01-01T00:00Z", "2030-01-01T01:00Z"),
        distance_m=5,
    )
    for page in ("unicorn", "reservation"):
        answer = staff.get(f"/admin/fleet/{page}/")
        assert answer.status_code == 200
        assert "Luna" in answer.content.decode()
    assert staff.get(f"/admin/fleet/unicorn/{unicorn.pk}/change/").status_code == 200


def test_nothing_can_be_changed(staff, add_unicorn):
    unicorn = add_unicorn()
    assert staff.get("/admin/fleet/unicorn/add/").status_code == 403
    assert staff.post(f"/admin/fleet/unicorn/{unicorn.pk}/change/", {"name": "Mine"}).status_code == 403
    assert staff.post(f"/admin/fleet/unicorn/{unicorn.pk}/delete/", {"post": "yes"}).status_code == 403
