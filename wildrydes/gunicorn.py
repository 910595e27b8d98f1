"""How gunicorn serves the product: `gunicorn -c wildrydes/gunicorn.py wildrydes.wsgi`.

WSGI with threads: Django's ORM is synchronous, and a request waits for PostgreSQL most of its time.
"""

import os
from pathlib import Path
from typing import Any

from wildrydes.kernel.telemetry import Listener, begin_group, listen, retire_dead

bind = f"{os.environ.get('WEB_HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "wildrydes.server.ProblemWorker"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))  # each may hold a database connection

timeout = 30  # seconds without a sign of life from a worker
graceful_timeout = 10  # seconds for requests under way when it is told to stop; supervisors are patient for 15
keepalive = 15  # seconds; longer than a client's pause while it follows an operation

# A connection that has served many tenants has cached as many catalogues: it is let go with its worker.
max_requests = 20_000
max_requests_jitter = 2_000

limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190

accesslog = None  # the product writes its own, with the tenant and the request's id
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - signs of life only; a disk may stall
control_socket_disable = True  # one per user of the machine: two stacks would fight over it
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")


def on_starting(server: Any) -> None:
    """The first process of the group: what an earlier one has counted is none of ours."""
    begin_group()


def post_worker_init(worker: Any) -> None:
    """Each process listens on the same port of its own network's; whichever is asked tells the sum of all."""
    from api.health import webs_needs

    retire_dead()
    listen(Listener("web", pulse=worker.pulse, look=webs_needs().look_and_hang_up))
