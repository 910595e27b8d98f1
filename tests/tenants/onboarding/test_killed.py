"""A worker that is killed at any step is replaced when its lease runs out, and the work is done once."""

import os
import signal
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.models.functions import Now

from messaging.consuming import deliver
from messaging.models import Delivery
from tenants.identity.models import User
from tenants.onboarding import progress, provisioning, services
from tenants.onboarding.models import RunState, StepCode
from tenants.onboarding.selectors import progress_of
from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget, tenant_by_host

# Before a step's work, after it but before the step is marked as done, and in the last transaction before its commit.
MOMENTS = [
    *[
        (when, code)
        for code in (StepCode.TEMPLATE, StepCode.SCHEMA, StepCode.CHECK, StepCode.KEYS)
        for when in ("before", "after")
    ],
    ("inside", StepCode.ACTIVATE),
]


def kill_at(when, code):
    """Arrange for this process to die by SIGKILL at the moment."""
    begin, finish = progress.begin, progress.finish

    def begin_or_die(run_id, reached):
        begun = begin(run_id, reached)
        if when == "before" and reached == code:
            os.kill(os.getpid(), signal.SIGKILL)
        return begun

    def finish_or_die(run_id, reached, note=""):
        if when in ("after", "inside") and reached == code:
            os.kill(os.getpid(), signal.SIGKILL)
        finish(run_id, reached, note)

    provisioning.progress.begin, provisioning.progress.finish = begin_or_die, finish_or_die


def work_and_die(delivery_id, moment):
    """A worker process of its own that does not survive the moment; answers its exit status."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        kill_at(*moment)
        deliver(delivery_id)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: "-".join(moment))
def test_killed_at_any_step_it_is_finished_by_another_worker(committed, client, drain, moment):
    run = services.start_onboarding(
        name="Umbrella", slug="umbrella", tier="basic", currency="EUR", email="ada@umbrella.example"
    )
    delivery = Delivery.objects.get(handler="onboarding.provision")
    assert work_and_die(delivery.id, moment) == -signal.SIGKILL
    assert progress_of(run.id).state == RunState.RUNNING
    unserved = client.get("/", headers={"host": "umbrella.localhost"})
    assert unserved.json()["type"].endswith("/unknown-host")
    assert not deliver(delivery.id)  # the dead worker's lease still holds

    Delivery.objects.filter(id=delivery.id).update(lease_until=Now() - timedelta(seconds=1))
    assert deliver(delivery.id)
    drain()
    view = progress_of(run.id)
    assert (view.state, view.percent) == (RunState.SUCCEEDED, 100)
    forget()
    with enter_tenant(tenant_by_host("umbrella.localhost")), connection.cursor() as cursor:
        assert User.objects.count() == 1
        cursor.execute("SELECT topic, count(*) FROM journal_message GROUP BY 1 ORDER BY 1")
        assert cursor.fetchall() == [
            ("identity.send_invitation", 1),
            ("tenant.provisioned", 1),
            ("user.provisioned", 1),
        ]
