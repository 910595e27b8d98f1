"""A ride with recognisable people, places and secrets through the real product; then everything it has logged is searched."""

import base64
import json
import uuid

from tests.scenarios.rider import BehindTheScenes, Rider
from wildrydes.devstack import Stack
from wildrydes.devstack.dialogue import RIDE
from wildrydes.devstack.logins import Login

PLACE = "Zaphods Hideout 42"
LATITUDE = 36.11471234
GUESS = "open-sesame-4711-plus"


def test_no_log_shows_who_rode_where_or_with_what_secret(stack: Stack, logins: dict[str, Login]) -> None:
    begins = len(stack.layout.log.read_text(errors="replace"))
    login = logins["enterprise"]
    rider = Rider(stack, login)
    behind = BehindTheScenes(stack, rider.slug)
    access = rider._headers["Authorization"].removeprefix("Bearer ")
    ride = {**RIDE, "pickup": {"latitude": LATITUDE, "longitude": -115.1728, "label": PLACE}}
    key = f"key-{uuid.uuid4().hex}"

    behind.script("timeout_after", "error_before")
    booked = rider.call("POST", "/api/v1/bookings", ride, {"Idempotency-Key": key})
    assert booked.status == 202, booked.data
    assert rider.follow(booked.json())["status"] == "succeeded"
    behind.reset()
    # What people and clients do wrong is logged as well.
    assert rider.call("POST", "/api/v1/auth/token", {"email": login.email, "password": GUESS}).status == 401
    assert rider.call("POST", "/api/v1/bookings", {**ride, "pickup": PLACE}).status in (400, 422)
    assert rider.call("GET", f"/api/v1/users/{login.email}?token={GUESS}").status in (400, 404)
    assert rider.call("GET", "/api/v1/me", headers={"Authorization": f"Bearer {access}x"}).status == 401
    assert rider.call("GET", f"/invitations/wrin_{'a1B2' * 10}/").status == 404

    logged = stack.layout.log.read_text(errors="replace")[begins:]
    claims = json.loads(base64.urlsafe_b64decode(access.split(".")[1] + "=="))
    secrets = stack.environment
    for what, shown in {
        "an e-mail address": login.email,
        "a password": login.password,
        "a guessed password": GUESS,
        "an access token": access.split(".")[1][:40],
        "a signature": access.rsplit(".", 1)[1][:30],
        "a place": PLACE,
        "a position": str(LATITUDE),
        "a person's name": claims["name"],
        "an idempotency key": key,
        "an invitation": "a1B2a1B2",
        "the secret key": secrets["SECRET_KEY"],
        "the encryption key": secrets["FIELD_ENCRYPTION_KEY"],
    }.items():
        assert shown, what
        assert shown not in logged, f"{what} is in the log: {[x for x in logged.splitlines() if shown in x][:2]}"
    correlation = booked.json()["id"]
    assert correlation
    assert "delivery.failed" in logged
    assert all("tenant=" in line for line in logged.splitlines() if "delivery.failed" in line)
