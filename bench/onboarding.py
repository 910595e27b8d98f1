"""`make bench-onboarding`: a schema from the template beside plain migrations, and migrating 200 tenants beside django-tenants.

Everything is measured in the same run, in turns, on a database of its own that is dropped afterwards. Writes
`bench/results/onboarding.json` and `onboarding.svg`. `--tenants` and `--pairs` make it smaller.
"""

import argparse
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
sys.path.insert(0, str(ROOT))


WAYS = {
    "migrate_tenants": ("migrate_tenants",),
    "django_tenants_multiprocessing": ("migrate_schemas", "--tenant", "--executor=multiprocessing"),
    "django_tenants_standard": ("migrate_schemas", "--tenant", "--executor=standard"),
}


def say(text: str) -> None:
    """Progress, at once."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


@contextmanager
def database() -> Iterator[None]:
    """A PostgreSQL server of this run's own: embedded unless `DATABASE_URL` names one, where a database is made and dropped."""
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    os.environ.setdefault("FIELD_ENCRYPTION_KEY", "A" * 43)
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")  # never used: nothing is sent here
    os.environ["ENVIRONMENT"], os.environ["LOG_LEVEL"] = "test", "ERROR"
    os.environ["DJANGO_SETTINGS_MODULE"] = "wildrydes.settings"
    from wildrydes.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="wr-bench-") as place:
        os.environ["WILDRYDES_VAR"] = place
        server = None
        if not os.environ.get("DATABASE_URL"):
            server = EmbeddedPostgres(Path(place) / "postgres")
            server.start()
            os.environ["DATABASE_URL"] = server.url
        import django

        django.setup()
        from django.db import connection

        name = f"wr_bench_{os.getpid()}"
        execute(f'CREATE DATABASE "{name}"')
        usual = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual
            execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            connection.close()
            if server is not None:
                server.destroy()


