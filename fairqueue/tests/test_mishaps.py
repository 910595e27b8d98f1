"""What goes wrong in the life of a broker: full memory, clocks, callbacks that fail, consumers that stop in between."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from kombu import Connection, Exchange, Queue

from fairqueue import FairQueue, InvalidLimit, Limits
from fairqueue.tests.conftest import Server

WORK = Queue("work", Exchange("work"), routing_key="work")


def send(connection: Connection, group: str | None, *bodies: Any, queue: Queue = WORK, **properties: Any) -> None:
    if group is not None:
        properties["MessageGroupId"] = group
    for body in bodies:
        connection.Producer().publish(
            body, exchange=queue.exchange, routing_key=queue.routing_key, declare=[queue], **properties
        )


def drain(connection: Connection, until: Any, *, deadline: float = 10.0) -> None:
    end = time.monotonic() + deadline
    while not until():
        assert time.monotonic() < end
        try:
            connection.drain_events(timeout=0.2)
        except TimeoutError:
            continue


@pytest.fixture
def full(client: redis.Redis) -> Any:
    """Fill the memory now; it is emptied after the test."""
    yield lambda: client.config_set("maxmemory", 1)
    client.config_set("maxmemory", 0)


# A full memory


@pytest.mark.parametrize("limits", [Limits(), Limits(cap=5), Limits(weight=2)], ids=str)
def test_a_full_memory_lets_noisy_and_limited_groups_be_served(server, queue, full, limits):
    with Connection(server.url(), transport_options={"fair_noisy_in_flight": 1}) as connection:
        send(connection, "noisy", 1, 2, 3)
        queue.set_limits("noisy", limits)
        channel = connection.channel()
        first = channel.basic_get("work")
        send(connection, "quiet", 4)
        full()
        rest = [channel.basic_get("work") for _ in range(3)]
        assert sorted(message.payload for message in [first, *rest]) == [1, 2, 3, 4]
        for message in [first, *rest]:
            message.ack()
    assert queue.view().in_flight == 0


def test_a_full_memory_lets_heartbeats_repairs_and_pauses_through(connection, queue, client, full):
    send(connection, "one", 1, 2)
    channel = connection.channel()
    channel.basic_get("work")
    client.rpop("work")
    time.sleep(0.05)
    full()
    channel.qos.extend()
    assert channel.restore_expired(0.04, 10)[0] == 0
    channel.run_script("tick", "work", 1, "work")
    assert client.llen("work") == 1
    queue.pause("one")
    assert client.llen("work") == 0


# Clocks


def test_a_clock_that_was_put_back_does_not_hold_what_a_dead_consumer_had(connection, client):
    send(connection, "one", 1)
    channel = connection.channel()
    message = channel.basic_get("work")
    client.zincrby("unacked_index", 10**6, message.delivery_tag)
    channel.restore_expired(0.01, 10)
    time.sleep(0.05)
    assert channel.restore_expired(0.01, 10)[0] == 1


def test_a_clock_that_was_put_back_forgets_worker_time_of_the_future(connection, queue, client):
    send(connection, "one", 1, 2)
    channel = connection.channel()
    channel.basic_get("work").ack()
    for name in ("", "one"):
        client.zincrby("fairqueue:work:usage", 10_000, name)
    channel.basic_get("work").ack()
    assert queue.view().workers < 1


# Consumers that stop in between


def test_what_stood_behind_a_message_whose_callback_failed_goes_back_at_once(connection, queue, client):
    send(connection, "one", *range(5))
    seen: list[Any] = []

    def callback(body: Any, message: Any) -> None:
        seen.append(body)
        if body == 1:
            raise LookupError
        message.ack()

    with connection.Consumer([WORK], callbacks=[callback]) as consumer:
        consumer.qos(prefetch_count=10)
        with pytest.raises(LookupError):
            drain(connection, lambda: False)
        assert (queue.view().waiting, queue.view().in_flight) == (3, 1)
        drain(connection, lambda: len(seen) == 5)
    assert seen == [0, 1, 2, 3, 4]


def test_a_token_for_a_consumer_that_was_cancelled_goes_back(connection, queue, client):
    channel = connection.channel()
    WORK(channel).declare()
    consumer = connection.Consumer([WORK], callbacks=[lambda body, message: message.ack()], channel=channel)
    consumer.consume()
    with pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.1)
    consumer.cancel()
    send(connection, "one", 1)
    channel.close()
    assert (client.llen("work"), queue.view().waiting, queue.view().in_flight) == (1, 1, 0)


def test_what_a_consumer_held_goes_back_in_order_and_counts_as_no_delivery(server, queue):
    options = {"fair_redelivery_limit": 1}
    with Connection(server.url(), transport_options=options) as connection:
        send(connection, "one", *range(6))
        channel = connection.channel()
        assert [channel.basic_get("work").payload for _ in range(4)] == [0, 1, 2, 3]
        channel.close()
        channel = connection.channel()
        again = [channel.basic_get("work") for _ in range(6)]
        assert [message.payload for message in again] == list(range(6))
        assert [bool(message.delivery_info.get("redelivered")) for message in again] == [True] * 4 + [False] * 2
        assert queue.view().dead == 0


def test_what_a_dead_consumer_held_comes_back_in_order(connection):
    send(connection, "one", *range(6))
    channel = connection.channel()
    held = [message["properties"]["delivery_tag"] for message in _claim(channel, 4)]
    channel.run_script("extend", "", *held)
    time.sleep(0.05)
    assert channel.restore_expired(0.01, 10)[0] == 4
    assert [channel.basic_get("work").payload for _ in range(6)] == list(range(6))


def _claim(channel: Any, most: int) -> list[dict[str, Any]]:
    return [channel._opened(found, no_ack=False) for found in channel.run_script("claim", "work", 0, most, 0, 1)]


def test_an_ack_that_did_not_get_through_is_made_up_for(connection, queue, monkeypatch):
    send(connection, "one", 1)
    channel = connection.channel()
    message = channel.basic_get("work")
    with monkeypatch.context() as patch:
        patch.setattr(channel, "run_script", lambda *_: (_ for _ in ()).throw(redis.ConnectionError("too many")))
        with pytest.raises(redis.ConnectionError):
            channel.qos.ack(message.delivery_tag)
    assert queue.view().in_flight == 1
    channel.qos.extend()
    assert queue.view().in_flight == 0
    assert channel.qos.can_consume_max_estimate() is None


def test_a_message_may_be_acknowledged_on_another_channel_of_the_connection(connection, queue, client):
    send(connection, "one", 1)
    taker, other = connection.channel(), connection.channel()
    message = taker.basic_get("work")
    other.qos.append(message, message.delivery_tag)
    other.qos.ack(message.delivery_tag)
    assert (queue.view().in_flight, client.hlen("unacked")) == (0, 0)


# Consumers that are always busy


def test_an_eta_is_kept_by_a_consumer_that_another_queue_keeps_busy(server, queue):
    busy = Queue("busy", Exchange("busy"), routing_key="busy")
    with Connection(server.url()) as connection:
        seen: list[Any] = []

        def callback(body: Any, message: Any) -> None:
            message.ack()
            seen.append(body)
            send(connection, "b", "b", queue=busy)

        send(connection, "one", "eta", headers={"eta": (datetime.now(UTC) + timedelta(seconds=0.2)).isoformat()})
        send(connection, "b", "b", queue=busy)
        with connection.Consumer([WORK, busy], callbacks=[callback]):
            drain(connection, lambda: "eta" in seen, deadline=5)


def test_a_busy_consumer_brings_back_what_a_dead_one_held(server, queue):
    options = {"visibility_timeout": 0.2, "unacked_restore_interval": 0.2}
    with Connection(server.url()) as dead, Connection(server.url(), transport_options=options) as connection:
        send(connection, "one", "held")
        dead_channel = dead.channel()
        assert dead_channel.basic_get("work").payload == "held"
        seen: list[Any] = []

        def callback(body: Any, message: Any) -> None:
            message.ack()
            seen.append(body)
            send(connection, "b", "b")

        send(connection, "b", "b")
        with connection.Consumer([WORK], callbacks=[callback]):
            drain(connection, lambda: "held" in seen, deadline=5)


def test_a_worker_without_prefetch_takes_one_at_a_time(connection, queue):
    send(connection, "one", *range(5))
    channel = connection.channel()
    # As Celery's worker_disable_prefetch does.
    channel.qos.can_consume = lambda: queue.view().in_flight < 1
    with connection.Consumer([WORK], callbacks=[lambda body, message: None], channel=channel) as consumer:
        consumer.qos(prefetch_count=4)
        connection.drain_events(timeout=5)
        assert queue.view().in_flight == 1


# Caps


def test_a_queue_at_its_total_cap_costs_nobody_a_look(connection, queue, client):
    queue.set_caps(total=1)
    for n in range(20):
        send(connection, f"g{n}", n)
    channel = connection.channel()
    first = channel.basic_get("work")
    assert channel.basic_get("work") is None
    assert client.llen("work") == 0
    first.ack()
    assert client.llen("work") == 1
    queue.set_caps()
    assert client.llen("work") == 19


def test_a_weight_that_somebody_wrote_by_hand_loses_nothing(connection, client):
    send(connection, "one", 1, 2)
    for weight in ("0", "-1", "nonsense", "nan"):
        client.hset("fairqueue:work:config", "weight:one", weight)
        message = connection.channel().basic_get("work")
        message.requeue()
    assert {connection.channel().basic_get("work").payload for _ in range(2)} == {1, 2}


# Names


@pytest.mark.parametrize(
    ("one", "other"),
    [("x" * 300 + "1", "x" * 300 + "2"), ("a~b", "a-b"), ("a\nb", "a b")],
    ids=["long", "tilde", "newline"],
)
def test_names_that_differ_stay_apart(connection, queue, one, other):
    send(connection, one, 1, MessageDeduplicationId=one)
    send(connection, other, 2, MessageDeduplicationId=other)
    assert (queue.view().groups, queue.view().waiting) == (2, 2)
    queue.pause(one)
    assert queue.limits(one).paused
    assert not queue.limits(other).paused
    assert connection.channel().basic_get("work").payload == 2
    assert connection.channel().basic_get("work") is None


def test_limits_need_a_name(queue):
    with pytest.raises(InvalidLimit):
        queue.set_limits("", Limits(cap=1))


def test_a_queue_whose_name_cannot_be_in_a_record_is_an_ordinary_one(connection, client):
    odd = Queue("two\nlines", Exchange("odd"), routing_key="odd")
    send(connection, "one", 1, queue=odd)
    connection.channel().basic_get("two\nlines").ack()
    assert client.hlen("unacked") == 0


@pytest.mark.parametrize("plain_first", [True, False], ids=str)
def test_a_fair_and_a_plain_queue_of_one_exchange_each_have_their_message(server, client, plain_first):
    names = ["a.pidbox", "b"] if plain_first else ["b", "c.pidbox"]
    queues = [Queue(name, Exchange("shared"), routing_key="x") for name in names]
    with Connection(server.url()) as connection:
        connection.Producer().publish(1, exchange="shared", routing_key="x", declare=queues)
        channel = connection.channel()
        one, two = (channel.basic_get(name) for name in names)
        assert one.delivery_tag != two.delivery_tag
        one.ack()
        assert client.hlen("unacked") == 1
        two.ack()
        assert client.hlen("unacked") == 0


def test_a_queue_that_expires_leaves_nothing_that_counts(server, client, queue):
    brief = Queue("work", Exchange("work"), routing_key="work", expires=0.4)
    with Connection(server.url()) as connection:
        send(connection, "one", 1, queue=brief)
        time.sleep(0.25)
        send(connection, "two", 2, queue=brief)
        time.sleep(0.25)
        channel = connection.channel()
        assert {channel.basic_get("work").payload for _ in range(2)} == {1, 2}
        send(connection, "one", 1, queue=brief)
        deadline = time.monotonic() + 5
        while client.exists("work"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (queue.view().waiting, queue.view().groups) == (0, 0)


def test_a_user_who_may_not_ask_for_the_server_s_kind_is_served(server, client):
    client.acl_setuser("app", enabled=True, passwords=["+pw"], categories=["+@all", "-@dangerous"], keys=["mine:*"])
    try:
        options = {"global_keyprefix": "mine:"}
        url = f"fair+socket://app:pw@{server.socket}?virtual_host=0"
        with Connection(url, transport_options=options) as connection:
            send(connection, "one", 1)
            connection.channel().basic_get("work").ack()
            assert FairQueue("work", client, global_keyprefix="mine:").view().in_flight == 0
    finally:
        client.acl_deluser("app")


def test_a_server_that_lost_everything_goes_on_with_what_comes(tmp_path):
    server = Server(tmp_path, "--appendonly", "no")
    server.start()
    try:
        with Connection(server.url()) as connection:
            send(connection, "one", "lost")
            channel = connection.channel()
            held = channel.basic_get("work")
            server.client().flushall()
            held.ack()
            connection.Producer().publish("new", exchange="", routing_key="work", MessageGroupId="one")
            assert channel.basic_get("work").payload == "new"
            assert FairQueue("work", server.client()).view().in_flight == 1
    finally:
        server.kill()


# Beside kombu's own transport


def test_what_kombu_s_own_transport_left_in_the_queue_is_delivered(server, queue, client):
    own = server.url().replace("fair+", "redis+")
    with Connection(own) as connection:
        send(connection, "one", *range(30))
    with Connection(server.url()) as connection:
        send(connection, "two", *range(30, 40))
        channel = connection.channel()
        channel.basic_consume("work", no_ack=False, callback=lambda message: None, consumer_tag="tag")
        channel.look_after(repair=True)
        channel.basic_cancel("tag")
        got: list[Any] = []
        with connection.Consumer([WORK], callbacks=[lambda body, message: (got.append(body), message.ack())]) as taking:
            taking.qos(prefetch_count=5)
            drain(connection, lambda: len(got) == 40)
        assert sorted(got) == list(range(40))
        assert (queue.view().waiting, queue.view().in_flight, client.hlen("unacked"), client.llen("work")) == (
            0,
            0,
            0,
            0,
        )


def test_what_is_no_message_becomes_a_dead_letter(connection, queue, client):
    send(connection, "one", 1)
    client.rpush("work", "junk", '{"properties": 3}')
    channel = connection.channel()
    taken = [channel.basic_get("work") for _ in range(2)]
    assert [message.payload for message in taken if message] == [1]
    channel.basic_consume("work", no_ack=False, callback=lambda message: None, consumer_tag="tag")
    channel.look_after(repair=True)
    assert {letter.reason for letter in queue.dead_letters()} == {"not a message"}
