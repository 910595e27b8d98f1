"""Through kombu, as a Celery user meets it."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from kombu import Connection, Exchange, Queue
from kombu.exceptions import BatchPublishError

from fairqueue import FairQueue, Limits
from fairqueue.errors import ClusterRefused, ServerTooOld
from fairqueue.queues import waiting
from fairqueue.servers import require_supported
from fairqueue.tests.conftest import Server

WORK = Queue("work", Exchange("work"), routing_key="work")


@pytest.fixture
def send(connection: Connection) -> Callable[..., None]:
    def publish(body: Any, group: str | None = None, **properties: Any) -> None:
        if group is not None:
            properties["MessageGroupId"] = group
        connection.Producer().publish(body, exchange=WORK.exchange, routing_key="work", declare=[WORK], **properties)

    return publish


@pytest.fixture
def receive(connection: Connection) -> Iterator[Callable[..., list[Any]]]:
    """Take and acknowledge `count` messages, one at a time."""

    def take(count: int, *, deadline: float = 10.0, on: Callable[[Any, Any], None] | None = None) -> list[Any]:
        bodies: list[Any] = []

        def callback(body: Any, message: Any) -> None:
            bodies.append(body)
            if on is None:
                message.ack()
            else:
                on(body, message)

        with connection.Consumer([WORK], callbacks=[callback]) as consumer:
            consumer.qos(prefetch_count=1)
            end = time.monotonic() + deadline
            while len(bodies) < count:
                assert time.monotonic() < end, f"only {bodies} came"
                try:
                    connection.drain_events(timeout=1)
                except TimeoutError:
                    continue
        return bodies

    return take


def channel_of(connection: Connection) -> Any:
    return connection.default_channel


def test_a_quiet_group_does_not_wait_behind_a_backlog(send, receive):
    for n in range(20):
        send(f"big{n}", "big")
    send("small", "small")
    assert "small" in receive(21)[:3]


def test_messages_without_a_group_keep_their_order(send, receive):
    for n in range(15):
        send(n)
    assert receive(15) == list(range(15))


def test_a_group_keeps_its_order(send, receive):
    for n in range(10):
        send(n, "one")
    assert receive(10) == list(range(10))


def test_tools_see_the_queue_as_a_list_of_its_length(send, client):
    for n in range(5):
        send(n, "one")
    assert client.llen("work") == 5


def test_who_sets_no_limit_gets_one_message_at_a_time(send, connection):
    for n in range(3):
        send(n, "one")
    got: list[Any] = []
    with connection.Consumer([WORK], callbacks=[lambda body, message: (got.append(body), message.ack())]):
        connection.drain_events(timeout=5)
        assert got == [0]


def test_priorities_come_before_fairness(send, receive):
    send("later", "one", priority=9)
    send("sooner", "two", priority=0)
    assert receive(2) == ["sooner", "later"]


def test_a_deduplication_id_is_sent_once_until_it_is_done(send, receive, queue):
    for _ in range(3):
        send("once", "one", MessageDeduplicationId="id")
    assert queue.view().waiting == 1
    receive(1)
    send("again", "one", MessageDeduplicationId="id")
    assert receive(1) == ["again"]


def test_a_message_with_an_eta_is_held_in_redis(send, receive, queue, client):
    soon = datetime.now(UTC) + timedelta(seconds=1.2)
    send("later", "one", headers={"eta": soon.isoformat()})
    assert (queue.view().delayed, client.llen("work")) == (1, 0)
    assert receive(1) == ["later"]
    assert datetime.now(UTC) >= soon


@pytest.mark.parametrize("eta", ["nonsense", 12, "", None, "2020-01-01T00:00:00"], ids=str)
def test_an_eta_that_is_past_or_unreadable_is_left_to_the_worker(send, receive, eta):
    send("now", headers={"eta": eta})
    assert receive(1) == ["now"]


def test_a_rejected_message_goes_behind_its_group(send, receive, queue):
    send("first", "one")
    send("second", "one")
    seen: list[str] = []

    def once(body: str, message: Any) -> None:
        (message.ack if body in seen else message.requeue)()
        seen.append(body)

    receive(4, on=once)
    assert seen == ["first", "second", "first", "second"]
    assert queue.view().in_flight == 0


def test_a_message_of_a_dead_consumer_comes_back_marked(send, receive, connection, queue):
    send("work", "one")
    channel = connection.channel()
    assert channel.basic_get("work").payload == "work"
    assert queue.view().in_flight == 1
    channel.restore_expired(0.0001, 10)
    flags: list[Any] = []
    receive(1, on=lambda body, message: (flags.append(message.delivery_info.get("redelivered")), message.ack()))
    assert flags == [True]


def test_a_heartbeat_keeps_a_long_task(send, connection, queue):
    send("long", "one")
    channel = connection.channel()
    channel.basic_get("work")
    time.sleep(0.3)
    channel.qos.extend()
    assert channel.restore_expired(0.25, 10)[0] == 0
    time.sleep(0.3)
    assert channel.restore_expired(0.25, 10)[0] == 1


def test_one_delivered_too_often_is_a_dead_letter_and_can_be_redriven(server, queue):
    with Connection(server.url(), transport_options={"fair_redelivery_limit": 2}) as connection:
        producer, channel = connection.Producer(), connection.channel()
        producer.publish("poison", exchange=WORK.exchange, routing_key="work", declare=[WORK], MessageGroupId="one")
        for _ in range(2):
            assert channel.basic_get("work") is not None
            channel.restore_expired(0.0001, 10)
        assert channel.basic_get("work") is None
        [letter] = queue.dead_letters()
        assert (letter.group, letter.deliveries, letter.reason) == ("one", 2, "its consumer died")
        assert queue.redrive() == 1
        assert channel.basic_get("work").payload == "poison"


def test_a_rejected_message_can_be_kept_as_a_dead_letter(server, queue):
    with Connection(server.url(), transport_options={"fair_dead_letter_rejected": True}) as connection:
        connection.Producer().publish("bad", exchange=WORK.exchange, routing_key="work", declare=[WORK])
        connection.channel().basic_get("work").reject()
        assert [letter.reason for letter in queue.dead_letters()] == ["rejected"]


def test_a_paused_group_waits_and_the_rest_does_not(send, receive, queue, client):
    queue.pause("one")
    send("held", "one")
    send("free", "two")
    assert client.llen("work") == 1
    assert receive(1) == ["free"]
    queue.resume("one")
    assert receive(1) == ["held"]


def test_a_cap_holds_for_the_backlog_that_is_there(send, connection, queue):
    for n in range(4):
        send(n, "one")
    queue.set_limits("one", Limits(cap=2))
    channel = connection.channel()
    taken = [channel.basic_get("work") for _ in range(4)]
    assert [message is not None for message in taken] == [True, True, False, False]
    taken[0].ack()
    assert channel.basic_get("work") is not None


def test_a_total_cap_lets_as_many_run_and_no_more(send, connection, queue):
    for n in range(4):
        send(n, str(n))
    queue.set_caps(total=1)
    channel = connection.channel()
    first = channel.basic_get("work")
    assert channel.basic_get("work") is None
    first.ack()
    assert channel.basic_get("work") is not None


def test_consuming_without_acknowledgement_leaves_nothing_in_flight(send, connection, client, queue):
    send("gone", "one")
    got: list[Any] = []
    with connection.Consumer([WORK], callbacks=[lambda body, message: got.append(body)], no_ack=True):
        connection.drain_events(timeout=5)
    assert got == ["gone"]
    assert (queue.view().in_flight, client.hlen("unacked")) == (0, 0)


def test_one_exchange_with_two_queues_gives_each_a_message_of_its_own(connection, queue):
    twin = Queue("twin", WORK.exchange, routing_key="work")
    connection.Producer().publish("both", exchange=WORK.exchange, routing_key="work", declare=[WORK, twin])
    channel = connection.channel()
    one, two = channel.basic_get("work"), channel.basic_get("twin")
    assert one.delivery_tag != two.delivery_tag
    one.ack()
    assert channel.raw_client().hlen("unacked") == 1


def test_scripts_that_the_server_forgot_are_sent_again(send, receive, client):
    send("before", "one")
    client.script_flush()
    send("after", "one")
    client.script_flush()
    assert receive(2) == ["before", "after"]


def test_a_batch_arrives_whole(connection, queue, receive):
    producer = connection.Producer()
    producer.publish("declared", exchange=WORK.exchange, routing_key="work", declare=[WORK])
    with producer.batch():
        for n in range(10):
            producer.publish(n, exchange=WORK.exchange, routing_key="work", MessageGroupId="one")
    assert queue.view().waiting == 11
    assert sorted(receive(11), key=str) == [*range(10), "declared"]


def test_a_key_prefix_keeps_two_users_of_a_database_apart(server, client):
    with Connection(server.url(), transport_options={"global_keyprefix": "mine:"}) as connection:
        producer = connection.Producer()
        producer.publish("one", exchange=WORK.exchange, routing_key="work", declare=[WORK])
        with producer.batch():
            producer.publish("two", exchange=WORK.exchange, routing_key="work")
        assert all(key.startswith(b"mine:") for key in client.keys("*"))
        got: list[Any] = []
        with connection.Consumer([WORK], callbacks=[lambda body, message: (got.append(body), message.ack())]):
            while len(got) < 2:
                connection.drain_events(timeout=5)
        assert got == ["one", "two"]
        assert FairQueue("work", client, global_keyprefix="mine:").view().in_flight == 0


@pytest.mark.parametrize("prefix", ["", "mine:"])
def test_a_batch_is_one_round_trip_and_survives_a_server_that_forgot_the_script(server, client, prefix):
    options = {"global_keyprefix": prefix, "fair_plain_queues": ["plain"]}

    def said() -> int:
        return client.info("commandstats").get("cmdstat_script|load", {"calls": 0})["calls"]

    with Connection(server.url(), transport_options=options) as connection:
        producer = connection.Producer()
        plain = Queue("plain", Exchange("plain"), routing_key="plain")
        for _ in range(2):
            client.script_flush()
            client.config_resetstat()
            for _ in range(2):
                with producer.batch():
                    for group in ("one", "two"):
                        producer.publish(
                            "x", exchange=WORK.exchange, routing_key="work", declare=[WORK], MessageGroupId=group
                        )
                    producer.publish("x", exchange=plain.exchange, routing_key="plain", declare=[plain])
            assert said() == 1, "loaded when it is missing, and not again"
        assert client.llen(f"{prefix}plain") == 4
        places = [("work", None), ("work", "one"), ("work", "nobody")]
        assert waiting(client, places, global_keyprefix=prefix) == [8, 4, 0]


def test_a_batch_that_the_server_refuses_says_so(server, client, connection):
    producer = connection.Producer()
    producer.publish("x", exchange=WORK.exchange, routing_key="work", declare=[WORK], MessageGroupId="one")
    client.script_flush()
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(BatchPublishError), producer.batch():
            producer.publish("x", exchange=WORK.exchange, routing_key="work", MessageGroupId="one")
    finally:
        client.config_set("maxmemory", 0)


def test_a_plain_queue_beside_a_fair_one_is_an_ordinary_list(server, client):
    with Connection(server.url(), transport_options={"fair_plain_queues": ["plain"]}) as connection:
        plain = Queue("plain", Exchange("plain"), routing_key="plain")
        connection.Producer().publish("x", exchange=plain.exchange, routing_key="plain", declare=[plain])
        assert b"headers" in client.lindex("plain", 0)
        connection.channel().basic_get("plain").ack()
        assert client.hlen("unacked") == 0


def test_a_token_that_a_dead_consumer_took_along_is_made_anew(send, connection, client):
    send("safe", "one")
    assert client.rpop("work")
    channel = connection.channel()
    channel.basic_consume("work", no_ack=False, callback=lambda message: None, consumer_tag="tag")
    channel.look_after(repair=True)
    assert client.llen("work") == 1


def test_purge_removes_what_waits_and_nothing_in_flight(send, connection, queue, client):
    for n in range(3):
        send(n, "one", MessageDeduplicationId=f"id{n}")
    channel = connection.channel()
    taken = channel.basic_get("work")
    assert channel.queue_purge("work") == 2
    assert (queue.view().waiting, queue.view().in_flight, client.llen("work")) == (0, 1, 0)
    taken.ack()
    assert client.scard("fairqueue:work:dedup") == 0


def test_a_deleted_queue_leaves_nothing_behind(send, connection, client):
    send("x", "one")
    channel_of(connection).queue_delete("work")
    assert [key for key in client.keys("*") if b"work" in key] == []


def test_a_full_memory_refuses_new_messages_and_still_hands_out_old_ones(send, receive, client):
    for n in range(3):
        send(n, "one")
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.exceptions.ResponseError, match="maxmemory"):
            send("refused", "one")
        assert receive(3) == [0, 1, 2]
    finally:
        client.config_set("maxmemory", 0)


@pytest.mark.parametrize("group", ["a:b", "~x", "line\nbreak", "é", "x" * 1000, "", 7, "\udcff"], ids=ascii)
def test_any_name_is_a_group(send, receive, group):
    send("named", group)
    assert receive(1) == ["named"]


@pytest.mark.parametrize(
    ("info", "error"),
    [({"redis_version": "7.2", "redis_mode": "cluster"}, ClusterRefused), ({"redis_version": "6.0.9"}, ServerTooOld)],
    ids=["cluster", "old"],
)
def test_servers_that_cannot_serve_are_refused(info, error):
    class Told:
        def info(self, section: str) -> dict[str, str]:
            return info

    with pytest.raises(error):
        require_supported(Told(), object())


def test_a_restarted_server_with_its_file_loses_nothing(tmp_path):
    server = Server(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    server.start()
    try:
        with Connection(server.url()) as connection:
            producer = connection.Producer()
            for n in range(20):
                producer.publish(
                    n, exchange=WORK.exchange, routing_key="work", declare=[WORK], MessageGroupId=str(n % 3)
                )
        server.kill()
        server.start()
        with Connection(server.url()) as connection:
            got: list[Any] = []
            with connection.Consumer([WORK], callbacks=[lambda body, message: (got.append(body), message.ack())]):
                while len(got) < 20:
                    connection.drain_events(timeout=5)
        assert sorted(got) == list(range(20))
    finally:
        server.kill()
