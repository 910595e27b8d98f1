"""The fleet's own API: its tokens open nothing else, and nothing else opens it."""

import json
import uuid
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from fleet.models import Credential, Operator, UnicornPosition
from fleet.services import issue_credential, register_operator, revoke_credential, speaker_with
from fleet.tokens import issue_token
from tenants.identity.models import User
from tenants.identity.tokens import AccessToken
from wildrydes.kernel.encryption import unseal
from wildrydes.kernel.http import OutboundConfig, configure_outbound

pytestmark = pytest.mark.django_db
AGO = timedelta(seconds=30)
TOKEN, POSITIONS, WEBHOOK = (f"/api/fleet/v1/{name}" for name in ("token", "positions", "webhook"))


def send(client, path, body, method="put"):
    return getattr(client, method)(path, data=body, content_type="application/json")


def place(unicorn, latitude=10.0, longitude=20.0, **more):
    return {"unicorn": str(unicorn.operator_ref), "latitude": latitude, "longitude": longitude, **more}


def test_a_credential_becomes_a_token_that_reports_positions(add_unicorn):
    unicorn = add_unicorn(seen_ago=AGO)
    issued = issue_credential(operator="house")
    public = Client(headers={"host": "localhost"})
    answer = send(public, TOKEN, {"credential": str(issued.credential_id), "secret": issued.secret}, "post")
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 600
    bearer = Client(headers={"host": "localhost", "authorization": f"Bearer {answer.json()['access']}"})
    moved = send(bearer, POSITIONS, {"positions": [place(unicorn, available=False)]})
    assert moved.json() == {"moved": 1, "changed": 1, "unknown": []}
    unicorn.refresh_from_db()
    assert (unicorn.status, unicorn.position.latitude) == ("off_duty", 10.0)


@pytest.mark.parametrize("wrong", ["secret", "credential", "revoked"])
def test_a_credential_that_is_not_right(wrong):
    issued = issue_credential(operator="house")
    known = {"credential": str(issued.credential_id), "secret": issued.secret}
    if wrong == "revoked":
        assert revoke_credential(credential_id=issued.credential_id)
    else:
        known[wrong] = str(uuid.uuid4())
    answer = send(Client(headers={"host": "localhost"}), TOKEN, known, "post")
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("/invalid-credential")


def test_a_tenants_token_is_refused_here_and_the_fleets_there(tenant, speaker, fleet_client):
    bearer = AccessToken.of(User(email="a@acme.example", role="administrator"), tenant)
    here = Client(headers={"host": "localhost", "authorization": f"Bearer {bearer}"})
    for path in (POSITIONS, WEBHOOK):
        assert send(here, path, {}).status_code == 401
    there = Client(headers={"host": "acme.localhost", "authorization": f"Bearer {issue_token(speaker)}"})
    for path in ("/api/v1/bookings", "/api/v1/me"):
        assert there.get(path).status_code == 401
    # Nor is the fleet's API on a tenant's host, or without a token.
    assert send(there, POSITIONS, {}).status_code == 404
    assert send(Client(headers={"host": "localhost"}), POSITIONS, {}).status_code == 401


def test_of_others_unicorns_nothing_is_taken(add_unicorn, fleet_client):
    mine, theirs = add_unicorn(seen_ago=AGO), add_unicorn(operator=register_operator(code="rival", name="Rival"))
    issued = issue_credential(operator="house", unicorn=mine.operator_ref)
    one = fleet_client(speaker_with(credential_id=issued.credential_id, secret=issued.secret))
    other_of_house = add_unicorn()
    answer = send(one, POSITIONS, {"positions": [place(each) for each in (mine, theirs, other_of_house)]})
    assert answer.json()["moved"] == 1
    assert set(answer.json()["unknown"]) == {str(theirs.operator_ref), str(other_of_house.operator_ref)}
    assert UnicornPosition.objects.get(unicorn=theirs).latitude != 10.0
    assert send(one, WEBHOOK, {"url": "https://192.0.46.8/hook"}).status_code == 403


