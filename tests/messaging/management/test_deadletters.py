import io
import json
import threading
import uuid
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import Entry
from messaging.errors import Reject
from messaging.models import DeadLetter, Delivery, RedriveRun
from messaging.topology import Prospect, Verdict
from tests.messaging.deadletters.letters import fail, state_of, tick
from tests.messaging.sample import DoThing
from wildrydes.kernel.money import Money


def run(*args, stdin=""):
    out = io.StringIO()
    call_command("deadletters", *map(str, args), stdout=out)
    return out.getvalue()


@pytest.fixture
def typed(monkeypatch):
    """Somebody at a terminal who answers."""

    def answer(*lines):
        typing = io.StringIO("".join(f"{line}\n" for line in lines))
        typing.isatty = lambda: True
        monkeypatch.setattr("sys.stdin", typing)

    return answer


@contextmanager
def working():
    """A worker in the background."""
    stop = threading.Event()

    def work():
        try:
            while not stop.wait(0.05):
                tick()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class TestList:
    def test_shows_what_is_open_and_first_what_has_no_outcome(self, dead):
        first, second, closed = dead(), dead(), dead()
        DeadLetter.objects.filter(id=first.id).update(outcome_committed=False)
        run("discard", closed.id, "--reason", "done by hand", "--yes")
        lines = run("list").splitlines()
        assert [line.split()[:2] for line in lines[1:]] == [["!", str(first.id)], [str(second.id), "open"]]
        assert len(run("list", "--state", "any").splitlines()) == 4
        assert len(run("list", "--limit", "1").splitlines()) == 2

    def test_by_cause(self, dead):
        dead(), dead()
        DeadLetter.objects.filter(id=dead().id).update(fingerprint="other", tenant_id=uuid.uuid4())
        found = json.loads(run("list", "--causes", "--json"))
        assert [(cause["count"], cause["open"], cause["tenants"]) for cause in found] == [(2, 2, 1), (1, 1, 1)]
        assert "other" in run("list", "--causes")

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--tenant", "acme"], 1),
            (["--tenant", "globex"], 0),
            (["--tenant", "platform"], 0),
            (["--tier", "basic"], 1),
            (["--tier", "premium"], 0),
            (["--topic", "sample.do_thing"], 1),
            (["--handler", "sample.do"], 1),
            (["--handler", "sample.call"], 0),
            (["--queue-class", "bookings"], 1),
            (["--queue-class", "loyalty"], 0),
            (["--reason-died", "rejected"], 1),
            (["--age", "2h"], 0),
            (["--age", "0s"], 1),
            (["--cause", "0000"], 0),
            (["--state", "discarded"], 0),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, list) else None,
    )
    def test_filters(self, dead, options, expected):
        dead()
        assert len(json.loads(run("list", "--json", *options))) == expected

    def test_age_is_that_of_the_first_death(self, dead):
        letter = dead()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE messaging_deadletter SET died_at = died_at - interval '3 hours'")
        assert [found["id"] for found in json.loads(run("list", "--json", "--age", "2h"))] == [str(letter.id)]

    @pytest.mark.parametrize(
        "options",
        [
            ["--age", "soon"],
            ["--age", "-2h"],
            ["--age", "999999w"],
            ["--age", "٣d"],
            ["--tenant", "nobody"],
            ["--tenant", "a\x00b"],
            ["--state", "lost"],
            ["--queue-class", "x"],
            ["--handler", "x" * 300],
            ["--topic", "\ud800"],
            ["--limit", "0"],
            ["--limit", "many"],
        ],
        ids=repr,
    )
    def test_a_mistake_is_one_line(self, db, options):
        with pytest.raises(CommandError) as told:
            run("list", *options)
        assert "\n" not in str(told.value)


