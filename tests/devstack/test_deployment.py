import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from wildrydes.devstack import Layout, Ports, product_processes
from wildrydes.devstack.environment import describe_stack, read_env_file
from wildrydes.devstack.layout import REPOSITORY

EXAMPLE = (REPOSITORY / ".env.example").read_text()
# Set by the process manager or the compose file for each process, not by an operator.
PER_PROCESS = {"PROCESS_NAME", "HEALTH_FILE", "WILDRYDES_VAR", "PORT", "WEB_HOST"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())


@pytest.mark.parametrize("module", ["settings.py", "gunicorn.py"])
def test_every_variable_that_is_read_is_explained_in_the_example(module: str) -> None:
    source = (REPOSITORY / "wildrydes" / module).read_text()
    read = set(re.findall(r"""(?:env\.\w+|_required|environ\.get)\(\s*["']([A-Z][A-Z_]+)["']""", source))

    assert read
    assert read - PER_PROCESS - set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE, re.MULTILINE)) == set()


def test_the_example_holds_no_secret() -> None:
    values = read_env_file(REPOSITORY / ".env.example")

    assert [values[key] for key in ("SECRET_KEY", "FIELD_ENCRYPTION_KEY", "POSTGRES_PASSWORD")] == ["", "", ""]


def test_the_development_stack_says_all_that_the_demo_profile_says() -> None:
    demo = EXAMPLE[EXAMPLE.index("The simulated outside world") :]
    named = set(re.findall(r"^# ([A-Z_]+)=", demo, re.MULTILINE))

    described = describe_stack(database_url="postgres:///x", redis_url="redis://x", ports=Ports.free())

    assert {name for name in named if "URL" in name or name == "OUTBOUND_ALLOW"} <= set(described)


def test_servers_and_development_run_the_same_commands(compose: dict[str, Any], tmp_path) -> None:
    """A process that is added to one is not forgotten in the other."""
    for spec in product_processes(Ports.free(), Layout(tmp_path)):
        if spec.name == "web":
            continue  # the image's own command
        ours = [part for part in spec.argv[1:3] if part == "-m"] + [part for part in spec.argv if part.isalpha()]
        theirs = [part for part in compose["services"][spec.name]["command"] if part == "-m" or part.isalpha()]
        assert [part for part in theirs if part != "python"] == ours


def test_everything_of_ours_runs_hardened(compose: dict[str, Any]) -> None:
    ours = {name: service for name, service in compose["services"].items() if "build" in service}

    assert len(ours) >= 10
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert re.search(r"^USER wildrydes$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)


def test_gunicorn_accepts_its_configuration() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "wildrydes/gunicorn.py", "--print-config", "os:getcwd"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert re.search(r"^worker_class\s+= wildrydes\.server\.ProblemWorker$", done.stdout, re.MULTILINE)


def test_the_compose_file_follows_the_specification() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, "--output-format", "json", "docker-compose.yml"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )

    assert json.loads(done.stdout)["status"] == "ok"
