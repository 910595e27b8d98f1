"""What can be wrong with a webhook."""

from wildrydes.kernel.errors import NotFound


class NoEndpoint(NotFound):
    """The company has not set one."""

    code = "no-webhook"
    title = "No webhook endpoint is set"
