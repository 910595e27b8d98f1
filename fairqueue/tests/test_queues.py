"""What one sees of a queue, and may change, from Python and from the command line."""

import json
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue

from fairqueue import InvalidLimit, Limits
from fairqueue.__main__ import main

WORK = Queue("work", Exchange("work"), routing_key="work")


def send(connection: Connection, group: str, count: int = 1, **options: Any) -> None:
    for n in range(count):
        connection.Producer().publish(
            n, exchange=WORK.exchange, routing_key="work", declare=[WORK], MessageGroupId=group, **options
        )


def test_groups_tell_backlog_flight_and_age(connection, queue):
    send(connection, "big", 5)
    send(connection, "small", 1)
    connection.channel().basic_get("work")
    views = {view.group: view for view in queue.groups()}
    assert views["big"].waiting + views["big"].in_flight == 5
    assert sum(view.in_flight for view in views.values()) == 1
    assert views["small"].oldest is not None
    assert 0 <= views["small"].oldest < 60


def test_worker_time_is_shared_as_it_was_used(connection, queue, client):
    send(connection, "slow", 1)
    send(connection, "quick", 1)
    channel = connection.channel()
    taken = [channel.basic_get("work") for _ in range(2)]
    # As if the first had been worked on for nine seconds, the second for one.
    for message, seconds in zip(taken, (9, 1), strict=True):
        record = client.hget("fairqueue:flights", message.delivery_tag).decode().split("\n", 5)
        record[2] = str(float(record[2]) - seconds * 1000)
        client.hset("fairqueue:flights", message.delivery_tag, "\n".join(record))
        message.ack()
    send(connection, "slow", 1)
    send(connection, "quick", 1)
    shares = {view.group: view.share for view in queue.groups()}
    groups = [message.properties["MessageGroupId"] for message in taken]
    assert shares[groups[0]] == pytest.approx(0.9, abs=0.02)
    assert channel.basic_get("work").properties["MessageGroupId"] == groups[1]


def test_a_noisy_group_is_marked_and_waits_for_quiet_ones(server, queue, client):
    options = {"fair_noisy_in_flight": 3}
    with Connection(server.url(), transport_options=options) as connection:
        send(connection, "noisy", 10)
        channel = connection.channel()
        for _ in range(4):
            channel.basic_get("work")
        # Far behind in virtual time, and still after the quiet one, because four of four in flight are its own.
        client.zadd("fairqueue:work:ring:0", {"noisy": -1000.0})
        send(connection, "quiet", 1)
        assert channel.basic_get("work").properties["MessageGroupId"] == "quiet"
        assert channel.basic_get("work").properties["MessageGroupId"] == "noisy"


def test_noisy_groups_get_their_turn_beside_quiet_ones_that_never_end(server, client):
    options = {"fair_noisy_in_flight": 1, "fair_noisy_every": 5, "fair_noisy_share": 0.5}
    with Connection(server.url(), transport_options=options) as connection:
        send(connection, "noisy", 50)
        channel = connection.channel()
        held = channel.basic_get("work")
        served = 0
        for n in range(50):
            send(connection, f"quiet{n}", 2)
            message = channel.basic_get("work")
            served += message.properties["MessageGroupId"] == "noisy"
            message.ack()
        assert served >= 9
        held.ack()


def test_a_position_counts_what_comes_before(connection, queue):
    send(connection, "big", 30)
    assert queue.position("new").ahead <= 1
    assert queue.position("big").own_ahead == 30


def test_why_a_message_waits(connection, queue):
    send(connection, "one", 3, headers={"id": "task-1"})
    queue.pause("one")
    why = queue.why("task-1")
    assert why.state == "waiting"
    assert why.reasons[0] == "Its group is paused."
    assert queue.why("nobody").state == "unknown"
    queue.resume("one")
    message = connection.channel().basic_get("work")
    assert queue.why(message.delivery_tag).state == "in flight"


def test_why_a_message_waited(server, queue):
    with Connection(server.url(), transport_options={"fair_slow_ms": 0}) as connection:
        send(connection, "one", 3)
        channel = connection.channel()
        for _ in range(2):
            channel.basic_get("work").ack()
        last = channel.basic_get("work")
        last.ack()
        why = queue.why(last.delivery_tag)
        assert (why.state, why.reasons) == ("taken", ("2 messages of its own group were before it.",))


def test_why_by_the_deduplication_id(server, queue):
    with Connection(server.url(), transport_options={"fair_slow_ms": 0}) as connection:
        for number in range(2):
            send(connection, "one", 1, MessageDeduplicationId=f"row-{number}:7")
        assert queue.why("row-1").reasons == ("1 messages of its own group are before it.",)
        message = connection.channel().basic_get("work")
        assert [queue.why(name).state for name in ("row-0", "row-0:7", "row", "row-0:")] == ["in flight"] * 2 + [
            "unknown"
        ] * 2
        message.ack()
        assert queue.why("row-0").state == "taken"


def test_all_limits_are_told_and_many_given_at_once(queue):
    limits = {f"g{n}": Limits(weight=2.0, cap=n + 1) for n in range(2500)} | {"a:b": Limits(paused=True)}
    queue.set_many(limits)
    queue.set_caps(each=7, total=9)
    told = queue.all_limits()
    assert (told.each, told.total, told.groups) == (7, 9, limits)
    queue.set_many(dict.fromkeys(limits, Limits()))
    assert queue.all_limits().groups == {}


@pytest.mark.parametrize(
    "wrong",
    [{"weight": 0}, {"weight": -1}, {"weight": 10**6}, {"weight": float("nan")}, {"cap": 0}, {"cap": -3}],
    ids=str,
)
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InvalidLimit):
        Limits(**wrong)


@pytest.mark.parametrize("wrong", [{"each": 0}, {"total": -1}], ids=str)
def test_caps_that_make_no_sense_are_refused(queue, wrong):
    with pytest.raises(InvalidLimit):
        queue.set_caps(**wrong)


def run(server: Any, capsys: Any, *arguments: str) -> tuple[int, str, str]:
    code = main(["--url", f"unix://{server.socket}", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_line_shows_and_changes(server, connection, capsys):
    send(connection, "one", 3)
    assert run(server, capsys, "queues")[1].splitlines()[1].split()[:2] == ["work", "3"]
    assert run(server, capsys, "limit", "work", "one", "--pause")[0] == 0
    groups = json.loads(run(server, capsys, "--json", "groups", "work")[1])
    assert [(group["group"], group["paused"]) for group in groups] == [("one", True)]
    assert run(server, capsys, "purge", "work")[1] == "3 removed\n"
    assert run(server, capsys, "dead", "work")[1] == "nothing\n"


@pytest.mark.parametrize(
    "arguments", [("limit", "work", "one", "--weight", "0"), ("caps", "work", "--total", "0")], ids=str
)
def test_a_mistake_on_the_command_line_is_one_line(server, capsys, arguments):
    code, _, err = run(server, capsys, *arguments)
    assert code == 1
    assert err.startswith("fairqueue: ")
    assert len(err.splitlines()) == 1


def test_a_server_that_is_not_there_is_one_line(capsys):
    assert main(["--url", "unix:///nowhere", "queues"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
