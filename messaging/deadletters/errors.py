"""Why something cannot be done with a dead letter; each says what can be done instead."""

from wildrydes.kernel.errors import Conflict, InvalidInput, NotFound


class LetterNotFound(NotFound):
    """There is no dead letter with this id."""

    code = "dead-letter-not-found"
    title = "There is no such dead letter; it may have been removed when its time was over"


class LetterNotOpen(Conflict):
    """Somebody or something has dealt with it already, or is at it."""

    code = "dead-letter-not-open"
    title = "The dead letter is not open"


class Obstacle(Conflict):
    """The letter cannot be sent again as things are."""

    code = "dead-letter-obstacle"
    title = "The dead letter cannot be sent again now"


class TenantGone(Obstacle):
    """Its tenant does not exist any more."""

    code = "tenant-gone"
    title = "The company does not exist any more, and its messages with it; discard the letter"


class TenantNotReady(Obstacle):
    """Its tenant is not in service: being onboarded, or failed at that."""

    code = "tenant-not-ready"
    title = "The company is not in service; finish its onboarding, then redrive"


class MessageGone(Obstacle):
    """The journal does not hold the message any more."""

    code = "message-gone"
    title = "The message is not in the journal any more, its time there was over; discard the letter"


class HandlerUnknown(Obstacle):
    """This version of the code has no such handler."""

    code = "handler-unknown"
    title = "This version of the product has no such handler"


class MessageTooNew(Obstacle):
    """A newer version of the code wrote the message."""

    code = "message-too-new"
    title = "A newer version of the product wrote the message"


class DoesNotFit(Obstacle):
    """The message does not fit the shape that the handler expects today."""

    code = "message-does-not-fit"
    title = "The message does not fit the shape that its handler expects today; edit it and send it"


class BadPayload(InvalidInput):
    """An edited payload does not fit its message's shape; `errors` says where."""

    code = "bad-payload"
    title = "The payload does not fit the message"


class RunNotFound(NotFound):
    """There is no redrive run with this id."""

    code = "redrive-run-not-found"
    title = "There is no such redrive run"


class RunRefused(Conflict):
    """The run's state does not allow it."""

    code = "redrive-run-refused"
    title = "The redrive run cannot do that now"


class NothingToRedrive(Conflict):
    """The selection finds no open letter that is free."""

    code = "nothing-to-redrive"
    title = "No open dead letter is found; those that another open run has do not count"
