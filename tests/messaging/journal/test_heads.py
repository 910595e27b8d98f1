"""The file of heads: appended to, never torn for good, and read with suspicion."""

import json
import threading
from uuid import UUID

import pytest

from messaging.journal.heads import GivenUp, Head, ToPurge, append, read

CHAIN = UUID(int=5)


def head(segment, hashed=b"\x01" * 32, chain=CHAIN):
    return Head(chain_id=chain, schema_name="t_acme", segment=segment, hash=hashed, count=3, sealed_at="1.000000")


def write(path, *entries, environment="test"):
    append(path, entries, environment=environment, database="1/wr")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "directory" / "heads.jsonl"


def test_what_is_written_is_read(path):
    write(path, head(1), head(2))
    write(path, ToPurge(chain_id=CHAIN, schema_name="t_acme", segment=1, hash=b"\x01" * 32))
    known = read([path], environment="test")
    assert known.chains[CHAIN].hashes == {1: {"01" * 32}, 2: {"01" * 32}}
    assert known.chains[CHAIN].purged == {(1, "01" * 32)}
    assert (known.chains[CHAIN].last, known.unreadable) == (2, [])


def test_nobody_but_owner_and_group_reads_it(path):
    write(path, head(1))
    assert path.stat().st_mode & 0o007 == 0


def test_the_same_line_twice_says_the_same_and_another_hash_is_kept_beside_it(path):
    write(path, head(1), head(1))
    assert len(read([path], environment="test").chains[CHAIN].hashes[1]) == 1
    write(path, head(1, b"\x02" * 32))
    assert len(read([path], environment="test").chains[CHAIN].hashes[1]) == 2


def test_other_environments_are_passed_over(path):
    write(path, head(1), environment="staging")
    assert read([path], environment="test").chains == {}


def test_heads_of_several_hosts_are_put_together(path, tmp_path):
    write(path, head(1))
    write(tmp_path / "other", head(2))
    assert read([path, tmp_path / "other"], environment="test").chains[CHAIN].last == 2


def test_a_head_that_was_given_up_is_left_out_whatever_file_and_order_it_stands_in(path, tmp_path):
    other = tmp_path / "other"
    write(other, GivenUp(chain_id=CHAIN, schema_name="t_acme", segment=2, hash=b"\x01" * 32, reason="backup"))
    write(path, head(1), head(2), head(2, b"\x03" * 32))
    chain = read([other, path], environment="test").chains[CHAIN]
    assert chain.hashes == {1: {"01" * 32}, 2: {"03" * 32}}
    assert chain.given_up == {(2, "01" * 32): "backup"}


def test_a_torn_line_is_followed_by_a_whole_one_on_a_line_of_its_own(path):
    write(path, head(1), head(2))
    whole = path.read_text()
    path.write_text(whole[:-20])
    write(path, head(1), head(2))
    known = read([path], environment="test")
    assert (known.chains[CHAIN].last, known.unreadable) == (2, [])


def test_a_torn_last_line_is_still_being_written(path):
    write(path, head(1))
    path.write_text(path.read_text() + '{"format": 1, "envir')
    assert read([path], environment="test").unreadable == []


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "null",
        '{"format": 2}',
        '{"format": 1, "kind": "head", "chain": "x", "segment": 1, "hash": "00"}',
        '{"format": 1, "kind": "head", "chain": "00000000-0000-0000-0000-000000000005", "segment": 1, "hash": "zz"}',
        "[" * 100_000,
        "\xff\x00",
    ],
    ids=["text", "list", "null", "format", "chain", "hash", "deep", "bytes"],
)
def test_a_line_that_says_nothing_is_named(path, line):
    write(path, head(1))
    with path.open("ab") as lines:
        lines.write(line.encode("latin-1") + b"\n")
    write(path, head(2))
    known = read([path], environment="test")
    assert known.unreadable == [f"{path}:2"]
    assert known.chains[CHAIN].last == 2


def test_a_file_that_is_not_there_is_an_error(path):
    with pytest.raises(OSError, match="No such file"):
        read([path], environment="test")


def test_writers_at_once_do_not_mix_their_lines(path):
    def many(number):
        for segment in range(20):
            write(path, *[head(segment * 10 + number, chain=UUID(int=number + 1))] * 5)

    threads = [threading.Thread(target=many, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 400
    assert all(json.loads(line)["kind"] == "head" for line in lines)
