"""What can happen to the database's connections under running workers: nothing is counted, and they recover by themselves."""

import time
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from psycopg import sql

from messaging.journal.models import Trace
from tenants.registry.context import enter_tenant
from tests.support.crew import eventually, told
from tests.support.proxy import Proxy

RECOVERY = 60.0


class Faults:
    def __init__(self, proxy):
        self.proxy = proxy
        self.name = django_settings.DATABASES["default"]["NAME"]

    def _administer(self, statement):
        with psycopg.connect(
            **{**connection.get_connection_params(), "dbname": "postgres"}, autocommit=True
        ) as session:
            session.execute(statement)

    def cut_by_the_server(self):
        self._administer(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(self.name)
        )
        connection.close()

    def too_many(self):
        limit = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}")
        name = sql.Identifier(self.name)
        self._administer(limit.format(name, 0))
        self.cut_by_the_server()
        time.sleep(2)
        self._administer(limit.format(name, -1))

    def half_open(self):
        self.proxy.freeze()
        time.sleep(5)
        self.proxy.thaw()

    def silent(self):
        """Until the clients give up by themselves."""
        self.proxy.freeze()
        time.sleep(8)
        self.proxy._flows.set()


@pytest.fixture
def faults(crew):
    parts = urlsplit(crew.environment["DATABASE_URL"])
    folder = unquote(parts.netloc.rpartition("@")[2])
    if not folder.startswith("/"):
        pytest.skip("the database is not on a Unix socket")
    proxy = Proxy(f"{folder}/.s.PGSQL.5432")
    user = parts.netloc.rpartition("@")[0]
    crew.environment |= {
        "DATABASE_URL": f"postgres://{user}@127.0.0.1:{proxy.port}{parts.path}",
        "SAMPLE_ANSWER_SECONDS": "3",
    }
    yield Faults(proxy)
    proxy.close()


def test_workers_get_over_whatever_happens_to_their_connections(crew, shop, faults):
    sweeper, worker = crew.sweeper(), crew.worker()
    things = shop.post("good", 2)
    eventually(lambda: not shop.open(), what="they are at work")
    for fault in ("cut_by_the_server", "too_many", "half_open", "silent"):
        things += shop.post("good", 4, seconds=0.5)
        things += shop.post("good", 2, call=True, seconds=0.5)
        started = len(crew.starts())
        eventually(lambda started=started: len(crew.starts()) >= started + 2, what="some are at work")
        getattr(faults, fault)()
        began = time.monotonic()
        eventually(lambda: not shop.open(), within=RECOVERY, what=f"all is done after connections were {fault}")
        told(f"{fault}: {time.monotonic() - began:.1f} s")
        assert (worker.starts, sweeper.starts) == (1, 1), f"nobody had to be started again after {fault}"
    assert sorted(shop.effects()) == sorted(things)
    assert shop.letters() == []
    with enter_tenant(shop.tenant):
        assert not Trace.objects.filter(attempts__gt=0).exists(), "nobody's attempt"
