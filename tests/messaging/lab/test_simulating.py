"""The simulator: what it conserves, what it must find, and what it is fed."""

import json
import math

import pytest
from django.core.management import CommandError, call_command

from messaging.lab.comparing import compare
from messaging.lab.figures import jains_index, percentile
from messaging.lab.loads import MADE, Arrival, Load, Size, UnusableTrace, load_of, recorded
from messaging.lab.shuffling import by_counting, by_formula
from messaging.routing.strategies import ALL

SMALL = Size(tenants=40, workers=4, seconds=20)


def rows(load, names=ALL, **options):
    seen = {}
    found = compare(
        names,
        load,
        workers=options.pop("workers", 4),
        tell=lambda row, result: seen.update({row.strategy: result}),
        **options,
    )
    return {row.strategy: row for row in found}, seen


@pytest.mark.parametrize("name", MADE)
def test_every_message_is_served_once_and_nobody_waits_for_idle_workers(name):
    load = MADE[name](SMALL)
    work = sum(each.seconds * (1 + each.failures) for each in load.arrivals)
    _, results = rows(load)
    for strategy, result in results.items():
        assert sum(len(waits) for waits in result.waits.values()) == len(load.arrivals), strategy
        assert math.isclose(sum(result.served_seconds.values()), work), strategy
        assert all(wait >= 0 for waits in result.waits.values() for _, wait in waits)
        longest = max(each.seconds for each in load.arrivals)
        last = load.arrivals[-1].at
        assert result.finished_at <= last + work / 4 + longest * 6 + 30, strategy


@pytest.mark.parametrize("name", MADE)
def test_a_load_is_the_same_for_the_same_seed_only(name):
    assert MADE[name](SMALL) == MADE[name](SMALL)
    assert MADE[name](SMALL).arrivals != MADE[name](Size(tenants=40, workers=4, seconds=20, seed=2)).arrivals


def test_a_flood_is_felt_by_all_in_a_shared_queue_and_by_nobody_in_a_fair_one():
    found, _ = rows(MADE["aws"](SMALL))
    assert found["shared"].quiet.p95 > 50 * found["fair"].quiet.p95
    assert found["dedicated"].quiet.p95 < found["cell"].quiet.p95
    assert found["overflow"].moved == 1
    assert found["overflow"].quiet.p95 < found["shared"].quiet.p95 / 2


def test_with_turns_a_cell_is_as_good_as_a_fair_queue():
    load = MADE["aws"](SMALL)
    found, _ = rows(load, ["cell", "fair"], turns=True)
    assert found["cell"].quiet.p95 < 10 * found["fair"].quiet.p95 + 0.1


def test_one_worker_and_two_tenants_by_hand():
    arrivals = (Arrival(0.0, "a", 1.0), Arrival(0.0, "a", 1.0), Arrival(0.1, "b", 1.0))
    load = Load(name="hand", arrivals=arrivals, tiers={"a": "basic", "b": "basic"}, noisy=frozenset({"a"}))
    _, results = rows(load, ["shared", "fair"], workers=1)
    assert results["shared"].waits["b"] == [(0.1, pytest.approx(1.9))]
    assert results["fair"].waits["b"] == [(0.1, pytest.approx(0.9))]


def test_the_talks_figure_by_formula_and_by_counting():
    assert by_formula(100, 2) == pytest.approx(0.000202, abs=1e-6)
    assert by_counting(100, 2, 5_000) == pytest.approx(by_formula(100, 2), rel=0.1)


@pytest.mark.parametrize(
    ("values", "index"), [([], 1.0), ([5, 5, 5], 1.0), ([1, 0, 0, 0], 0.25), ([0, 0], 1.0)], ids=str
)
def test_jains_index(values, index):
    assert jains_index(values) == pytest.approx(index)


def test_percentiles_are_values_that_occurred():
    assert percentile([], 0.5) == 0
    assert [percentile([1, 2, 3, 4], share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 2, 4, 4]


def test_a_recorded_trace_is_replayed_from_csv_and_json(tmp_path):
    (tmp_path / "day.csv").write_text("at,tenant,seconds,tier\n105,acme,0.5,premium\n100,globex,2,\n")
    (tmp_path / "day.jsonl").write_text(
        "".join(
            json.dumps(row) + "\n"
            for row in (
                {"at": 105, "tenant": "acme", "seconds": 0.5, "tier": "premium"},
                {"at": 100, "tenant": "globex", "seconds": 2},
            )
        )
    )
    a, b = (recorded(tmp_path / name) for name in ("day.csv", "day.jsonl"))
    assert a == b
    assert a.arrivals == (Arrival(0.0, "globex", 2.0), Arrival(5.0, "acme", 0.5))
    assert (a.tiers, a.noisy) == ({"acme": "premium", "globex": "basic"}, {"acme", "globex"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "at,tenant\n1,a\n",
        "at,tenant,seconds\nx,a,1\n",
        "at,tenant,seconds\n1,a,-1\n",
        "at,tenant,seconds\nnan,a,1\n",
        "\xff\x00",
    ],
    ids=["empty", "column", "words", "negative", "nan", "binary"],
)
def test_a_trace_that_cannot_be_read_is_refused_in_a_sentence(tmp_path, text):
    path = tmp_path / "bad.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UnusableTrace):
        load_of(str(path), SMALL)


@pytest.mark.parametrize(
    "argv",
    [
        ["simulate", "--load", "/nowhere"],
        ["simulate", "--tenants", "0"],
        ["simulate", "--seconds", "nan"],
        ["shuffle", "--own", "9"],
        ["simulate", "--seconds", "1", "--picture", "/nowhere/x.svg"],
    ],
    ids=["load", "tenants", "nan", "shuffle", "picture"],
)
def test_the_command_refuses_in_one_line(argv):
    with pytest.raises(CommandError):
        call_command("lab", *argv)


def test_the_command_prints_a_row_and_draws_a_panel_for_each_strategy(tmp_path, capsys):
    picture, figures = tmp_path / "p.svg", tmp_path / "f.json"
    call_command(
        "lab",
        "simulate",
        "--load",
        "burst",
        "--seconds",
        "15",
        "--workers",
        "3",
        "--picture",
        str(picture),
        "--json",
        str(figures),
    )
    said, drawn, told = capsys.readouterr().out, picture.read_text(), json.loads(figures.read_text())
    for name in ALL:
        assert f"\n{name}" in said
        assert f">{name}</text>" in drawn
    assert [row["strategy"] for row in told["rows"]] == list(ALL)
