"""The Lua scripts: loaded from `lua/`, run by their digest, sent anew when the server has forgotten them."""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from fairqueue.options import Options

Arguments = Sequence[str | bytes | int | float]


@cache
def source(name: str) -> str:
    """The text of a script, with what all of them share before it."""
    folder = files("fairqueue") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))


@cache
def digest(name: str) -> str:
    """By which the server knows the script."""
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """Builds the commands for one namespace: a key prefix, the priorities and the settings, which every script is told."""

    def __init__(
        self,
        options: Options,
        *,
        prefix: str = "",
        sep: str = "\x06\x16",
        priority_steps: Sequence[int] = (0, 3, 6, 9),
        unacked_key: str = "unacked",
        unacked_index_key: str = "unacked_index",
    ) -> None:
        self.options = options
        self.prefix = prefix
        self.sep = sep
        self.priority_steps = tuple(priority_steps)
        self._middle: list[str | int | float] = [
            sep,
            ",".join(str(step) for step in priority_steps),
            unacked_key,
            unacked_index_key,
            options.fair_noisy_share,
            options.fair_noisy_in_flight,
            options.fair_noisy_seconds,
            options.fair_noisy_every,
            options.fair_min_charge,
            options.fair_window,
            options.fair_slow_ms,
        ]

    def command(self, name: str, queue: str, *arguments: str | bytes | int | float) -> list[Any]:
        """The `EVALSHA` for a script. Its one key is there for the server's access control; the scripts derive all others."""
        return ["EVALSHA", digest(name), 1, self.prefix + queue, self.prefix, queue, *self._middle, *arguments]

    def run(self, execute: Callable[..., Any], name: str, queue: str, *arguments: str | bytes | int | float) -> Any:
        """Run a script with `execute`, which sends one command and answers its reply."""
        command = self.command(name, queue, *arguments)
        try:
            return execute(*command)
        except NoScriptError:
            execute("SCRIPT LOAD", source(name))
            return execute(*command)
