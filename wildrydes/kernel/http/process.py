"""The client that a whole process shares."""

import os
import threading

from wildrydes.kernel.http.allowing import AllowList
from wildrydes.kernel.http.client import OutboundClient
from wildrydes.kernel.http.config import OutboundConfig
from wildrydes.kernel.http.targets import read_target


class _Shared:
    lock = threading.Lock()
    config: OutboundConfig | None = None
    client: OutboundClient | None = None


def configure_outbound(config: OutboundConfig) -> None:
    """Give the process its policy, as the settings do; what was configured before is replaced."""
    with _Shared.lock:
        previous, _Shared.client, _Shared.config = _Shared.client, None, config
    if previous is not None:
        previous.close()


def outbound_client() -> OutboundClient:
    """The process's client; where nothing was configured, with the allow-list of the environment's `OUTBOUND_ALLOW`.

    Raises:
        ConfigurationError: `OUTBOUND_ALLOW` cannot be read.
    """
    with _Shared.lock:
        if _Shared.client is None:
            if _Shared.config is None:
                _Shared.config = OutboundConfig(allow=AllowList.parse(os.environ.get("OUTBOUND_ALLOW", "")))
            _Shared.client = OutboundClient(_Shared.config)
        return _Shared.client


def check_url(url: str) -> None:
    """Tell whether the process's client could call a URL; for the moment when somebody configures it.

    Raises:
        OutboundRefused: it could not; `detail` tells the person who typed it why.
    """
    outbound_client().check_url(url)


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL: as much of an address as may be shown.

    Raises:
        OutboundRefused: it is not a plain absolute http(s) URL.
    """
    return read_target(url).origin
