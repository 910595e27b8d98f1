"""The product's settings for both sides of `make bench-pipeline`, with one handler more: one that does nothing."""

from wildrydes.settings import *  # noqa: F403  # the product's own, whatever they are
from wildrydes.settings import MESSAGING as _MESSAGING

MESSAGING = {**_MESSAGING, "TOPOLOGY": "bench._pipeline_topology.TOPOLOGY"}
