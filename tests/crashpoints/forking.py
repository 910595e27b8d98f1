"""Children that are cheap (everything is loaded before the fork) and may die anywhere."""

import json
import os
import select
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

FAILED = 70


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit status, and what it had to say."""

    status: int
    said: Any


def in_child(work: Callable[[], Any]) -> Ended:
    """Do one piece of work in a child and wait for it."""
    return next(iter(in_children([work], jobs=1)))


def in_children(works: Iterable[Callable[[], Any]], *, jobs: int) -> Iterator[Ended]:
    """Do each piece of work in a child of its own, `jobs` at once; answers in the order of the works."""
    waiting: list[tuple[int, int]] = []
    for work in works:
        waiting.append(_fork(work))
        if len(waiting) >= jobs:
            yield _reap(*waiting.pop(0))
    for child in waiting:
        yield _reap(*child)


def _fork(work: Callable[[], Any]) -> tuple[int, int]:
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    status = FAILED
    try:
        _write(writer, work())
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the child ends here and its parent is told
        _write(writer, traceback.format_exc())
    finally:
        os._exit(status)


def _write(descriptor: int, said: Any) -> None:
    data = json.dumps(said).encode()
    while data:
        data = data[os.write(descriptor, data) :]


def _reap(pid: int, reader: int) -> Ended:
    chunks = []
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while select.select([pipe], [], []) and (chunk := pipe.read(65536)):
            chunks.append(chunk)
    _, status = os.waitpid(pid, 0)
    data = b"".join(chunks)
    return Ended(os.waitstatus_to_exitcode(status), json.loads(data) if data else None)
