from tests.messaging.conftest import dead, posted, recorder, sample_topology

__all__ = ["dead", "posted", "recorder", "sample_topology"]
