"""The feed of the real simulator, and every kind of garbage in its place."""

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from fleet.feed import FeedError, read_feed
from fleet.models import Unicorn, UnicornPosition
from fleet.services import sync_fleet
from messaging.scheduling import run_job
from tests.simulators.conftest import Simulator, running
from wildrydes.kernel.errors import ConfigurationError
from wildrydes.kernel.http import AllowList, OutboundConfig, configure_outbound


@pytest.fixture(scope="session")
def herd(tmp_path_factory) -> Iterator[Simulator]:
    yield from running("unicorns", tmp_path_factory.mktemp("herd"), "--count", "12", "--seed", "77")


@pytest.fixture
def outside(settings):
    configure_outbound(OutboundConfig(allow=AllowList.parse("127.0.0.0/8")))
    return settings


@pytest.fixture
def feed(outside):
    """A server that answers what a test wants."""
    answer = {"status": 200, "body": b""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    outside.UNICORNS_URL = f"http://127.0.0.1:{server.server_port}"

    def give(*unicorns, status=200, body=None):
        answer["status"] = status
        answer["body"] = json.dumps({"data": unicorns}).encode() if body is None else body

    yield give
    server.shutdown()
    thread.join()
    server.server_close()


def unicorn(**changes):
    return {
        "id": str(uuid.uuid4()),
        "name": "Luna",
        "capacity": 2,
        "status": "available",
        "latitude": 1.0,
        "longitude": 2.0,
        "updated_at": datetime.now(UTC).isoformat(),
        **changes,
    }


def _body(*unicorns):
    return json.dumps({"data": unicorns}).encode()


@pytest.mark.django_db
class TestSync:
    def test_takes_over_the_simulated_herd(self, outside, herd):
        outside.UNICORNS_URL = herd.url
        listed = {each["id"]: each for each in herd.call("GET", "/v1/unicorns").json()["data"]}
        result = sync_fleet()
        assert (result.seen, result.changed, result.moved) == (12, 12, 12)
        known = Unicorn.objects.select_related("position").filter(operator_ref__in=listed)
        assert {str(each.operator_ref): each.name for each in known} == {i: each["name"] for i, each in listed.items()}
        assert all(abs(each.position.latitude - 36.1) < 0.2 for each in known)
        assert sync_fleet().changed == 0

    def test_follows_changes(self, feed):
        one = unicorn()
        feed(one)
        sync_fleet()
        known = Unicorn.objects.get(operator_ref=one["id"])
        feed({**one, "status": "off_duty", "capacity": 4, "name": "Luna II", "latitude": 1.5, "updated_at": _in(5)})
        result = sync_fleet()
        assert (result.changed, result.moved) == (1, 1)
        again = Unicorn.objects.get(operator_ref=one["id"])
        assert (again.id, again.number) == (known.id, known.number)
        assert (again.status, again.capacity, again.name, again.position.latitude) == ("off_duty", 4, "Luna II", 1.5)

    def test_an_older_report_moves_nobody(self, feed):
        one = unicorn()
        feed(one)
        sync_fleet()
        feed({**one, "latitude": 9.0, "updated_at": _in(-60)})
        assert sync_fleet().moved == 0
        assert UnicornPosition.objects.get(unicorn__operator_ref=one["id"]).latitude == 1.0

    def test_nobody_is_seen_in_the_future(self, feed):
        one = unicorn(updated_at=_in(3600))
        feed(one)
        sync_fleet()
        seen = UnicornPosition.objects.get(unicorn__operator_ref=one["id"]).reported_at
        assert seen <= datetime.now(UTC) + timedelta(seconds=1)

    @pytest.mark.parametrize(
        "garbage",
        [
            {"status": 500},
            {"status": 204, "body": b""},
            {"body": b"<html>"},
            {"body": b"[" * 100_000},
            {"body": b'{"data": "\xff"}'},
        ],
    )
    def test_garbage_changes_nothing(self, feed, garbage):
        one = unicorn()
        feed(one)
        sync_fleet()
        feed(**garbage)
        with pytest.raises(FeedError):
            sync_fleet()
        assert Unicorn.objects.filter(operator_ref=one["id"]).exists()

    def test_one_bad_unicorn_spoils_the_feed(self, feed):
        good = unicorn()
        feed(good, unicorn(latitude=91))
        with pytest.raises(FeedError, match="latitude"):
            sync_fleet()
        assert not Unicorn.objects.filter(operator_ref=good["id"]).exists()

    def test_statements_do_not_grow_with_the_herd(self, feed, django_assert_max_num_queries):
        herd = [unicorn() for _ in range(50)]
        feed(*herd)
        with django_assert_max_num_queries(8):
            sync_fleet()
        feed(*[{**each, "latitude": 3.0, "updated_at": _in(5)} for each in herd])
        with django_assert_max_num_queries(5):
            assert sync_fleet().moved == 50

    def test_positions_in_the_same_cell_are_heap_only_updates(self, feed):
        """Read from the page itself: the index on the cell got no new entry."""
        one = unicorn()
        feed(one)
        sync_fleet()
        position = UnicornPosition.objects.get(unicorn__operator_ref=one["id"])
        feed({**one, "latitude": 1.0001, "updated_at": _in(5)})
        before = _hot_updates()
        sync_fleet()
        assert UnicornPosition.objects.get(unicorn__operator_ref=one["id"]).cell == position.cell
        assert _hot_updates() == before + 1


class TestJob:
    def test_is_declared_and_runs(self, db, feed):
        feed(unicorn())
        assert run_job("fleet.sync")
        assert Unicorn.objects.filter(name="Luna").exists()

    def test_what_cannot_be_had_is_left_to_the_next_time(self, db, feed, outside):
        feed(status=500)
        assert run_job("fleet.sync")
        outside.UNICORNS_URL = ""
        assert run_job("fleet.sync")


class TestCommand:
    def test_says_what_it_brought(self, db, feed, capsys):
        feed(unicorn(), unicorn())
        call_command("sync_fleet")
        assert capsys.readouterr().out == "2 unicorns, 2 new or changed, 2 moved.\n"

    def test_operators_mistakes_are_one_line(self, outside):
        outside.UNICORNS_URL = ""
        with pytest.raises(CommandError, match="UNICORNS_URL is not set"):
            call_command("sync_fleet")
        with pytest.raises(ConfigurationError):
            sync_fleet()

    def test_nobody_there(self, outside):
        outside.UNICORNS_URL = "http://127.0.0.1:9"
        with pytest.raises(CommandError, match="did not answer"):
            call_command("sync_fleet")


class TestReading:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"id": "7"},
            {"name": ""},
            {"name": "a\x00b"},
            {"name": "x" * 61},
            {"name": "\ud800"},
            {"capacity": 0},
            {"capacity": 13},
            {"capacity": "2"},
            {"capacity": 2.5},
            {"status": "asleep"},
            {"latitude": -90.5},
            {"longitude": 181},
            {"latitude": None},
            {"latitude": float("nan")},
            {"updated_at": "yesterday"},
            {"updated_at": "2030-01-01T00:00:00"},
        ],
    )
    def test_one_wrong_field(self, wrong):
        with pytest.raises(FeedError):
            read_feed(_body(unicorn(), unicorn(**wrong)))

    def test_a_unicorn_twice(self):
        one = unicorn()
        with pytest.raises(FeedError, match="twice"):
            read_feed(_body(one, one))

    def test_fields_we_do_not_know_are_left_alone(self):
        assert read_feed(_body(unicorn(colour="white")))[0].name == "Luna"

    @given(
        st.binary() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(lambda x: json.dumps(x).encode())
    )
    def test_any_bytes_are_refused_in_one_way(self, body):
        with pytest.raises(FeedError):
            read_feed(body)


def _in(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _hot_updates():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_tuples_hot_updated('fleet_unicornposition'::regclass)")
        return cursor.fetchone()[0]
