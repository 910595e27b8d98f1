"""The web server, told to stop in the middle of a request."""

import http.client
import json
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from tenants.identity.models import User
from tenants.identity.tokens import AccessToken
from tenants.registry.context import enter_tenant
from tests.support.crew import eventually
from wildrydes.devstack.dialogue import RIDE


def test_a_request_that_waits_is_answered_when_the_server_is_told_to_stop(crew, shop):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = crew.run(
        "web",
        "-m",
        "gunicorn",
        "-c",
        "wildrydes/gunicorn.py",
        "-b",
        f"127.0.0.1:{port}",
        "wildrydes.wsgi",
        WEB_WORKERS="1",
        SAMPLE_MESSAGING="{}",
    )
    eventually(lambda: web.said("Booting worker"), what="the server runs")
    with enter_tenant(shop.tenant):
        token = AccessToken.of(User(email="rider@acme.example", name="Ada", role="rider"), shop.tenant)
    headers = {
        "Host": f"{shop.tenant.slug}.localhost",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
        "Prefer": "wait=20",
    }

    def book():
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
        client.request("POST", "/api/v1/bookings", json.dumps(RIDE), headers)
        return client.getresponse().status

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(book)
        eventually(lambda: shop.open() or answer.done(), what="the booking is committed and waited for")
        time.sleep(0.5)
        assert web.stop(within=20) < 9.0
        assert answer.result(5) == 202
    assert web.process.returncode == 0
