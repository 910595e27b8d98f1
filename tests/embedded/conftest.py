from collections.abc import Iterator
from pathlib import Path

import pytest

from wildrydes.embedded import EmbeddedPostgres, EmbeddedValkey


@pytest.fixture(scope="module")
def shared_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One cluster for many tests: making one takes most of their time."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("shared") / "postgres", fsync=False, max_connections=20)
    yield server
    server.destroy()


@pytest.fixture
def postgres(shared_postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    """A running server, whatever the test before did to it."""
    shared_postgres.start()
    return shared_postgres


@pytest.fixture
def new_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was never started."""
    server = EmbeddedPostgres(tmp_path / "postgres", fsync=False, max_connections=20)
    yield server
    server.destroy()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    yield server
    server.destroy()
