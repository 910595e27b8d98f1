"""All HTTP that leaves the product leaves through here. See README.md for the policy and the three outcomes."""

from wildrydes.kernel.http.allowing import AllowList
from wildrydes.kernel.http.client import OutboundClient
from wildrydes.kernel.http.config import OutboundConfig
from wildrydes.kernel.http.errors import OutboundError, OutboundNotSent, OutboundRefused, OutboundUnknown
from wildrydes.kernel.http.observing import OutboundCallSeen, observe_calls
from wildrydes.kernel.http.process import check_url, configure_outbound, origin_of, outbound_client
from wildrydes.kernel.http.responses import Response

__all__ = [
    "AllowList",
    "OutboundCallSeen",
    "OutboundClient",
    "OutboundConfig",
    "OutboundError",
    "OutboundNotSent",
    "OutboundRefused",
    "OutboundUnknown",
    "Response",
    "check_url",
    "configure_outbound",
    "observe_calls",
    "origin_of",
    "outbound_client",
]
