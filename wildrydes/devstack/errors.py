"""What can go wrong with the stack. Every message is one line and says what to do next."""


class StackError(Exception):
    """Something that whoever started the stack has to know."""


class AlreadyRunning(StackError):
    """Another manager holds this runtime directory."""


class PortInUse(StackError):
    """Somebody else listens on a port that the stack was told to use."""

    @classmethod
    def of(cls, *, port: int, variable: str, who: str) -> "PortInUse":
        """`who` cannot listen on `port`; the environment's `variable` moves it."""
        return cls(f"Port {port} for {who} is in use: free it, or choose another with {variable}=<port>.")


class UnableToPrepare(StackError):
    """A command that has to succeed before anything starts did not."""


class UnableToBecomeHealthy(StackError):
    """A process was not healthy in time, or dies again and again."""


class UnknownProcess(StackError):
    """There is no process of that name."""
