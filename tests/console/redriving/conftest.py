from tests.messaging.conftest import posted, recorder, sample_topology
from tests.messaging.deadletters.conftest import dead

__all__ = ["dead", "posted", "recorder", "sample_topology"]
