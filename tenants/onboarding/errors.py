"""What can go wrong while tenants are made or migrated."""

from wildrydes.kernel.errors import ConfigurationError


class UnableToProvision(Exception):
    """A step of onboarding cannot be done; the text says why and goes on the page of the run."""


class UnableToDump(UnableToProvision, ConfigurationError):
    """The template cannot be turned into text: `pg_dump` is missing, too old, or failed."""
