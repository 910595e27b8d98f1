import subprocess
import sys

import pytest

from wildrydes.kernel.errors import ConfigurationError
from wildrydes.kernel.http import AllowList, OutboundConfig, OutboundRefused, check_url, configure_outbound, process


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process._Shared, "client", None)
    monkeypatch.setattr(process._Shared, "config", None)


def test_the_allow_list_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOW", "127.0.0.1:9101")
    check_url("http://127.0.0.1:9101/")
    with pytest.raises(OutboundRefused):
        check_url("http://127.0.0.1:9102/")


def test_an_unreadable_environment_is_an_operators_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOW", "*")
    with pytest.raises(ConfigurationError):
        check_url("http://127.0.0.1:9101/")


def test_configuring_replaces_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTBOUND_ALLOW", "127.0.0.1")
    configure_outbound(OutboundConfig(allow=AllowList()))
    with pytest.raises(OutboundRefused):
        check_url("http://127.0.0.1/")


def test_the_client_needs_no_django() -> None:
    code = "import sys, wildrydes.kernel.http; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
