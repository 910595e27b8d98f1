"""Whether this process has been told to stop."""

import threading

stopping = threading.Event()
"""Set once it has; what only waits should wait on this and end then."""