class TestShow:
    def test_shows_attempts_and_what_sending_would_do_but_no_payload(self, dead, recorder):
        recorder.prospect = Prospect(verdict=Verdict.ACT, summary="The fare would be taken.", money=Money(1250, "USD"))
        letter = dead(DoThing(thing_id=uuid.uuid4(), note="private"), error=Reject("private too"))
        shown = run("show", letter.id)
        assert "act: The fare would be taken. (12.50 USD)" in shown
        assert "messaging.errors.Reject" in shown
        assert "private" not in shown
        fields = json.loads(run("show", letter.id, "--json"))
        assert fields["prospect"]["money"] == "12.50 USD"
        assert [attempt["attempt"] for attempt in fields["failed_attempts"]] == [1]

    def test_says_why_one_cannot_be_sent(self, dead):
        letter = dead()
        DeadLetter.objects.filter(id=letter.id).update(handler="sample.gone", error_class="\x1b[31mevil")
        shown = run("show", letter.id)
        assert "no handler sample.gone" in shown
        assert "\x1b" not in shown

    @pytest.mark.parametrize("act", ["show", "payload"])
    def test_an_unknown_letter(self, db, act):
        with pytest.raises(CommandError, match="no such dead letter"):
            run(act, uuid.uuid4())
        with pytest.raises(CommandError, match="not an id"):
            run(act, "1; DROP TABLE")


class TestRedrive:
    def test_letters_by_id(self, dead, drain):
        letter, other = dead(), dead()
        assert str(letter.id) in run("redrive", letter.id, "--yes")
        drain()
        assert [state_of(letter), state_of(other)] == ["redriven", "open"]
        entry = Entry.objects.get(action="deadletter.redrive")
        assert entry.actor_kind == "command"

    def test_what_is_refused_is_told_and_fails(self, dead):
        letter = dead()
        with pytest.raises(CommandError, match="1 of 2 could not be sent"):
            run("redrive", letter.id, uuid.uuid4(), "--yes")
        with pytest.raises(CommandError, match="sent it again"):
            run("redrive", letter.id, "--yes")

    def test_everything_has_to_be_said(self, dead):
        dead()
        with pytest.raises(CommandError, match="--all"):
            run("redrive", "--yes")

    def test_nobody_to_ask(self, dead):
        letter = dead()
        with pytest.raises(CommandError, match="--yes"):
            run("redrive", letter.id)
        with pytest.raises(CommandError, match="--yes"):
            run("redrive", "--all")
        assert state_of(letter) == "open"
        assert RedriveRun.objects.get().state == "cancelled", "its letters are free"

    def test_no_is_no(self, dead, typed):
        letter = dead()
        typed("n")
        with pytest.raises(CommandError, match="Nothing was changed"):
            run("redrive", letter.id)
        assert state_of(letter) == "open"

    def test_a_dry_run_changes_nothing(self, dead, recorder):
        recorder.prospect = Prospect(verdict=Verdict.ACT, summary="The fare would be taken.", money=Money(1250, "USD"))
        letters = [dead(), dead()]
        shown = run("redrive", "--handler", "sample.do", "--dry-run")
        assert "2 letters: 2 act." in shown
        assert "Money it would move: 25.00 USD." in shown
        assert f"{letters[0].id}  act: The fare would be taken.  (12.50 USD)" in shown
        assert {state_of(letter) for letter in letters} == {"open"}
        assert not Delivery.objects.exists()
        told = json.loads(run("redrive", "--all", "--dry-run", "--json"))
        assert told["money"] == ["25.00 USD"]

    @pytest.mark.parametrize("options", [["--rate", "0"], ["--rate", "nan"], ["--max-failures", "0"]], ids="".join)
    def test_limits(self, dead, options):
        dead()
        with pytest.raises(CommandError, match="between"):
            run("redrive", "--all", "--yes", *options)

    def test_nothing_found(self, db):
        with pytest.raises(CommandError, match="No open dead letter is found"):
            run("redrive", "--all", "--yes")

    def test_a_canary_then_the_rest(self, committed, dead):
        for _ in range(3):
            dead()
        with working():
            shown = run("redrive", "--all", "--canary", "--rate", "50", "--yes", "--timeout", "60")
        assert "done  100 %  3 redriven" in shown

    def test_no_after_the_canary_leaves_the_rest(self, committed, dead, typed):
        for _ in range(3):
            dead()
        typed("y", "n")
        with working(), pytest.raises(CommandError, match="Only the canary was sent"):
            run("redrive", "--all", "--canary", "--timeout", "60")
        assert RedriveRun.objects.get().state == "cancelled"
        assert DeadLetter.objects.filter(state="open").count() == 2

    def test_a_canary_that_dies_fails_the_command(self, committed, dead, recorder):
        for _ in range(3):
            dead()
        recorder.do = fail(Reject("still broken"))
        with working(), pytest.raises(CommandError, match="Its canary died again"):
            run("redrive", "--all", "--canary", "--yes", "--timeout", "60")
        assert DeadLetter.objects.filter(state="open").count() == 3

    def test_interrupting_it_leaves_the_run_going(self, dead, monkeypatch):
        dead(), dead()

        def interrupt(seconds):
            raise KeyboardInterrupt

        monkeypatch.setattr("time.sleep", interrupt)
        with pytest.raises(CommandError, match="goes on without this command"):
            run("redrive", "--all", "--rate", "1", "--yes")
        assert RedriveRun.objects.get().state == "running"

    def test_without_workers_it_says_so(self, dead):
        dead(), dead()
        with pytest.raises(CommandError, match="are workers up"):
            run("redrive", "--all", "--canary", "--yes", "--timeout", "0.5")
        assert RedriveRun.objects.get().state == "canary"


