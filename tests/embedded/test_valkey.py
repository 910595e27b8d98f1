import stat
from pathlib import Path

import kombu
import psutil
import redis

from wildrydes.embedded import EmbeddedValkey


def client(server: EmbeddedValkey) -> "redis.Redis":
    return redis.Redis.from_url(server.client_url, decode_responses=True)


def test_answers_on_a_private_socket_only(valkey: EmbeddedValkey) -> None:
    valkey.start()

    assert client(valkey).ping()
    assert stat.S_IMODE(valkey.socket_path.stat().st_mode) == 0o700
    assert stat.S_IMODE(valkey.socket_path.parent.stat().st_mode) == 0o700
    assert psutil.Process(valkey.pid).net_connections(kind="inet") == []


def test_celery_reads_the_url(valkey: EmbeddedValkey) -> None:
    valkey.start()

    with kombu.Connection(valkey.url) as connection:
        queue = connection.SimpleQueue("rides")
        queue.put({"ride": 1})
        assert queue.get(timeout=5).payload == {"ride": 1}


def test_messages_are_refused_rather_than_dropped_when_memory_is_short(valkey: EmbeddedValkey) -> None:
    valkey.start()

    assert client(valkey).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_second_start_and_a_second_object_use_what_runs(valkey: EmbeddedValkey) -> None:
    valkey.start()
    pid = valkey.pid
    twin = EmbeddedValkey(valkey.data_dir)

    valkey.start()
    twin.start()

    assert pid is not None
    assert valkey.pid == twin.pid == pid


def test_messages_survive_a_kill(valkey: EmbeddedValkey) -> None:
    valkey.start()
    client(valkey).rpush("queue", *range(2000))

    valkey.kill()

    assert valkey.pid is None
    valkey.start()
    assert client(valkey).llen("queue") == 2000


def test_messages_survive_a_stop(valkey: EmbeddedValkey) -> None:
    valkey.start()
    client(valkey).rpush("queue", "ride")

    valkey.stop()

    assert valkey.pid is None
    valkey.start()
    assert client(valkey).lrange("queue", 0, -1) == ["ride"]


def test_a_torn_end_of_the_file_loses_the_torn_command_only(valkey: EmbeddedValkey) -> None:
    valkey.start()
    client(valkey).rpush("queue", "whole")
    valkey.kill()
    increment = next((valkey.home / "appendonlydir").glob("*.incr.aof"))
    with increment.open("ab") as file:
        file.write(b"*3\r\n$5\r\nRPUSH\r\n$5\r\nque")

    valkey.start()

    assert client(valkey).lrange("queue", 0, -1) == ["whole"]


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / ("deep " * 20))
    try:
        server.start()
        assert client(server).ping()
        places = (server.data_dir, server.socket_path.parent)
    finally:
        server.destroy()
    assert not any(place.exists() for place in places)


def test_starts_empty_after_everything_was_removed(valkey: EmbeddedValkey) -> None:
    valkey.start()
    client(valkey).set("ride", 1)

    valkey.destroy()
    valkey.start()

    assert client(valkey).dbsize() == 0
