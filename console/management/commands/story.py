"""`manage.py story ID`: what happened to a booking, as text."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.story.finding import PLATFORM
from console.story.lines import lines_of
from console.story.selectors import story_by_id
from console.story.telling import Story
from wildrydes.kernel.errors import DomainError


class Command(BaseCommand):
    """Tell the story that an id of any kind belongs to."""

    help = "What happened to a booking, found from any id: of a booking, an operation, a message, a charge …"

    def add_arguments(self, parser: CommandParser) -> None:
        """The id, and where to look."""
        parser.add_argument(
            "id", help="a booking's, operation's, message's, delivery's, charge's id, or what clients call it"
        )
        parser.add_argument("--company", default="", help="short name of the company; all are asked without it")
        parser.add_argument("--all", action="store_true", help="leave no repeated attempt out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        try:
            answer = story_by_id(options["id"], company=options["company"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        if answer.story is None:
            self.stdout.write("Several have this id; ask for one of them:")
            for found in answer.choices:
                company = found.tenant.slug if found.tenant else PLATFORM
                self.stdout.write(f"  manage.py story {found.booking_id or found.correlation_id} --company {company}")
            return
        self._tell(answer.story, everything=options["all"])

    def _tell(self, story: Story, *, everything: bool) -> None:
        booking, payment = story.booking, story.payment
        self.stdout.write(
            f"company     {story.tenant.name if story.tenant else 'the platform, or a company that is gone'}"
        )
        if booking is not None:
            self.stdout.write(f"booking     {booking.id}  {booking.state}")
        for correlation_id in story.correlation_ids:
            self.stdout.write(f"correlation {correlation_id}")
        if payment is not None:
            sums = (
                f"due {payment.due}, captured {payment.captured}, credit {payment.credit}, refunded {payment.refunded}"
            )
            self.stdout.write(f"money       {sums}")
        for ahead in story.letters:
            prospect = f": {ahead.words}. {ahead.prospect.summary}" if ahead.prospect else ""
            self.stdout.write(f"dead letter {ahead.letter.id}  {ahead.letter.handler} {ahead.letter.state}{prospect}")
        self.stdout.write("")
        for line in lines_of(story.moments, now=story.told_at, everything=everything):
            if line.hidden:
                self.stdout.write(f"{line.after:>14}  {'  ' * line.depth}… {line.hidden} more attempts like these")
                continue
            moment = line.moment
            parts = [moment.title, str(moment.money or ""), f"[{line.took}]" if line.took else "", moment.detail]
            told = "  ".join(part for part in parts if part)
            self.stdout.write(f"{line.after:>14}  {moment.kind:<8}  {'  ' * line.depth}{told}")
        if story.is_cut:
            self.stdout.write("… there is more than can be told.")
