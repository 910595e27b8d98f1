"""The database and the broker: embedded ones, unless the environment names others."""

from collections.abc import Mapping

from wildrydes.devstack.layout import Layout
from wildrydes.devstack.log import StackLog
from wildrydes.embedded import EmbeddedPostgres, EmbeddedServer, EmbeddedValkey


class Servers:
    """PostgreSQL and Valkey of one stack.

    Args:
        layout: the runtime directory.
        environment: DATABASE_URL and REDIS_URL in it replace the embedded servers, each by itself.
        fsync: False trades durability for speed: for tests.

    Attributes:
        postgres: the embedded PostgreSQL, or None when DATABASE_URL replaces it.
        valkey: the embedded Valkey, or None when REDIS_URL replaces it.
    """

    def __init__(self, layout: Layout, *, environment: Mapping[str, str], fsync: bool = True) -> None:
        self._database_url = environment.get("DATABASE_URL")
        self._redis_url = environment.get("REDIS_URL")
        self.postgres = None if self._database_url else EmbeddedPostgres(layout.postgres, fsync=fsync)
        self.valkey = None if self._redis_url else EmbeddedValkey(layout.valkey, fsync=fsync)

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return self.postgres.url if self.postgres else str(self._database_url)

    @property
    def redis_url(self) -> str:
        """Where the broker is."""
        return self.valkey.url if self.valkey else str(self._redis_url)

    @property
    def embedded(self) -> tuple[EmbeddedServer, ...]:
        """Those that are ours to start and to stop."""
        return tuple(server for server in (self.postgres, self.valkey) if server is not None)

    def start(self, log: StackLog) -> None:
        """Start what is ours; what runs already is used as it is.

        Raises:
            EmbeddedError: a server does not start, or there is none for this platform.
        """
        for server in self.embedded:
            found = server.is_healthy()
            server.start()
            log.say("stack", f"{server.label} {'runs already' if found else 'started'} (process {server.pid})")

    def stop(self) -> None:
        """Stop what is ours.

        Raises:
            EmbeddedError: a server does not end.
        """
        for server in self.embedded:
            server.stop()
