"""Calls to the outside are noted beside the journal, whatever becomes of the attempt that made them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.journal.models import OutboundCall, Trace
from messaging.messages import handling
from tenants.registry.context import enter_tenant
from tests.payments.conftest import Fare
from wildrydes.kernel.http import OutboundError, outbound_client


def calls():
    rows = OutboundCall.objects.order_by("started_at", "id")
    return [(row.purpose, row.attempt, row.status, row.error) for row in rows]


def test_every_call_of_every_attempt_is_kept(provider, drain):
    fare = Fare()
    provider.script("timeout_before", "unavailable", operation="charge")
    drain(include_delayed=True)
    assert fare.state == "captured"
    assert calls() == [
        ("charge", 1, None, "OutboundUnknown"),
        ("look up charge", 2, 200, ""),
        ("charge", 2, 503, ""),
        ("look up charge", 3, 200, ""),
        ("charge", 3, 201, ""),
    ]
    row = OutboundCall.objects.latest("started_at")
    trace = Trace.objects.get(id=row.delivery_id)
    assert (row.message_id, row.correlation_id) == (trace.message_id, trace.correlation_id)
    assert (row.method, row.path) == ("POST", "/v1/charges")
    assert row.host.startswith("127.0.0.1:")
    assert trace.started_at <= row.started_at <= trace.finished_at


def test_a_call_is_one_statement_and_stays_when_its_handler_fails(committed, tenant):
    with enter_tenant(tenant):
        message = Fare().capture.message
        with handling(message), CaptureQueriesContext(connection) as statements, pytest.raises(OutboundError):
            outbound_client().request("GET", "http://127.0.0.1:9/?token=t0k3n", purpose="charge")
        assert len(statements) == 1, [each["sql"] for each in statements]
        assert calls() == [("charge", 1, None, "OutboundNotSent")]
        assert "t0k3n" not in str(OutboundCall.objects.values())


def test_the_call_goes_on_when_it_cannot_be_recorded(provider, drain):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE journal_outboundcall")
    fare = Fare()
    drain()
    assert fare.state == "captured"


def test_what_is_called_outside_of_any_message_is_nobodys_story(provider):
    outbound_client().request("GET", f"{provider.simulator.url}/healthz")
    assert calls() == []
