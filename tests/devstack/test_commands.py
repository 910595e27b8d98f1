import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devstack.helpers import eventually
from wildrydes.devstack import Layout
from wildrydes.devstack.groups import ProcessId
from wildrydes.devstack.layout import REPOSITORY
from wildrydes.devstack.record import Record, only_manager

ELSEWHERE = {"DATABASE_URL": "postgres://elsewhere/db", "REDIS_URL": "redis://elsewhere/0"}


def devstack(var: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wildrydes.devstack", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "WILDRYDES_VAR": str(var), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_status_of_nothing(tmp_path: Path) -> None:
    done = devstack(tmp_path / "var", "status")

    assert (done.returncode, done.stderr) == (3, "")
    assert "does not run" in done.stdout


def test_down_and_reset_of_nothing_are_none_the_worse(tmp_path: Path) -> None:
    for command in ("down", "reset", "down"):
        done = devstack(tmp_path / "var", command)

        assert (done.returncode, done.stderr) == (0, "")


def test_a_used_port_is_one_line_and_nothing_stays_behind(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        done = devstack(tmp_path / "var", "demo", PORT=str(server.getsockname()[1]), **ELSEWHERE)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "in use" in done.stderr
    assert "PORT=<port>" in done.stderr
    with only_manager(Layout(tmp_path / "var")):
        pass


def test_a_database_that_is_not_there_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}

    done = devstack(tmp_path / "var", "demo", PORT="0", **away)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "PostgreSQL does not answer at the DATABASE_URL" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    done = devstack(tmp_path / "var", "demo", **ELSEWHERE)

    assert done.returncode == 1
    assert "WILDRYDES_VAR" in done.stderr
    assert done.stderr.count("\n") == 1


def test_down_ends_a_living_manager_and_what_it_started(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "var")
    manager_source = (
        "import os, pathlib, signal, subprocess, sys\n"
        "from wildrydes.devstack import Layout\n"
        "from wildrydes.devstack.groups import ProcessId\n"
        "from wildrydes.devstack.record import Record, only_manager\n"
        "layout = Layout(pathlib.Path(sys.argv[1]))\n"
        "with only_manager(layout):\n"
        "    child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "    Record(ProcessId.of(os.getpid()), {'child': ProcessId.of(child.pid)}).write(layout.record)\n"
        "    print('ready', flush=True)\n"
        "    signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", manager_source, layout.var], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as manager:
        assert manager.stdout.readline() == "ready\n"
        child = Record.read(layout.record).processes["child"]
        assert devstack(layout.var, "status").returncode == 0

        done = devstack(layout.var, "down")

        assert done.returncode == 0, done.stderr
        assert manager.wait(timeout=10) == -signal.SIGTERM
        assert not child.is_alive()
    assert devstack(layout.var, "status").returncode == 3


def test_reset_removes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for path in layout.everything():
        path.write_text("ours") if path.suffix else path.mkdir()
    (tmp_path / "diary.txt").write_text("mine")

    done = devstack(tmp_path, "reset")

    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_a_record_of_processes_long_gone_is_no_obstacle_for_down(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.run.mkdir()
    Record(ProcessId(os.getpid(), 1.0), {"web": ProcessId(os.getpid(), 1.0)}).write(layout.record)

    done = devstack(tmp_path, "down")

    assert done.returncode == 0, done.stderr
    eventually(lambda: not layout.record.exists())
