"""`python -m wildrydes.devstack up|demo|down|reset|status`: the commands behind the Makefile."""

import argparse
import sys

from wildrydes.devstack import commands
from wildrydes.devstack.errors import StackError
from wildrydes.devstack.layout import Layout
from wildrydes.embedded import EmbeddedError

COMMANDS = {
    "up": commands.up,
    "demo": commands.demo,
    "down": commands.down,
    "reset": commands.reset,
    "status": commands.status,
}

INTERRUPTED = 130  # as shells report a Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    """Run one command; what an operator can do something about is said in one line on standard error."""
    parser = argparse.ArgumentParser(prog="python -m wildrydes.devstack", description="The stack for development.")
    choices = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        choices.add_parser(name, help=command.__doc__)
    chosen = parser.parse_args(arguments).command
    try:
        return COMMANDS[chosen](Layout.of_environment())
    except (StackError, EmbeddedError) as error:
        print(f"{chosen}: {error}", file=sys.stderr)
        return 1
    except commands.Stopped:
        return 0 if chosen == "up" else INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
