"""Makes `.venv` and keeps it in step with the pinned requirements. Needs nothing but Python 3.11 and its standard library.

Usage: python tools/venv.py run|dev
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# What is in the environment; gone while something is being installed, so that a half-made one is noticed.
STAMP = VENV / "made.json"
REQUIREMENTS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}


class UnableToMake(Exception):
    """Says in one line what to do."""


def ensure(kind: str) -> None:
    """Make or complete the environment; nothing happens when it is as it should be.

    Raises:
        UnableToMake: Python lacks its venv module, or a package cannot be installed.
    """
    file = ROOT / REQUIREMENTS[kind]
    wanted = hashlib.sha256(file.read_bytes()).hexdigest()
    with _alone():
        made = _usable_stamp()
        if made.get(kind) == wanted:
            return
        if not made:
            made = _make()
        began = time.monotonic()
        STAMP.unlink()
        _install(file)
        _stamp({**made, kind: wanted})
        print(f"{file.name} installed in {time.monotonic() - began:.0f} s", flush=True)


def _usable_stamp() -> dict[str, str]:
    """What the environment says of itself, if it is whole, of this place and its Python still runs."""
    try:
        made: dict[str, str] = json.loads(STAMP.read_text())
        runs = subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True).returncode == 0
    except (OSError, ValueError):
        return {}
    return made if runs and made.get("place") == str(VENV) else {}


def _make() -> dict[str, str]:
    what = (
        "making .venv again: it was left half-made, moved, or its Python is gone" if VENV.exists() else "making .venv"
    )
    print(f"{what} (Python {sys.version.split()[0]})", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", VENV], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise UnableToMake(
            f"{sys.executable} cannot make a virtual environment: install its venv module "
            "(Debian, Ubuntu: apt install python3-venv), or name another Python: make PYTHON=/path/to/python3.11"
        )
    made = {"place": str(VENV)}
    _stamp(made)
    return made


def _install(file: Path) -> None:
    """Install with one line per package, so that one sees it go on; errors are pip's own words."""
    total = sum(1 for line in file.read_text().splitlines() if line[:1].isalnum())
    print(f"installing {total} pinned packages of {file.name}; the first time takes a minute or two", flush=True)
    command: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "-r",
        file,
    ]
    count = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as pip:
        for line in pip.stdout or ():
            if line.startswith(("Collecting ", "Processing ")):
                count += 1
                print(f"  {count:3}/{total} {line.split()[1].rpartition('/')[2]}", flush=True)
            elif line.startswith("Installing collected"):
                print("  putting them in place …", flush=True)
    if pip.returncode != 0:
        raise UnableToMake(f"pip could not install {file.name}: see its message above, then run make again")


def _stamp(made: dict[str, str]) -> None:
    STAMP.write_text(json.dumps(made))


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two makes at once take turns."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main() -> int:
    """Run from the Makefile."""
    try:
        ensure(sys.argv[1])
    except UnableToMake as error:
        print(f"make: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"make: {error.filename} is not yours to write: use a checkout of your own", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
