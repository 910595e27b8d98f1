import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.devstack.helpers import WELL, StackOf, eventually, is_alive, script, well
from wildrydes.devstack import Layout, ProcessSpec, Stack, State
from wildrydes.devstack.environment import read_env_file
from wildrydes.devstack.errors import AlreadyRunning, UnableToBecomeHealthy, UnableToPrepare, UnknownProcess
from wildrydes.devstack.groups import ProcessId, end_groups
from wildrydes.devstack.layout import REPOSITORY
from wildrydes.devstack.record import Record

IGNORES_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
WITH_CHILD = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
# A manager in a process of its own, so that it can be killed.
MANAGER = """
import pathlib, sys, time
from tests.devstack.helpers import well
from wildrydes.devstack import Stack
stack = Stack(pathlib.Path(sys.argv[1]), processes=lambda ports, layout: [well("one"), well("two")], prepare=(),
              environment={"DATABASE_URL": "postgres://elsewhere/db", "REDIS_URL": "redis://elsewhere/0"})
stack.start(); stack.wait_healthy(); print("healthy", flush=True); time.sleep(600)
"""


def well_with_child(name: str) -> ProcessSpec:
    return script(name, WITH_CHILD + WELL)


def group_of(stack: Stack, name: str) -> list[psutil.Process]:
    return stack.process(name).id.group()


def test_a_process_that_dies_is_started_again(stack_of: StackOf) -> None:
    stack = stack_of(well("worker"))
    stack.start()
    stack.wait_healthy()
    first = stack.process("worker").pid

    os.kill(first, signal.SIGKILL)

    eventually(lambda: stack.process("worker").pid not in {None, first})
    stack.wait_healthy()
    assert "was killed by SIGKILL" in stack.layout.log.read_text()


def test_a_leader_that_is_killed_alone_is_started_again_and_its_children_are_ended(stack_of: StackOf) -> None:
    stack = stack_of(well_with_child("worker"))
    stack.start()
    for _ in range(6):  # once more than a process may die by itself
        stack.wait_healthy()
        family = group_of(stack, "worker")
        assert len(family) == 2

        stack.process("worker").kill_leader()

        eventually(lambda family=family: not any(is_alive(member) for member in family))
        eventually(lambda: stack.process("worker").pid is not None)


def test_kill_ends_the_children_too_and_is_not_held_against_the_process(stack_of: StackOf) -> None:
    stack = stack_of(well_with_child("worker"))
    stack.start()
    for _ in range(6):  # once more than a process may die by itself
        stack.wait_healthy()
        family = group_of(stack, "worker")
        assert len(family) == 2

        stack.process("worker").kill()

        assert not any(is_alive(member) for member in family)
        eventually(lambda: stack.process("worker").state != State.HEALTHY)
    stack.wait_healthy()


