import shutil
import subprocess
import sys
from pathlib import Path

from wildrydes.devstack.layout import REPOSITORY


def ensure(checkout: Path) -> str:
    done = subprocess.run(
        [sys.executable, checkout / "tools" / "venv.py", "run"], capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_environment_is_made_once_and_again_when_it_was_left_half_made(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(REPOSITORY / "tools" / "venv.py", tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("")

    assert "making .venv (Python" in ensure(tmp_path)
    assert ensure(tmp_path) == ""

    (tmp_path / "requirements.txt").write_text("# pinned otherwise\n")
    completed = ensure(tmp_path)
    assert "making .venv" not in completed
    assert "requirements.txt installed" in completed

    (tmp_path / ".venv" / "made.json").unlink()  # as it is while something is being installed
    assert "left half-made" in ensure(tmp_path)
    assert ensure(tmp_path) == ""


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(REPOSITORY / "tools" / "venv.py", tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("")
    without = "import runpy, sys; sys.argv = [sys.argv[1], 'run']; sys.executable = '/bin/false'; "

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            without + "runpy.run_path(sys.argv[0], run_name='__main__')",
            tmp_path / "tools/venv.py",
        ],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert done.stderr.count("\n") == 1
