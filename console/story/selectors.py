"""Asking for a story: from what somebody typed to what the page and the command show."""

from dataclasses import dataclass

from console.story.asking import read_company, read_wanted
from console.story.finding import Found, Search, find
from console.story.resolving import with_bookings
from console.story.telling import Story, tell
from tenants.registry.models import Tenant, TenantStatus
from wildrydes.kernel.errors import NotFound

MOST_COMPANIES = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Either the story, or several things to choose from."""

    story: Story | None = None
    choices: tuple[Found, ...] = ()
    search: Search


class NotEverywhereAsked(NotFound):
    """It was not found in the time there is, and not every company was asked."""

    code = "not-everywhere-asked"
    title = "The company has to be named"


def story_by_id(typed: str, *, company: str = "") -> Answer:
    """The story that an id of any kind belongs to. Reads only, and for a bounded time.

    Raises:
        InvalidInput: what was typed can be no id, or no company.
        NotFound: nobody has it.
        NotEverywhereAsked: nobody was found to have it, and not all companies were asked.
    """
    wanted = read_wanted(typed)
    search = find(wanted, company=read_company(company))
    # Several rows with one id (a message and its webhook) lead to one ride.
    told = {
        (one.tenant_id, one.booking_id or one.correlation_id): one for f in search.found for one in with_bookings(f)
    }
    choices = tuple(told.values())
    if len(choices) == 1:
        return Answer(story=tell(choices[0]), search=search)
    if choices:
        return Answer(choices=choices, search=search)
    if not search.is_complete:
        raise NotEverywhereAsked(f"{search.asked} of {search.schemas} companies were asked. Choose the company.")
    raise NotFound("Nobody knows this id. What is older than its retention is gone; check that all of it was copied.")


def companies() -> list[tuple[str, str]]:
    """Short name and name of the companies that can be asked."""
    rows = Tenant.objects.filter(status__in=(TenantStatus.ACTIVE, TenantStatus.SUSPENDED)).order_by("name")
    return list(rows.values_list("slug", "name")[:MOST_COMPANIES])