def test_a_process_that_was_well_is_never_given_up(stack_of: StackOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that kill their worker come in numbers; without a worker nobody would ever bury them."""
    monkeypatch.setattr("wildrydes.devstack.supervised.LONGEST_PAUSE_SECONDS", 0.05)
    stack = stack_of(well("worker"))
    stack.start()
    for _ in range(6):
        stack.wait_healthy()
        first = stack.process("worker").pid
        os.kill(first, signal.SIGKILL)
        eventually(lambda first=first: stack.process("worker").pid not in (None, first))
    stack.wait_healthy()


def test_a_process_that_dies_at_once_each_time_is_given_up_with_its_last_words(stack_of: StackOf) -> None:
    stack = stack_of(script("broken", "raise SystemExit('no such tier')"), well("fine"))
    stack.start()

    with pytest.raises(UnableToBecomeHealthy, match=r"broken is given up: no such tier") as raised:
        stack.wait_healthy()

    assert "\n" not in str(raised.value)
    log = stack.layout.log.read_text()
    assert log.count("no such tier") == 3
    assert "ended with exit code 1, 3 times in a row: given up" in log
    assert stack.process("fine").state == State.HEALTHY


def test_a_program_that_does_not_exist_is_given_up(stack_of: StackOf) -> None:
    stack = stack_of(ProcessSpec(name="missing", argv=("/no/such/program",)))
    stack.start()

    with pytest.raises(UnableToBecomeHealthy, match="/no/such/program"):
        stack.wait_healthy()


def test_a_process_that_never_says_it_is_well_is_named_when_the_time_is_over(stack_of: StackOf) -> None:
    stack = stack_of(script("silent", "import time; time.sleep(600)"))
    stack.start()

    with pytest.raises(UnableToBecomeHealthy, match="silent is starting: it said nothing"):
        stack.wait_healthy(0.3)


def test_a_predecessors_sign_of_life_does_not_count(stack_of: StackOf) -> None:
    stack = stack_of(script("silent", "import time; time.sleep(600)"))
    stack.layout.run.mkdir(parents=True)
    stack.layout.health_file("silent").touch()
    stack.start()

    with pytest.raises(UnableToBecomeHealthy):
        stack.wait_healthy(1)


def test_stop_asks_first_and_kills_what_does_not_listen(stack_of: StackOf) -> None:
    says_bye = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit()))\n"
    stack = stack_of(
        script("polite", says_bye + WELL),
        script("stubborn", IGNORES_TERM + WITH_CHILD + WELL),
    )
    stack.start()
    stack.wait_healthy()
    family = group_of(stack, "polite") + group_of(stack, "stubborn")
    assert len(family) == 3

    stack.stop(grace_seconds=0.5)

    assert not any(is_alive(member) for member in family)
    assert "polite              bye" in stack.layout.log.read_text()


def test_one_process_is_stopped_stays_down_and_is_started_again(stack_of: StackOf) -> None:
    stack = stack_of(well("one"), well("two"))
    stack.start()
    stack.wait_healthy()

    stack.stop_process("one")

    assert stack.process("one").state == State.STOPPED
    assert stack.process("one").pid is None
    assert stack.process("two").state == State.HEALTHY
    stack.start_process("one")
    stack.wait_healthy()


def test_an_unknown_name_is_refused_with_the_known_ones(stack_of: StackOf) -> None:
    stack = stack_of(well("one"), well("two"))
    stack.start()

    with pytest.raises(UnknownProcess, match="'three': use one of one, two"):
        stack.process("three")


def test_a_second_stack_in_the_same_directory_is_refused_and_the_first_goes_on(stack_of: StackOf) -> None:
    first, second = stack_of(well("one")), stack_of(well("one"))
    first.start()
    first.wait_healthy()

    with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}.*make down"):
        second.start()
    second.stop()

    assert first.process("one").state == State.HEALTHY


def test_processes_whose_manager_was_killed_are_ended_by_the_next_start(stack_of: StackOf) -> None:
    stack = stack_of(well("one"))
    with subprocess.Popen(
        [sys.executable, "-c", MANAGER, stack.layout.var], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as manager:
        assert manager.stdout.readline() == "healthy\n"
        manager.kill()
    orphans = list(Record.read(stack.layout.record).processes.values())
    assert [orphan.is_alive() for orphan in orphans] == [True, True]

    stack.start()

    assert [orphan.is_alive() for orphan in orphans] == [False, False]
    assert "ended 2 processes of an earlier run" in stack.layout.log.read_text()
    stack.wait_healthy()


def test_a_process_that_only_has_the_number_of_an_old_one_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as innocent:
        began = psutil.Process(innocent.pid).create_time()

        ended = end_groups([ProcessId(innocent.pid, began - 3600)], grace_seconds=0)

        assert ended == 0
        assert innocent.poll() is None
        innocent.kill()


def test_a_failing_preparation_stops_everything_and_says_why(tmp_path: Path) -> None:
    stack = Stack(
        tmp_path / "var",
        processes=lambda ports, layout: [well("one")],
        prepare=(("no_such_command",),),
        environment={"DATABASE_URL": "postgres://elsewhere/db", "REDIS_URL": "redis://elsewhere/0"},
    )

    others = set(psutil.Process().children())
    with pytest.raises(UnableToPrepare, match=r"manage.py no_such_command failed: .+"):
        stack.start()

    Stack(tmp_path / "var", processes=lambda ports, layout: [], prepare=()).stop()
    assert set(psutil.Process().children()) <= others


def test_other_terminals_find_the_stack_and_the_keys_in_private_files(stack_of: StackOf) -> None:
    stack = stack_of(well("one"))
    stack.start()
    described = read_env_file(stack.layout.environment)
    kept = read_env_file(stack.layout.secrets)

    assert described["DATABASE_URL"] == stack.environment["DATABASE_URL"] == "postgres://elsewhere/db"
    assert described["PAYMENT_PROVIDER_URL"] == f"http://127.0.0.1:{stack.ports.payments}"
    assert described["PUBLIC_DOMAIN"] == "localhost"
    assert len(kept["FIELD_ENCRYPTION_KEY"]) == 44
    for path in (stack.layout.environment, stack.layout.secrets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_made_once(stack_of: StackOf) -> None:
    stack = stack_of(well("one"))
    stack.start()
    first = stack.environment["FIELD_ENCRYPTION_KEY"]
    stack.stop()

    again = stack_of(well("one"))
    again.start()

    assert again.environment["FIELD_ENCRYPTION_KEY"] == first


def test_a_torn_record_is_no_obstacle(stack_of: StackOf) -> None:
    stack = stack_of(well("one"))
    stack.layout.run.mkdir(parents=True)
    stack.layout.record.write_text(json.dumps({"manager": [1]}))

    stack.start()

    stack.wait_healthy()


def test_everything_a_reset_removes_is_inside_the_runtime_directory(tmp_path: Path) -> None:
    layout = Layout(tmp_path)

    assert all(path.parent == layout.var for path in layout.everything())


def test_heal_starts_what_was_stopped_and_what_was_given_up(stack_of: StackOf, tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    stack = stack_of(
        well("one"), script("moody", f"import os\nif not os.path.exists({str(switch)!r}): raise SystemExit\n" + WELL)
    )
    stack.start()
    eventually(lambda: stack.process("moody").state == State.GIVEN_UP)
    stack.stop_process("one")
    switch.touch()

    stack.heal()

    assert stack.process("one").state == stack.process("moody").state == State.HEALTHY
