import io
import os
from pathlib import Path

from wildrydes.devstack.log import StackLog


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_carries_its_process_on_the_terminal_and_in_the_file(tmp_path: Path) -> None:
    terminal = io.StringIO()
    log = StackLog(tmp_path / "log" / "stack.log", terminal)

    log.say("web", "ready")
    log.close()

    assert terminal.getvalue() == "web                 │ ready\n"
    assert (tmp_path / "log" / "stack.log").read_text().endswith(" web                 ready\n")


def test_colours_are_for_terminals_only(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    log = StackLog(tmp_path / "stack.log", terminal)

    log.say("web", "ready")
    log.close()

    assert "\x1b[" in terminal.getvalue()
    assert "\x1b" not in (tmp_path / "stack.log").read_text()


def test_what_a_process_repeats_from_outside_does_not_steer_the_terminal(tmp_path: Path) -> None:
    terminal = io.StringIO()
    log = StackLog(tmp_path / "stack.log", terminal)

    log.say("web", "GET /\x1b[2J\x07\x1b]0;owned\x07 \x1b[31mred\x1b[0m")
    log.close()

    assert terminal.getvalue() == "web                 │ GET /[2J]0;owned red\n"


def test_a_closed_terminal_does_not_stop_the_log(tmp_path: Path) -> None:
    terminal = io.StringIO()
    log = StackLog(tmp_path / "stack.log", terminal)
    terminal.close()

    log.say("web", "one")
    log.say("web", "two")
    log.close()

    assert "two" in (tmp_path / "stack.log").read_text()


def test_output_is_followed_to_its_end_even_when_it_is_no_text(tmp_path: Path) -> None:
    log = StackLog(tmp_path / "stack.log")
    reading, writing = os.pipe()
    os.write(writing, b"caf\xe9\nlast")
    os.close(writing)

    log._pump("web", os.fdopen(reading, "rb"))

    assert log.last_words("web") == "last"
    assert "caf\N{REPLACEMENT CHARACTER}" in (tmp_path / "stack.log").read_text()
