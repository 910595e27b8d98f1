"""What can happen to Redis under running workers: accepted work ends, and they recover by themselves."""

import os
import signal
import time

import pytest
import redis

from tests.messaging.processes.conftest import LEASE
from tests.support.crew import Crew, eventually, told
from tests.support.proxy import Proxy

# Timeouts of the client, shorter than in earnest so that the tests are.
QUICK = '{"socket_timeout": 2, "socket_connect_timeout": 2, "health_check_interval": 1}'
RECOVERY = 45.0


class Faults:
    """Each leaves Redis able to work again, with or without what it held."""

    def __init__(self, valkey, proxy):
        self.valkey, self.proxy = valkey, proxy

    @property
    def client(self):
        return redis.Redis.from_url(self.valkey.client_url)

    def killed(self):
        self.valkey.kill()
        time.sleep(1)
        self.valkey.start()

    def emptied(self):
        self.client.flushall()

    def started_empty(self):
        self.valkey.kill()
        for path in self.valkey.home.glob("appendonlydir/*"):
            path.unlink()
        self.valkey.start()

    def paused(self):
        os.kill(self.valkey.pid, signal.SIGSTOP)
        time.sleep(4)
        os.kill(self.valkey.pid, signal.SIGCONT)

    def full(self):
        self.client.config_set("maxmemory", 1)
        time.sleep(3)
        self.client.config_set("maxmemory", 0)

    def connections_killed(self):
        self.client.client_kill_filter(_type="normal", skipme=True)

    def half_open(self):
        self.proxy.freeze()
        time.sleep(4)
        self.proxy.thaw()


@pytest.fixture
def faults(valkey):
    valkey.start()
    proxy = Proxy(valkey.socket_path)
    yield Faults(valkey, proxy)
    proxy.close()


@pytest.mark.parametrize("pool", ["threads"])
def test_workers_get_over_whatever_happens_to_redis(crew: Crew, shop, faults, pool):
    crew.environment |= {"REDIS_URL": f"redis://127.0.0.1:{faults.proxy.port}/0", "SAMPLE_TRANSPORT": QUICK}
    sweeper = crew.sweeper()
    worker = crew.worker(pool=pool)
    things = shop.post("good", 2)
    eventually(lambda: not shop.open(), what="they are at work")
    for fault in ("killed", "emptied", "started_empty", "paused", "full", "connections_killed", "half_open"):
        things += shop.post("good", 4, seconds=0.3)
        getattr(faults, fault)()
        things += shop.post("good", 4)
        began = time.monotonic()
        eventually(lambda: not shop.open(), within=RECOVERY + LEASE, what=f"all is done after Redis was {fault}")
        told(f"{fault}: {time.monotonic() - began:.1f} s")
        assert (worker.starts, sweeper.starts) == (1, 1), f"nobody had to be started again after Redis was {fault}"
    assert sorted(shop.effects()) == sorted(things)
    assert shop.letters() == []
