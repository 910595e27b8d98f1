"""The Celery app of `make bench-fairqueue`: a plain one, as any user's, with the broker that FQ_BROKER names.

A task writes one line (group, due, begun) to the file that FQ_DONE names, before it works.
"""

import os
import time

from celery import Celery

import fairqueue

assert fairqueue  # makes its transport known to kombu
QUEUE = "work"
app = Celery("bench", broker=os.environ["FQ_BROKER"])
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    task_acks_late=os.environ.get("FQ_ACKS_LATE") == "1",
    worker_prefetch_multiplier=int(os.environ.get("FQ_PREFETCH", "4")),
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"max_connections": 200},
)
_done = os.open(os.environ.get("FQ_DONE", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


@app.task(name="work")
def work(group: str, due: int, seconds: float) -> None:
    """Note when it began, then take so long. `due` is when it ought to have been sent, in nanoseconds since 1970."""
    os.write(_done, b"%s %d %d\n" % (group.encode(), due, time.time_ns()))
    if seconds:
        time.sleep(seconds)
