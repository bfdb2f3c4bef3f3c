import errno
import json
import math
import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from distaff import files
from distaff.errors import RunError
from distaff.files import atomic_write, read_json, remove_temporaries, write_json
from distaff.runs.lock import locked

AGAIN = "bake it again"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    write_json(tmp_path / "deep/folder/cake.json", {"eggs": [1, 2.5, None], "name": "Käse"})
    content = read_json(tmp_path / "deep/folder/cake.json", dict[str, object], again=AGAIN)
    assert content == {"eggs": [1, 2.5, None], "name": "Käse"}
    assert names(tmp_path / "deep/folder") == ["cake.json"]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b'{"eggs": }', b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b"null", b"[1]"),
        *(b'{"eggs": "many"}', b'{"eggs": 1, "flour": null}'),
        *(b'{"eggs": 9223372036854775808}', b'{"\\ud800": 1}', b'{"\\uDFFF": 1}'),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_damaged_json_is_named_with_what_to_do(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "cake.json"
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        read_json(path, dict[str, int], again=AGAIN)
    said = str(caught.value)
    assert said.startswith(f"{path} is damaged (")
    assert said.endswith("; delete that file and bake it again.")
    assert "\n" not in said


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"no cake.json in {tmp_path}"):
        read_json(tmp_path / "cake.json", dict, again=AGAIN)
    with pytest.raises(RunError, match=r"cannot read .*Is a directory"):
        read_json(tmp_path, dict, again=AGAIN)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: Any
) -> None:
    path = tmp_path / "cake.json"
    write_json(path, {"eggs": 3})

    def full(_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=rf"cannot write {path} \({os.strerror(number)}\); free"):
        write_json(path, {"eggs": 4})
    assert read_json(path, dict[str, int], again=AGAIN) == {"eggs": 3}
    assert names(tmp_path) == ["cake.json"]


def test_a_body_that_raises_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "cake.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as temporary:  # noqa: PT012
        temporary.write_text("ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert names(tmp_path) == ["cake.txt"]


def test_the_content_before_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    path, before = tmp_path / "cake.txt", tmp_path / "cake.before.txt"
    for content in ("first", "second", "third"):
        with atomic_write(path, before=before) as temporary:
            temporary.write_text(content)
    assert (path.read_text(), before.read_text()) == ("third", "second")


def test_only_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    kept = {"cake.json", ".lock", ".hidden.json", "._cake.json", "seed.1.json", ".cake.12.json"}
    for name in kept:
        (tmp_path / name).touch()
    left_behind = tmp_path / ".distaff-0123456789abcdef-cake.json"
    with atomic_write(tmp_path / "cake.json") as temporary:
        temporary.write_text("{}")
        left_behind.write_text("{")
        remove_temporaries(tmp_path)  # as another process does
        assert temporary.exists()
        assert not left_behind.exists()
    assert set(names(tmp_path)) == kept


def test_a_link_that_was_planted_is_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("of another")
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0" * 16)
    (tmp_path / f".distaff-{'0' * 16}-cake.json").symlink_to(other)
    with pytest.raises(RunError, match="cannot write"):
        write_json(tmp_path / "cake.json", {})
    assert other.read_text() == "of another"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_has_no_number_that_json_does_not_know(tmp_path: Path, number: float) -> None:
    path = tmp_path / "cake.json"
    write_json(path, {"eggs": [number, (1, number)], "flour": number})

    def refuse(word: str) -> None:
        raise ValueError(word)

    kept = json.loads(path.read_text(), parse_constant=refuse)
    assert kept == {"eggs": [None, [1, None]], "flour": None}


def test_a_file_that_never_ends_or_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "cake.json"
    os.mkfifo(path)
    with pytest.raises(RunError, match="no regular file"):
        read_json(path, dict, again=AGAIN)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(RunError, match="no regular file"):
        read_json(path, dict, again=AGAIN)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(RunError, match="1,099,511,627,776 bytes"):
        read_json(path, dict, again=AGAIN)


def test_a_temporary_that_is_taken_for_left_over_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = files.lock, []

    def taken_once(opened: int) -> None:
        calls.append(opened)
        if len(calls) == 1:
            raise BlockingIOError
        real(opened)

    monkeypatch.setattr(files, "lock", taken_once)
    write_json(tmp_path / "cake.json", {"eggs": 3})
    assert len(calls) == 2
    assert read_json(tmp_path / "cake.json", dict[str, int], again=AGAIN) == {"eggs": 3}


def test_a_file_system_without_locks_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(files, "lock", unknown)
    monkeypatch.setattr("distaff.runs.lock.lock", unknown)
    write_json(tmp_path / "cake.json", {"eggs": 3})
    with locked(tmp_path) as held:
        held.check()
    assert sorted(names(tmp_path)) == [".lock", "cake.json"]
