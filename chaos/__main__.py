"""`python -m chaos run|judge|plan`: strike a stack of its own and judge; judge a run's files again; show a seed's kills."""

import argparse
import itertools
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from chaos import household
from chaos.campaign import Campaign, HarnessFailed
from chaos.client import GaveUp
from chaos.evidence import Evidence, write_json
from chaos.judging import judge
from chaos.options import Files, Options
from chaos.promises import tell
from chaos.quiet import NotQuiet
from chaos.record import Record, read_record
from chaos.recovery import measure
from chaos.report import Report
from chaos.schedule import draw
from wildrydes.devstack import Layout, Stack, StackError
from wildrydes.devstack.groups import end_groups
from wildrydes.devstack.record import Record as DevstackRecord
from wildrydes.devstack.record import only_manager
from wildrydes.embedded import EmbeddedError

PASSED, FAILED, HARNESS_FAILED = 0, 1, 2
INTERRUPTED = 130  # as shells report a Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is the verdict's."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.command(given))
    except (HarnessFailed, NotQuiet, GaveUp, StackError, EmbeddedError, OSError, ValueError) as error:
        print(f"chaos: the harness failed, which says nothing about the product: {error}", file=sys.stderr)
        return HARNESS_FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def run(given: argparse.Namespace) -> int:
    """Strike a stack of our own and judge it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us ends the stack with us
    options = Options(
        kills=given.kills,
        seed=given.seed,
        directory=given.directory / f"seed-{given.seed}-kills-{given.kills}",
        rate=given.rate,
        pause=given.pause,
        faults=given.faults,
    )
    files = Files(options.directory)
    stack = household.build(Layout(files.stack))
    _clear(files, stack)
    say(
        f"chaos: seed {options.seed}, {options.kills} kills, about {_expected(options):.0f} minutes; files in {files.directory}"
    )
    verdict = HARNESS_FAILED
    try:
        stack.start()
        stack.wait_healthy()
        stack.manage("sync_fleet")
        stack.manage("seed_demo")
        names = [spec.name for spec in household.processes(stack.ports, stack.layout)]
        verdict = hold(
            Campaign(stack=stack, options=options, record=Record(files.record), processes=names, say=say), files
        )
    finally:
        stack.stop()
        if verdict == PASSED:
            for server in stack.servers.embedded:
                server.destroy()
        else:
            print(
                f"chaos: logs and data are in {stack.layout.var}; run it again with SEED={options.seed}",
                file=sys.stderr,
            )
    return verdict


def hold(campaign: Campaign, files: Files) -> int:
    """Run a campaign, write its files, say the verdict."""
    options = campaign.options

    def pronounce(evidence: Evidence) -> Report:
        story = tell(read_record(files.record))
        verdict = judge(story, evidence, settle_seconds=options.settle_seconds, provider_fails=options.faults > 0)
        return Report(seed=options.seed, story=story, judgement=verdict, recovery=measure(story, evidence))

    evidence = campaign.run(lambda evidence: pronounce(evidence).passed)
    campaign.record.close()
    write_json(files.evidence, {**evidence, "settle_seconds": options.settle_seconds, "faults": options.faults})
    report = pronounce(evidence)
    write_json(files.report, report.as_json())
    return _pronounced(report)


def judge_again(given: argparse.Namespace) -> int:
    """Judge the files of an earlier run."""
    files = Files(given.directory)
    story, evidence = tell(read_record(files.record)), json.loads(files.evidence.read_text())
    verdict = judge(story, evidence, settle_seconds=evidence["settle_seconds"], provider_fails=evidence["faults"] > 0)
    report = Report(seed=story.seed, story=story, judgement=verdict, recovery=measure(story, evidence))
    return _pronounced(report)


def plan(given: argparse.Namespace) -> int:
    """Show which kills a seed draws."""
    at = 0.0
    for strike in itertools.islice(draw(given.seed, mean_pause=given.pause), given.kills):
        at += strike.pause
        print(f"{strike.number:5} {at:8.1f} s  {strike.kind}  pick {strike.pick:.3f} hold {strike.hold:.1f} s")
    return PASSED


def _pronounced(report: Report) -> int:
    """Say it; the exit status."""
    for line in report.lines():
        say(line)
    if report.story.harness_errors:
        return HARNESS_FAILED
    return PASSED if report.passed else FAILED


def say(line: str) -> None:
    """Show a line with the time, at once."""
    print(
        line if line.startswith(("chaos: PASS", "chaos: FAIL")) else f"{time.strftime('%H:%M:%S')} {line}",
        flush=True,
    )


def _expected(options: Options) -> float:
    """Minutes: start and quiet rides, the kills (a blow to a server waits until it is up), healing and settling."""
    return 1.5 + options.kills * options.pause * 1.15 / 60 + 1.5


def _clear(files: Files, stack: Stack) -> None:
    """Remove what an earlier run of the same name left, its processes too if it was killed.

    Raises:
        AlreadyRunning: it is still at it.
    """
    with only_manager(stack.layout):
        left = DevstackRecord.read(stack.layout.record)
        if left is not None:
            end_groups(left.processes.values(), grace_seconds=0)
        for server in stack.servers.embedded:
            server.destroy()
        shutil.rmtree(files.directory)
    files.directory.mkdir(parents=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m chaos", description="Kill everything under load; judge the promises."
    )
    commands = parser.add_subparsers(required=True, metavar="run|judge|plan")
    defaults = Options()
    for name, command in (("run", run), ("judge", judge_again), ("plan", plan)):
        sub = commands.add_parser(name, help=command.__doc__)
        sub.set_defaults(command=command)
        if name == "judge":
            sub.add_argument("directory", type=Path)
            continue
        sub.add_argument("--kills", type=int, default=defaults.kills)
        sub.add_argument("--seed", type=int, default=defaults.seed)
        sub.add_argument("--pause", type=float, default=defaults.pause, help="mean seconds between kills")
        if name == "run":
            sub.add_argument("--rate", type=float, default=defaults.rate, help="bookings per second")
            sub.add_argument("--faults", type=float, default=defaults.faults, help="share of failing provider calls")
            sub.add_argument("--directory", type=Path, default=defaults.directory)
    return parser


if __name__ == "__main__":
    sys.exit(main())
