"""Many messages in one round trip: kombu's publish batch, for scripts that the server may have forgotten."""

from typing import Any

from kombu.exceptions import BatchPublishError
from kombu.transport import redis as stock
from redis.exceptions import NoScriptError

from fairqueue.scripts import source


class PublishBatch(stock.PublishBatch):
    """A batch that loads the script when the server says that it does not know it, and not before each batch."""

    _buffered: int
    _failed: BaseException | None

    def flush(self) -> None:
        """Send all at once. What the server refused for want of the script had no effect, and that alone is sent again.

        Raises:
            BatchPublishError: the server refused something else, or is away; what was sent is uncertain.
        """
        self._check_usable()
        if not self._buffered:
            return
        try:
            self._send_all()
        except BaseException as error:
            self._failed = error
            self._buffered = 0
            self.pipeline.reset()
            if isinstance(error, Exception):
                raise BatchPublishError("The batch failed; what of it was sent is uncertain.") from error
            raise
        self._buffered = 0

    def _send_all(self) -> None:
        commands = [list(args) for args, _ in self.pipeline.command_stack]
        replies = self.pipeline.execute(raise_on_error=False)
        unknown = [pair[0] for pair in zip(commands, replies, strict=True) if isinstance(pair[1], NoScriptError)]
        if unknown:
            replies = [reply for reply in replies if not isinstance(reply, NoScriptError)] + self._with_script(unknown)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply

    def _with_script(self, commands: list[list[Any]]) -> list[Any]:
        # These commands have their prefix already.
        with self.channel.raw_client().pipeline(transaction=False) as pipe:
            pipe.script_load(source("publish"))
            for command in commands:
                pipe.execute_command(*command)
            replies: list[Any] = pipe.execute(raise_on_error=False)
        return replies