class TestDiscard:
    def test_by_id_and_by_cause(self, dead):
        letters = [dead() for _ in range(3)]
        assert run("discard", letters[0].id, "--reason", "done by hand", "--yes") == "1 discarded.\n"
        cause = letters[0].fingerprint
        assert run("discard", "--cause", cause, "--reason", "done by hand", "--yes") == "2 discarded.\n"
        assert {state_of(letter) for letter in letters} == {"discarded"}

    def test_a_reason_is_needed(self, dead):
        letter = dead()
        with pytest.raises(CommandError, match="--reason"):
            run("discard", letter.id, "--yes")
        with pytest.raises(CommandError, match="Say why"):
            run("discard", letter.id, "--reason", " ", "--yes")
        with pytest.raises(CommandError, match="--all"):
            run("discard", "--reason", "all of them", "--yes")


class TestPayloadAndEdit:
    def test_shows_corrects_and_sends(self, dead, drain, recorder, tmp_path):
        letter = dead(DoThing(thing_id=uuid.uuid4(), note="wrong ä"))
        payload = json.loads(run("payload", letter.id))
        assert payload["note"] == "wrong ä"
        corrected = tmp_path / "payload.json"
        corrected.write_text(json.dumps({**payload, "note": "right"}))
        assert "Sent as message" in run("edit", letter.id, "--payload", corrected, "--yes")
        recorder.seen.clear()
        drain()
        assert [message.body.note for message in recorder.seen] == ["right"]
        assert state_of(letter) == "replaced"

    @pytest.mark.parametrize(
        "text", [b"", b"{", b"[1]", b"\xff", b"x" * 70_000], ids=["empty", "cut", "array", "binary", "long"]
    )
    def test_a_bad_payload_is_one_line(self, dead, tmp_path, text):
        letter = dead()
        (tmp_path / "bad.json").write_bytes(text)
        with pytest.raises(CommandError) as told:
            run("edit", letter.id, "--payload", tmp_path / "bad.json", "--yes")
        assert "\n" not in str(told.value)

    def test_a_file_that_is_not_there(self, dead, tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            run("edit", dead().id, "--payload", tmp_path / "none.json", "--yes")


class TestRuns:
    def test_looks_pauses_resumes_and_cancels(self, dead):
        for _ in range(3):
            dead()
        with pytest.raises(CommandError, match="are workers up"):
            run("redrive", "--all", "--rate", "1", "--yes", "--timeout", "0.1")
        found = json.loads(run("runs", "--json"))
        run_id = found[0]["id"]
        assert "running" in run("run", run_id)
        assert "paused" in run("run", run_id, "pause")
        assert "running" in run("run", run_id, "resume")
        assert "cancelled" in run("run", run_id, "cancel")
        assert "left" in run("run", run_id, "--items")
        with pytest.raises(CommandError, match="cannot be paused now"):
            run("run", run_id, "pause")
        with pytest.raises(CommandError, match="no such redrive run"):
            run("run", uuid.uuid4())
