"""The one setting that chooses the broker's transport."""

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from wildrydes.configuration.broker import broker_url, transport_options, transport_setting


@pytest.mark.parametrize(
    ("redis_url", "fair"),
    [
        ("redis://redis:6379/0", "fair+redis://redis:6379/0"),
        ("rediss://:secret@redis:6380/2", "fair+rediss://:secret@redis:6380/2"),
        ("redis+socket:///run/s?virtual_host=3", "fair+socket:///run/s?virtual_host=3"),
    ],
    ids=["tcp", "tls", "socket"],
)
def test_one_address_serves_both_transports(redis_url, fair):
    assert broker_url("fairqueue", redis_url) == fair
    assert broker_url("redis", redis_url) == redis_url


def test_another_transport_is_refused_in_one_line(monkeypatch):
    monkeypatch.setenv("BROKER_TRANSPORT", "rabbitmq")
    with pytest.raises(ImproperlyConfigured, match="BROKER_TRANSPORT is fairqueue or redis, not 'rabbitmq'"):
        transport_setting(environ.Env())


def test_fairqueue_is_the_default(monkeypatch):
    monkeypatch.delenv("BROKER_TRANSPORT", raising=False)
    assert transport_setting(environ.Env()) == "fairqueue"
    assert transport_options("fairqueue")["visibility_timeout"] < transport_options("redis")["visibility_timeout"]
