"""A channel's client is made once, and anew when its connections are."""

import uuid

import pytest
from celery import current_app
from celery.contrib.testing.worker import start_worker

from messaging.broker_clients import KeepClient, keep_client
from messaging.outbox import Wakeup, WakeupSender
from tests.messaging.conftest import both_transports
from tests.support.crew import eventually


@pytest.fixture
def sender(wakeups):
    sender = WakeupSender(2.0)
    yield sender
    sender.close()


def wakeup():
    return Wakeup(uuid.uuid4(), 0, "bookings.basic", "group")


def client_of(channel):
    with channel.conn_or_acquire() as client:
        return client


def channel_of(sender):
    return sender._connection.default_channel


def cut_all(client):
    """Cut every other connection to this database; other tests' are on the same server."""
    mine = client.client_id()
    db = str(client.get_connection_kwargs()["db"])

    def others():
        return [each["id"] for each in client.client_list() if each["db"] == db and int(each["id"]) != mine]

    for each in others():
        client.client_kill_filter(_id=each)
    eventually(lambda: not others(), what="they are cut")


@both_transports
def test_a_sender_makes_its_client_once(wakeups, sender):
    sender.send([wakeup()])
    first = client_of(channel_of(sender))
    sender.send([wakeup(), wakeup()])
    assert client_of(channel_of(sender)) is first
    assert wakeups.waiting("bookings.basic") == 3


def test_a_cut_connection_is_made_anew(wakeups, sender):
    sender.send([wakeup()])
    first = client_of(channel_of(sender))
    cut_all(wakeups.client)
    sender.send([wakeup()])
    sender.close()
    sender.send([wakeup()])
    assert client_of(channel_of(sender)) is not first, "a new connection begins with a new client"
    assert wakeups.waiting("bookings.basic") == 3


def test_a_channel_with_other_connections_gets_another_client(wakeups):
    with current_app.connection_for_write() as connection:
        channel = connection.default_channel
        keep_client(channel)
        first = client_of(channel)
        assert client_of(channel) is first
        channel._after_fork()
        assert client_of(channel).connection_pool is channel.pool
        assert client_of(channel) is not first


def test_another_transport_is_left_alone():
    with current_app.connection_for_write("memory://") as connection:
        before = dict(vars(connection.default_channel))
        keep_client(connection.default_channel)
        assert vars(connection.default_channel) == before


def test_a_worker_keeps_its_client(wakeups, monkeypatch):
    monkeypatch.setitem(current_app.steps, "consumer", {*current_app.steps["consumer"], KeepClient})
    with start_worker(current_app, perform_ping_check=False, pool="solo", loglevel="ERROR") as worker:
        channel = eventually(lambda: worker.consumer.task_consumer).channel
        assert client_of(channel) is client_of(channel)
