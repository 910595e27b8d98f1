"""The journal's scheduled jobs, in `public`: short, bounded, and begun again where they stopped."""

from messaging.journal.errors import UnableToSeal
from messaging.journal.exporting import export_heads
from messaging.journal.retention import clean_everywhere
from messaging.journal.sealing import seal_everywhere

_SLICE_SECONDS = 5.0


def seal_journals() -> None:
    """Seal what is settled in all journals, then take the heads out of the database.

    Raises:
        UnableToSeal: the heads' file cannot be written, or a journal was set back; the rest is done all the same.
    """
    refusals = []
    for step in (lambda: seal_everywhere(seconds=_SLICE_SECONDS), export_heads):
        try:
            step()
        except UnableToSeal as error:
            refusals.append(str(error))
    if refusals:
        raise UnableToSeal(" ".join(refusals))


def clean_journals() -> None:
    """Delete what has expired.

    Raises:
        UnableToSeal: the heads' file cannot be written, so no messages may go.
    """
    clean_everywhere(seconds=_SLICE_SECONDS)
