"""The product's settings with a topology of the tests' own, for worker processes."""

import json
import os

from wildrydes.settings import *  # noqa: F403  # settings are star-imported by design
from wildrydes.settings import CELERY_BROKER_TRANSPORT_OPTIONS, MESSAGING

MESSAGING = {**MESSAGING, **json.loads(os.environ["SAMPLE_MESSAGING"])}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    **CELERY_BROKER_TRANSPORT_OPTIONS,
    **json.loads(os.environ.get("SAMPLE_TRANSPORT", "{}")),
}
DATABASE_ANSWER_SECONDS = float(os.environ.get("SAMPLE_ANSWER_SECONDS", "40"))
