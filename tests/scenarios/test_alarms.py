"""Every alarm, set off: the fault is made in the running product, and a real Prometheus is seen to notice."""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator

import pytest
import yaml

from tests.scenarios.alarms import PROMETHEUS, PROMTOOL, Prometheus
from tests.scenarios.rider import BehindTheScenes, Rider, eventually
from wildrydes.devstack import Stack
from wildrydes.devstack.logins import Login
from wildrydes.devstack.scraping import ALERTS

RUNBOOK = ALERTS.parent.parent / "docs" / "runbooks" / "alerts.md"
without_prometheus = pytest.mark.skipif(
    PROMETHEUS is None, reason="!!! NO PROMETHEUS: the alarms are NOT tried. apt-get install prometheus"
)
# What a delivery has when nobody has touched it yet; its message is not in the journal.
POISON = """
    INSERT INTO messaging_delivery (id, tenant_id, message_id, correlation_id, topic, version, handler, queue_class,
                                    epoch, attempts, crashes, sends, claimed_by, not_before, due_at)
    SELECT gen_random_uuid(), id, gen_random_uuid(), gen_random_uuid(), 'loyalty.poison', 1, %s, 'loyalty',
           0, 0, 0, 0, '', clock_timestamp(), clock_timestamp()
      FROM registry_tenant WHERE slug = %s
"""


