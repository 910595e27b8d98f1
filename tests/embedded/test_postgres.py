import os
import signal
import stat
import subprocess
import threading
from pathlib import Path
from urllib.parse import unquote

import environ
import psutil
import psycopg
import pytest

from wildrydes.embedded import EmbeddedPostgres, UnableToStart


def ask(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def run(server: EmbeddedPostgres, *statements: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_is_a_real_server_with_a_role_that_owns_its_database_but_not_the_server(postgres: EmbeddedPostgres) -> None:
    run(postgres, "CREATE SCHEMA acme", "CREATE DATABASE another", "CREATE EXTENSION btree_gist")

    assert ask(postgres, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(postgres, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert ask(postgres, "SHOW server_version_num") >= "180000"


def test_django_reads_the_url(postgres: EmbeddedPostgres) -> None:
    settings = environ.Env.db_url_config(postgres.url)

    assert settings["NAME"] == settings["USER"] == "wildrydes"
    assert unquote(settings["HOST"]) == str(postgres.socket_dir)


def test_the_socket_is_private_and_there_is_no_port(postgres: EmbeddedPostgres) -> None:
    assert stat.S_IMODE(postgres.socket_dir.stat().st_mode) == 0o700
    assert psutil.Process(postgres.pid).net_connections(kind="inet") == []


def test_a_second_start_and_a_second_object_use_what_runs(postgres: EmbeddedPostgres) -> None:
    pid = postgres.pid
    twin = EmbeddedPostgres(postgres.data_dir)

    postgres.start()
    twin.start()

    assert pid is not None
    assert postgres.pid == twin.pid == pid


def test_simultaneous_starts_end_in_one_server(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    failures: list[Exception] = []

    def start() -> None:
        try:
            EmbeddedPostgres(postgres.data_dir, fsync=False, max_connections=20).start()
        except Exception as error:  # noqa: BLE001 - a thread has no other way to tell
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(postgres._relatives()) > 0
    assert len({process.ppid() for process in postgres._relatives()} - {postgres.pid}) == 1


def test_stop_ends_everything_and_keeps_the_data(postgres: EmbeddedPostgres) -> None:
    run(postgres, "CREATE TABLE stopped (n int)", "INSERT INTO stopped VALUES (7)")

    postgres.stop()

    assert postgres.pid is None
    assert postgres._relatives() == []
    postgres.start()
    assert ask(postgres, "SELECT n FROM stopped") == 7


def test_nothing_acknowledged_is_lost_when_all_of_it_is_killed(postgres: EmbeddedPostgres) -> None:
    run(postgres, "CREATE TABLE killed (n int)", "INSERT INTO killed SELECT generate_series(1, 1000)")

    postgres.kill()

    assert postgres.pid is None
    postgres.start()
    assert ask(postgres, "SELECT count(*) FROM killed") == 1000


def test_recovers_when_only_the_postmaster_was_killed_and_its_children_linger(postgres: EmbeddedPostgres) -> None:
    children = psutil.Process(postgres.pid).children(recursive=True)
    for child in children:
        child.suspend()  # they cannot notice that their parent is gone, and keep its shared memory
    os.kill(postgres.pid, signal.SIGKILL)

    postgres.start()

    assert ask(postgres, "SELECT 1") == 1


def test_a_process_id_that_now_belongs_to_somebody_else_does_not_stop_the_start(postgres: EmbeddedPostgres) -> None:
    stale = (postgres.home / "data" / "postmaster.pid").read_text()
    postgres.kill()
    with subprocess.Popen(["sleep", "60"]) as other:
        lines = [str(other.pid), *stale.splitlines()[1:]]
        (postgres.home / "data" / "postmaster.pid").write_text("\n".join(lines))

        postgres.start()

        assert postgres.pid != other.pid
        assert other.poll() is None
        other.kill()


def test_a_half_finished_first_start_is_begun_again_and_destroy_leaves_nothing(new_postgres: EmbeddedPostgres) -> None:
    half = new_postgres.home / "data.half"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    new_postgres.start()

    assert ask(new_postgres, "SELECT 1") == 1
    assert not half.exists()
    places = (new_postgres.home, new_postgres.data_dir, new_postgres.socket_dir)
    new_postgres.destroy()
    assert not any(place.exists() for place in places)


def test_says_in_one_line_why_it_does_not_start(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    settings = postgres.home / "data" / "postgresql.conf"
    good = settings.read_text()
    settings.write_text("no_such_setting = 1\n")

    with pytest.raises(UnableToStart) as raised:
        postgres.start()

    settings.write_text(good)
    assert "\n" not in str(raised.value)
    assert "no_such_setting" in str(raised.value)
    assert postgres._relatives() == []


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("deep " * 20), fsync=False, max_connections=20)
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        assert " " not in server.url
        socket_dir = server.socket_dir
    finally:
        server.destroy()
    assert not socket_dir.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops its rights")
class TestAsRoot:
    def test_runs_as_a_user_without_rights(self, postgres: EmbeddedPostgres) -> None:
        uids = {process.uids().effective for process in postgres._relatives()}

        assert uids == {postgres.user.uid}
        assert 0 not in uids

    def test_a_closed_checkout_stays_closed_and_the_data_goes_elsewhere(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        server = EmbeddedPostgres(closed / "postgres")

        home = server.home

        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not home.is_relative_to(closed)
        assert home.stat().st_uid == server.user.uid
        assert str(home) in (closed / "postgres" / "MOVED").read_text()
        server.destroy()
        assert not home.exists()

    def test_a_user_that_does_not_exist_is_refused_in_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(UnableToStart, match="no user 'nobody-at-all'"):
            EmbeddedPostgres(tmp_path / "postgres", run_as="nobody-at-all")
