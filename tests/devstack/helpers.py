import sys
import time
from collections.abc import Callable

import psutil

from wildrydes.devstack import ProcessSpec, Stack

StackOf = Callable[..., Stack]
WELL = "import os, pathlib, time\nwhile True: pathlib.Path(os.environ['HEALTH_FILE']).touch(); time.sleep(0.1)"


def script(name: str, source: str) -> ProcessSpec:
    return ProcessSpec(name=name, argv=(sys.executable, "-c", source))


def well(name: str) -> ProcessSpec:
    """A process that is well from the start and until it is ended."""
    return script(name, WELL)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(condition: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)
