"""A worker of the naive side, with the arguments of `manage.py worker`."""

import sys
from importlib import import_module

import django
from django.core.management import call_command


def main() -> None:
    """Start, and stay until told to stop."""
    django.setup()
    import_module("wildrydes.celery")
    import_module("bench._naive").install()
    call_command("worker", *sys.argv[1:])


if __name__ == "__main__":
    main()
