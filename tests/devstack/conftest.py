from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.devstack.helpers import StackOf
from wildrydes.devstack import Layout, Ports, ProcessSpec, Stack


@pytest.fixture
def stack_of(tmp_path: Path) -> Iterator[StackOf]:
    """Makes stacks of processes of our own choice; servers stand for themselves elsewhere."""
    made: list[Stack] = []

    def make(*specs: ProcessSpec, **options: object) -> Stack:
        def processes(ports: Ports, layout: Layout) -> Sequence[ProcessSpec]:
            return specs

        stack = Stack(
            tmp_path / "var",
            processes=processes,
            prepare=(),
            environment={"DATABASE_URL": "postgres://elsewhere/db", "REDIS_URL": "redis://elsewhere/0"},
            **options,
        )
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.stop(grace_seconds=0)
