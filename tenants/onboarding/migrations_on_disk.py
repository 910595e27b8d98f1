"""The migrations of this version of the code: which there are, and a fingerprint of their contents."""

import hashlib
import inspect
import sys
from functools import lru_cache
from pathlib import Path

import django
from django.db.migrations.loader import MigrationLoader

# Rises when the way templates are made changes, so that old ones are not used any more.
_FORMAT = 2


@lru_cache(maxsize=1)
def expected_migrations() -> frozenset[tuple[str, str]]:
    """App label and name of every migration that an up-to-date schema has recorded."""
    # Without a connection, squashed migrations stand for those they replace, as in a fresh schema.
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


@lru_cache(maxsize=1)
def migrations_fingerprint() -> str:
    """Changes whenever a migration is added, removed or edited, or Django is another."""
    digest = hashlib.sha256(f"{_FORMAT} {django.__version__}".encode())
    for (app, name), migration in sorted(MigrationLoader(None, ignore_no_migrations=True).graph.nodes.items()):
        source = inspect.getsourcefile(sys.modules[type(migration).__module__])
        content = Path(source).read_bytes() if source else b""
        digest.update(f"{app}.{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()