def rules() -> list[dict]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.skipif(PROMTOOL is None, reason="!!! NO PROMTOOL: the rules are NOT checked. apt-get install prometheus")
@pytest.mark.parametrize("command", [("check", "rules", str(ALERTS)), ("test", "rules", "ops/alerts_test.yml")])
def test_prometheus_own_tool_accepts_the_rules(command: tuple[str, ...]) -> None:
    done = subprocess.run([str(PROMTOOL), *command], cwd=ALERTS.parent.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alarm_is_tried_and_has_its_page_in_the_runbook() -> None:
    names = [rule["alert"] for rule in rules()]
    tried = {
        case["alertname"]
        for test in yaml.safe_load((ALERTS.parent / "alerts_test.yml").read_text())["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert tried == set(names)
    text = RUNBOOK.read_text()
    assert [name for name in names if f"## {name}\n" not in text] == []
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/runbooks/alerts.md#{rule['alert'].lower()}"


@pytest.fixture(scope="module")
def prometheus(running_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    running_stack.heal()
    started = Prometheus(running_stack, tmp_path_factory.mktemp("prometheus"))
    try:
        started.wait_until_all_is_scraped()
        yield started
    finally:
        started.stop()


@pytest.fixture
def basic(stack: Stack, logins: dict[str, Login]) -> BehindTheScenes:
    return BehindTheScenes(stack, logins["basic"].host.split(".")[0])


@without_prometheus
def test_a_dead_letter_and_its_missing_outcome(prometheus: Prometheus, basic: BehindTheScenes) -> None:
    assert ("WildRydesDeadLetterOpen", "basic") not in prometheus.firing()
    with basic.open() as session:
        session.execute(POISON, ["loyalty.booking_confirmed", basic.slug])
        prometheus.wait_for("WildRydesDeadLetterOpen", "WildRydesOutcomeNotCommitted", tier="basic")
        session.execute("UPDATE messaging_deadletter SET died_at = died_at - interval '2 days' WHERE state = 'open'")
        prometheus.wait_for("WildRydesDeadLetterForgotten", tier="basic")
        session.execute("UPDATE messaging_deadletter SET state = 'discarded', resolved_at = now()")
    prometheus.wait_for_silence()


@without_prometheus
def test_workers_that_stall(
    prometheus: Prometheus, stack: Stack, logins: dict[str, Login], basic: BehindTheScenes
) -> None:
    rider = Rider(stack, logins["basic"])
    basic.dials(latency_ms=3_000, operations=["charge"])
    claimed = "SELECT FROM messaging_delivery WHERE handler = 'payments.capture' AND claim_id IS NOT NULL"
    taken = "SELECT FROM messaging_delivery WHERE handler = 'payments.capture' AND crashes > 0"
    operations = [rider.book() for _ in range(6)]
    eventually(lambda: len(basic.rows(claimed)) >= 6, within=30, what="six captures under way")
    process = stack.process("worker-basic").pid
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    try:
        eventually(lambda: len(basic.rows(taken)) >= 5, within=40, what="takeovers")
    finally:
        os.kill(process, signal.SIGCONT)
    basic.reset()
    prometheus.wait_for("WildRydesLeasesLost", "WildRydesWorkersDie", tier="basic")
    assert {rider.follow(operation)["status"] for operation in operations} == {"succeeded"}


@without_prometheus
def test_work_that_nobody_can_do_and_heads_that_nobody_writes(
    prometheus: Prometheus, stack: Stack, basic: BehindTheScenes
) -> None:
    with basic.open() as session:
        # Put back by every worker of this version, for a quarter of an hour by now.
        session.execute(POISON, ["of.tomorrow", basic.slug])
        eventually(lambda: basic.rows("SELECT FROM messaging_delivery WHERE put_back_since IS NOT NULL"), within=15)
        session.execute("UPDATE messaging_delivery SET put_back_since = put_back_since - interval '15 minutes'")
        # Sealed, its schema out of reach: no round brings its head out.
        session.execute(
            "INSERT INTO messaging_chain (id, schema_name, sealed_number, exported_number, behind_since)"
            " VALUES (gen_random_uuid(), 't_out_of_reach', 1, 0, now() - interval '1 hour')"
        )
        prometheus.wait_for("WildRydesPutBacksPersist", tier="basic")
        prometheus.wait_for("WildRydesJournalHeadNotWritten", "WildRydesJournalNotSealed")
        session.execute("DELETE FROM messaging_chain WHERE schema_name = 't_out_of_reach'")
        session.execute("DELETE FROM messaging_delivery WHERE handler = 'of.tomorrow'")


@without_prometheus
def test_servers_that_are_away(prometheus: Prometheus, stack: Stack, logins: dict[str, Login]) -> None:
    rider = Rider(stack, logins["basic"])
    stack.servers.valkey.stop()
    prometheus.wait_for("WildRydesBrokerAway", "WildRydesSweepsFail")
    stack.servers.valkey.start()
    stack.servers.postgres.stop()
    assert rider.post_booking().status == 503
    prometheus.wait_for("WildRydesDatabaseAway")

    def refused_and_noticed() -> bool:
        # A rate needs a rise between two looks: on a busy machine two requests may fall between the same ones.
        assert rider.post_booking(key=str(uuid.uuid4())).status == 503
        return "WildRydesRequestsFail" in {name for name, _ in prometheus.firing()}

    eventually(refused_and_noticed, within=60, what="failing requests are noticed")
    stack.heal()


@without_prometheus
def test_processes_that_are_missing_and_then_who_would_tell(
    prometheus: Prometheus, stack: Stack, logins: dict[str, Login], basic: BehindTheScenes
) -> None:
    rider = Rider(stack, logins["premium"])
    for name in ("worker-premium", "sweeper", "scheduler"):
        stack.stop_process(name)
    with basic.open() as session:
        session.execute("UPDATE registry_tier SET service_level_seconds = 2 WHERE code = 'premium'")
    operation = rider.book()
    prometheus.wait_for("WildRydesWorkerAbsent", "WildRydesWorkIsLate", tier="premium")
    prometheus.wait_for("WildRydesSweeperAbsent", "WildRydesSchedulerAbsent", "WildRydesProcessNotScraped")
    # Nobody else's tier is meant.
    assert ("WildRydesWorkerAbsent", "basic") not in prometheus.firing()
    with basic.open() as session:
        session.execute("UPDATE registry_tier SET service_level_seconds = 30 WHERE code = 'premium'")
    # Silence is not health: those who tell are missed as well.
    stack.stop_process("exporter")
    stack.stop_process("web")
    prometheus.wait_for("WildRydesExporterAbsent", "WildRydesWebAbsent")
    stack.heal()
    assert rider.follow(operation)["status"] == "succeeded"