def execute(statement: str) -> None:
    """One statement, committed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def timed(work: Callable[[], Any]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def by_template(schema: str) -> None:
    """A schema as onboarding makes it."""
    from tenants.onboarding.templates import current_template, replay

    template = current_template()
    assert template is not None
    replay(template, schema)


def by_migrations(schema: str) -> None:
    """A schema as django-tenants makes it without a template."""
    from tenants.onboarding.migrating import migrate_schema

    execute(f'CREATE SCHEMA "{schema}"')
    migrate_schema(schema)


def drop(schema: str) -> None:
    """Make room, not measured."""
    execute(f'DROP SCHEMA "{schema}" CASCADE')


def fill(count: int) -> None:
    """Register tenants with schemas until there are `count`."""
    from tenants.registry.models import Tenant, TenantStatus

    for number in range(Tenant.objects.count(), count):
        slug = f"tenant{number:04}"
        Tenant.objects.create(
            name=slug, slug=slug, schema_name=f"t_{slug}", tier_id="basic", status=TenantStatus.ACTIVE
        )
        by_template(f"t_{slug}")
        if number % 50 == 49:
            say(f"  {number + 1} tenants")


def compare_creation(there: int, pairs: int) -> dict[str, Any]:
    """Template and migrations in turns, with `there` tenants already in the database."""
    fill(there)
    templates, migrations = [], []
    for number in range(pairs):
        # Every other pair the other way round, so that what one leaves warm helps both.
        for work, found in ((by_template, templates), (by_migrations, migrations))[:: 1 if number % 2 else -1]:
            found.append(timed(lambda work=work: work("t_measured")))
            drop("t_measured")
        say(f"  pair {number + 1}/{pairs}: template {templates[-1]:.2f} s, migrations {migrations[-1]:.2f} s")
    ratios = [slow / quick for slow, quick in zip(migrations, templates, strict=True)]
    return {
        "tenants": there,
        "template_seconds": spread(templates),
        "migrate_seconds": spread(migrations),
        "speedup": spread(ratios),
    }


def spread(values: list[float]) -> dict[str, Any]:
    """Median and extremes, with every value for whoever doubts them."""
    rounded = [round(value, 4) for value in values]
    return {
        "median": round(statistics.median(values), 3),
        "min": min(rounded),
        "max": max(rounded),
        "all": rounded,
    }


def put_back() -> None:
    """As if the last migration of accounts were new: every tenant is behind by one."""
    from tenants.onboarding.migrating import tenant_schemas

    tables = ("usersettings", "tenantsettings", "billingmember", "billingaccount")
    for schema in tenant_schemas():
        execute(f"DROP TABLE {', '.join(f'{schema}.accounts_{table}' for table in tables)}")
        execute(f"DELETE FROM {schema}.django_migrations WHERE app = 'accounts'")


def manage(*command: str) -> Callable[[], None]:
    """A management command in a process of its own, as operators run it."""
    from django.db import connection

    parts = connection.settings_dict
    url = f"postgres://{parts['USER']}{':' + parts['PASSWORD'] if parts['PASSWORD'] else ''}@"
    url += f"{parts['HOST'].replace('/', '%2F')}{':' + str(parts['PORT']) if parts['PORT'] else ''}/{parts['NAME']}"

    def run() -> None:
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env={**os.environ, "DATABASE_URL": url},
            check=True,
            capture_output=True,
        )

    return run


def compare_migrating(tenants: int, found: dict[str, Any], keep: Callable[[], None]) -> None:
    """All tenants up to date, then all behind by one migration; our command beside django-tenants' two ways.

    Each figure is kept as soon as it is there: the slow ways take minutes.
    """
    fill(tenants)
    found.update(tenants=tenants, no_op_seconds={}, one_pending_seconds={})
    for name, command in WAYS.items():
        for case, prepare in (("no_op_seconds", None), ("one_pending_seconds", put_back)):
            if prepare is not None:
                prepare()
            found[case][name] = round(timed(manage(*command)), 2)
            say(f"  {case.replace('_', ' ')}, {name}: {found[case][name]} s")
            keep()


def draw(results: dict[str, Any], path: Path) -> None:
    """Two panels: a new schema, and migrating many."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    creation = results["creation"]
    for position, (key, label, colour) in enumerate(
        (("template_seconds", "template replayed", "#7c3aed"), ("migrate_seconds", "migrations run", "#a8a29e"))
    ):
        places = [index + (position - 0.5) * 0.36 for index in range(len(creation))]
        medians = [row[key]["median"] for row in creation]
        errors = [
            [row[key]["median"] - row[key]["min"] for row in creation],
            [row[key]["max"] - row[key]["median"] for row in creation],
        ]
        bars = left.bar(places, medians, width=0.34, color=colour, label=label, yerr=errors, capsize=3)
        left.bar_label(bars, fmt="%.2f s", padding=4, fontsize=9)
    left.set_xticks(range(len(creation)), [f"{row['tenants']} tenants there" for row in creation])
    left.set_ylabel("seconds (median, extremes)")
    left.set_title(f"A new tenant's schema: {results['speedup_template_migrate']:.0f} times quicker")
    migrating = {"no_op_seconds": {}, "one_pending_seconds": {}, "tenants": "many", **results["migrating"]}
    names = [name for name in WAYS if name in migrating["one_pending_seconds"]]
    for position, (key, label, colour) in enumerate(
        (("no_op_seconds", "nothing to do", "#c4b5fd"), ("one_pending_seconds", "one migration to do", "#6d28d9"))
    ):
        places = [index + (position - 0.5) * 0.36 for index in range(len(names))]
        bars = right.bar(places, [migrating[key][name] for name in names], width=0.34, color=colour, label=label)
        right.bar_label(bars, fmt="%.1f s", padding=3, fontsize=9)
    right.set_xticks(range(len(names)), [name.replace("tenants_", "tenants\n") for name in names])
    right.set_title(f"Migrating {migrating['tenants']} tenants")
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(y=0.18)
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Measure, write, draw."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tenants", type=int, default=200, help="How many tenants there are at the most.")
    arguments.add_argument("--pairs", type=int, default=5, help="How many pairs are measured at each size.")
    options = arguments.parse_args()
    with database():
        from django.core.management import call_command

        from tenants.onboarding.templates import ensure_template

        say("public's migrations and the template")
        call_command("migrate_schemas", shared=True, verbosity=0)
        template, _ = ensure_template()
        results: dict[str, Any] = {
            "template_build_seconds": template.build_seconds,
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
            "creation": [],
            "migrating": {},
        }
        for there in sorted({min(10, options.tenants), options.tenants}):
            say(f"a new schema with {there} tenants there")
            results["creation"].append(compare_creation(there, options.pairs))
            keep(results)
        say(f"migrating {options.tenants} tenants")
        compare_migrating(options.tenants, results["migrating"], lambda: keep(results))
    say(
        f"speedup_template_migrate {results['speedup_template_migrate']}: bench/results/onboarding.json, onboarding.svg"
    )


def keep(results: dict[str, Any]) -> None:
    """Write what is known so far, and draw it."""
    ratios = [ratio for row in results["creation"] for ratio in row["speedup"]["all"]]
    headline = {
        "speedup_template_migrate": round(statistics.median(ratios), 1),
        "speedup_spread": [round(min(ratios), 1), round(max(ratios), 1)],
    }
    results.update(headline)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "onboarding.json").write_text(json.dumps(headline | results, indent=2) + "\n")
    draw(results, RESULTS / "onboarding.svg")


if __name__ == "__main__":
    main()
