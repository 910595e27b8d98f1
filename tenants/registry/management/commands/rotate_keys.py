"""`manage.py rotate_keys`: a new key for access tokens."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tenants.registry.keys import rotate


class Command(BaseCommand):
    """Publishes a new signing key; the old one verifies until its tokens have expired. Safe at any time."""

    help = (
        "Publish a new key for signing access tokens. It signs ten minutes later, when caches of the key set know it; "
        "the old one verifies until its tokens have expired."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--now` and `--compromised`."""
        parser.add_argument("--now", action="store_true", help="Sign with the new key at once.")
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="The old keys are known to somebody: sign with a new one at once and accept no token of the old ones.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate and say what happens when."""
        done = rotate(at_once=options["now"], compromised=options["compromised"])
        until = done.verified_until
        old = f"the old ones verify until {until:%H:%M:%S} UTC" if until else "no older key is accepted"
        self.stdout.write(f"Key {done.kid} signs from {done.signs_from:%Y-%m-%d %H:%M:%S} UTC; {old}.")
