"""Numbers that would harm are refused when a process starts: a lease of nothing would give every message up as a crash."""

import os
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from wildrydes.configuration.numbers import seconds, whole
from wildrydes.configuration.staff import session_seconds

ROOT = Path(__file__).parent.parent.parent


def _set(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> environ.Env:
    monkeypatch.setenv(name, value)
    return environ.Env()


@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf", "1e9", "soon", "30s", "3,5"])
def test_seconds_out_of_bounds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"A_LEASE .* between 1 and 3600"):
        seconds(_set(monkeypatch, "A_LEASE", value), "A_LEASE", default=30, least=1, most=3600)


@pytest.mark.parametrize(("value", "meant"), [("", 30.0), (" ", 30.0), ("1", 1.0), (" 2.5 ", 2.5), ("3600", 3600.0)])
def test_seconds(monkeypatch: pytest.MonkeyPatch, value: str, meant: float) -> None:
    assert seconds(_set(monkeypatch, "A_LEASE", value), "A_LEASE", default=30, least=1, most=3600) == meant


@pytest.mark.parametrize("value", ["-1", "25", "1.5", "x", "٣", "9" * 400, "--1"])
def test_whole_numbers_out_of_bounds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"HOURS .* between 0 and 24"):
        whole(_set(monkeypatch, "HOURS", value), "HOURS", default=12, least=0, most=24)


@pytest.mark.parametrize(("value", "meant"), [("", 12), ("0", 0), (" 24 ", 24)])
def test_whole_numbers(monkeypatch: pytest.MonkeyPatch, value: str, meant: int) -> None:
    assert whole(_set(monkeypatch, "HOURS", value), "HOURS", default=12, least=0, most=24) == meant


def test_a_session_longer_than_cookies_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The date of such a cookie cannot be written: every log-in would end in an error."""
    with pytest.raises(ImproperlyConfigured, match="STAFF_SESSION_HOURS"):
        session_seconds(_set(monkeypatch, "STAFF_SESSION_HOURS", "999999999999"))


def test_the_product_does_not_start_with_such_a_number() -> None:
    wrong = {
        "MESSAGING_LEASE_SECONDS": "0",
        "MESSAGING_SWEEP_INTERVAL_SECONDS": "-1",
        "WORKER_GRACE_SECONDS": "-1",
        "PAYMENT_PROVIDER_TIMEOUT_SECONDS": "0",
        "PREFER_WAIT_MAX_WAITERS": "-1",
        "STAFF_SESSION_IDLE_MINUTES": "0",
    }
    loads = "import os\nfor name, value in {wrong}.items():\n    os.environ[name] = value\n    try:\n"
    loads += "        __import__('runpy').run_path('wildrydes/settings.py')\n    except Exception as error:\n"
    loads += "        print(name in str(error), type(error).__name__)\n    del os.environ[name]\n"
    ran = subprocess.run(
        [sys.executable, "-c", loads.format(wrong=wrong)],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == ["True ImproperlyConfigured"] * len(wrong)