def test_an_older_report_moves_nobody_and_none_is_from_the_future(add_unicorn, speaker, fleet_client):
    unicorn = add_unicorn(seen_ago=AGO)
    ago, ahead = (timezone.now() + timedelta(hours=hours) for hours in (-1, 1))
    client = fleet_client(speaker)
    assert send(client, POSITIONS, {"positions": [place(unicorn, at=ago.isoformat())]}).json()["moved"] == 0
    assert send(client, POSITIONS, {"positions": [place(unicorn, at=ahead.isoformat())]}).json()["moved"] == 1
    assert UnicornPosition.objects.get(unicorn=unicorn).reported_at < timezone.now() + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"latitude": 91}, "/positions/0/latitude"),
        ({"longitude": "20"}, "/positions/0/longitude"),
        ({"unicorn": "x"}, "/positions/0/unicorn"),
        ({"at": "2026-01-01T00:00:00"}, "/positions/0/at"),
        ({"colour": "white"}, "/positions/0"),
    ],
    ids=["latitude", "longitude", "unicorn", "naive", "unknown"],
)
def test_a_report_is_read_strictly(change, pointer, add_unicorn, speaker, fleet_client):
    answer = send(fleet_client(speaker), POSITIONS, {"positions": [place(add_unicorn()) | change]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("body", [{}, {"positions": []}, {"positions": 5}, {"positions": [None]}], ids=str)
def test_what_is_no_report(body, speaker, fleet_client):
    assert send(fleet_client(speaker), POSITIONS, body).status_code == 422


def test_nobody_is_named_twice(add_unicorn, speaker, fleet_client):
    answer = send(fleet_client(speaker), POSITIONS, {"positions": [place(add_unicorn())] * 2})
    assert answer.status_code == 422


def test_the_webhook_is_a_public_address_and_its_secret_is_shown_once(speaker, fleet_client):
    configure_outbound(OutboundConfig())
    client = fleet_client(speaker)
    for private in ("http://127.0.0.1:5432/", "https://10.0.0.8/hook", "ftp://example.com/", "https://[::1]/"):
        answer = send(client, WEBHOOK, {"url": private})
        assert answer.status_code == 422, private
    answer = send(client, WEBHOOK, {"url": "https://192.0.46.8/hook"})
    assert answer.status_code == 200
    house = Operator.objects.get(id=speaker.operator_id)
    assert unseal(house.webhook_secret_sealed, keys=settings.FIELD_ENCRYPTION_KEY) == answer.json()["secret"]
    assert client.delete(WEBHOOK).status_code == 204
    house.refresh_from_db()
    assert (house.webhook_url, house.webhook_secret_sealed) == ("", "")


def test_the_command_issues_keeps_and_revokes(tmp_path, add_unicorn):
    file = tmp_path / "fleet.json"
    call_command("fleet_credentials", file=file, stdout=StringIO())
    known = json.loads(file.read_text())
    assert file.stat().st_mode & 0o077 == 0
    call_command("fleet_credentials", file=file, stdout=StringIO())
    assert json.loads(file.read_text()) == known
    call_command("fleet_credentials", revoke=uuid.UUID(known["credential"]), stdout=StringIO())
    call_command("fleet_credentials", file=file, stdout=StringIO())
    assert json.loads(file.read_text())["credential"] != known["credential"]
    out = StringIO()
    call_command("fleet_credentials", operator="rival", name="Rival Rides", stdout=out)
    assert "secret" in out.getvalue()
    assert Credential.objects.filter(operator__code="rival").count() == 1
    for options in ({"operator": "nobody"}, {"operator": "rival", "unicorn": add_unicorn().operator_ref}):
        with pytest.raises(CommandError):
            call_command("fleet_credentials", **options)
