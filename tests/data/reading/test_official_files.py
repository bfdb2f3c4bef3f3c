import errno
import hashlib
import http.server
import multiprocessing
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from distaff.data.reading import download, official_files
from distaff.data.reading.official_files import OfficialFile, ensure_downloaded
from distaff.errors import DataError

CONTENT = bytes(range(256)) * 2000
HALF = len(CONTENT) // 2


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT as the first part of the path says; remembers the ranges asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.go_on = threading.Event()

    def url(self, how: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{how}/file.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        how, wanted = self.path.split("/")[1], self.headers["Range"]
        self.server.asked.append((how, wanted))
        first = sum(asked == how for asked, _ in self.server.asked) == 1
        getattr(self, how)(int(wanted[6:-1]) if wanted else 0, first)

    def answer(
        self, body: Any, start: Any = 0, status: Any = None, length: Any = None, **headers: Any
    ) -> None:
        self.send_response(status or (206 if start else 200))
        self.send_header("Content-Length", str(length or len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def whole(self, start: Any, _: Any) -> None:
        self.answer(CONTENT[start:], start)

    def broken(self, start: Any, first: Any) -> None:
        if first:
            self.answer(CONTENT[:HALF], length=len(CONTENT))
            self.close_connection = True
        else:
            self.whole(start, first)

    def broken_and_anew(self, _: Any, first: Any) -> None:
        self.broken(0, first)

    def always_broken(self, start: Any, _: Any) -> None:
        self.answer(CONTENT[start : start + HALF // 8], start, length=len(CONTENT) - start)
        self.close_connection = True

    def silent(self, start: Any, first: Any) -> None:
        if first:
            self.answer(CONTENT[:HALF], length=len(CONTENT))
            self.server.go_on.wait(30)
            self.close_connection = True
        else:
            self.whole(start, first)

    def mute(self, *_: Any) -> None:
        self.server.go_on.wait(30)
        self.close_connection = True

    def dripping(self, *_: Any) -> None:
        self.answer(b"", length=len(CONTENT))
        for start in range(0, len(CONTENT), len(CONTENT) // 8):
            self.wfile.write(CONTENT[start : start + len(CONTENT) // 8])
            self.server.go_on.wait(0.1)

    def held(self, start: Any, first: Any) -> None:
        self.server.go_on.wait(30)
        self.whole(start, first)

    def corrupt(self, start: Any, _: Any) -> None:
        self.answer((b"?" + CONTENT[1:])[start:], start)

    def gone(self, *_: Any) -> None:
        self.answer(b"no such file", status=404)

    def page(self, *_: Any) -> None:
        self.answer(b"<!DOCTYPE html><p>Log in", Content_Type="text/html; charset=utf-8")

    def page_in_disguise(self, *_: Any) -> None:
        self.answer(b"\n<html><p>Quota exceeded", Content_Type="application/gzip")

    def encoded(self, start: Any, _: Any) -> None:
        self.answer(CONTENT[start:], start, Content_Encoding="x-gzip")

    def longer(self, start: Any, _: Any) -> None:
        if start >= len(CONTENT):
            self.answer(b"", status=416)
        else:
            self.whole(start, _)

    def endless(self, *_: Any) -> None:
        self.answer(10 * CONTENT)

    def trickling(self, *_: Any) -> None:
        self.answer(b"", length=len(CONTENT))
        while not self.server.go_on.wait(0.02):
            self.wfile.write(b"x")

    def slow_headers(self, *_: Any) -> None:
        while not self.server.go_on.wait(0.02):
            self.wfile.write(b"H")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.go_on.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("DISTAFF_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("DISTAFF_DATA", str(tmp_path))
    return tmp_path


def official(server: Any, *ways: str, **changes: Any) -> OfficialFile:
    settings: dict[str, Any] = {
        "name": "set/file.gz",
        "urls": tuple(map(server.url, ways)),
        "digest": hashlib.md5(CONTENT).hexdigest(),
    }
    return OfficialFile(**settings | changes)


def test_no_more_is_written_than_the_file_has(server: Any, folder: Path) -> None:
    with pytest.raises(DataError, match=f"more than the {len(CONTENT):,} bytes"):
        ensure_downloaded(official(server, "endless", size=len(CONTENT)))
    assert not list(folder.rglob("*"))


@pytest.mark.parametrize(
    ("how", "message"), [("trickling", "bytes in .* seconds"), ("slow_headers", "no answer")]
)
def test_a_server_that_is_never_silent_and_never_done_is_given_up(
    server: Any, monkeypatch: pytest.MonkeyPatch, how: str, message: str
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    with pytest.raises(DataError, match=message):
        ensure_downloaded(official(server, how))


def test_a_planted_link_is_not_written_through(server: Any, folder: Path) -> None:
    (folder / "set").mkdir()
    other = folder / "other"
    other.write_text("of another")
    (folder / "set" / "file.gz.part").symlink_to(other)
    assert ensure_downloaded(official(server, "whole")).read_bytes() == CONTENT
    assert other.read_text() == "of another"


def test_a_certificate_that_is_not_trusted_is_named_as_that(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise requests.exceptions.SSLError

    monkeypatch.setattr(requests, "get", refuse)
    file = OfficialFile(name="set/file.gz", urls=("https://127.0.0.1/x",), digest="")
    with pytest.raises(DataError, match=r"certificate is not trusted.*REQUESTS_CA_BUNDLE"):
        ensure_downloaded(file)
    assert not list(folder.iterdir())


def left(folder: Path) -> set[str]:
    return {path.name for path in (folder / "set").iterdir() if path.suffix != ".lock"}


def refused(file: OfficialFile) -> str:
    with pytest.raises(DataError) as error:
        ensure_downloaded(file)
    said = str(error.value)
    assert said.count("\n") == 0
    return said


def test_a_missing_file_arrives_whole_and_is_not_fetched_twice(server: Any, folder: Path) -> None:
    seen = []
    file = official(server, "whole")
    path = ensure_downloaded(file, on_bytes=lambda *told: seen.append(told))
    assert path == folder / "set" / "file.gz"
    assert path.read_bytes() == CONTENT
    assert seen[-1] == ("set/file.gz", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    assert ensure_downloaded(file) == path
    assert server.asked == [("whole", None)]
    assert left(folder) == {"file.gz"}


def test_a_sha256_sum_does_as_well(server: Any) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    file = official(server, "whole", digest=digest, algorithm="sha256")
    assert ensure_downloaded(file).read_bytes() == CONTENT


def test_a_broken_download_goes_on_where_it_stopped(server: Any) -> None:
    assert ensure_downloaded(official(server, "broken")).read_bytes() == CONTENT
    (_, nothing), (_, wanted) = server.asked
    assert nothing is None
    assert 0 < int(wanted[6:-1]) <= HALF


def test_a_server_that_ignores_ranges_sends_all_anew(server: Any) -> None:
    assert ensure_downloaded(official(server, "broken_and_anew")).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_download_goes_on_from_what_an_earlier_process_left(server: Any, folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "set" / "file.gz.part").write_bytes(CONTENT[:1234])
    assert ensure_downloaded(official(server, "whole")).read_bytes() == CONTENT
    assert server.asked == [("whole", "bytes=1234-")]
    assert left(folder) == {"file.gz"}


@pytest.mark.parametrize("rest", [b"of another file", CONTENT + b"and more", CONTENT])
def test_a_left_part_of_another_file_is_thrown_away(server: Any, folder: Path, rest: Any) -> None:
    (folder / "set").mkdir()
    (folder / "set" / "file.gz.part").write_bytes(rest)
    assert ensure_downloaded(official(server, "longer")).read_bytes() == CONTENT
    assert left(folder) == {"file.gz"}


def test_a_connection_that_always_breaks_is_given_up_and_kept_for_the_next_time(
    server: Any, folder: Path
) -> None:
    file = official(server, "always_broken")
    assert "the connection broke after" in refused(file)
    assert len(server.asked) <= download.ATTEMPTS
    ensure_downloaded(official(server, "whole"))
    assert left(folder) == {"file.gz"}


def test_a_server_that_falls_silent_is_asked_for_the_rest(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    assert ensure_downloaded(official(server, "silent")).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_server_that_never_answers_is_said(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    assert "no answer within 0.3 seconds" in refused(official(server, "mute"))


def test_a_slow_server_is_waited_for_as_long_as_it_sends(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    assert ensure_downloaded(official(server, "dripping")).read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_a_gz_file_that_a_server_calls_encoded_stays_as_it_is(server: Any) -> None:
    assert ensure_downloaded(official(server, "encoded")).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("corrupt", "its MD5 sum is .* the official one"),
        ("gone", "404 Not Found"),
        ("page", "a web page"),
        ("page_in_disguise", "a web page"),
    ],
)
def test_what_is_not_the_file_is_said_with_address_and_place(
    server: Any, folder: Path, how: str, message: str
) -> None:
    said = refused(official(server, how))
    assert re.search(message, said)
    assert server.url(how) in said
    assert str(folder / "set" / "file.gz") in said
    assert not list(folder.iterdir())


def test_no_network_is_said_with_address_and_place(folder: Path) -> None:
    url = "http://127.0.0.1:1/file.gz"
    said = refused(OfficialFile(name="set/file.gz", urls=(url,), digest="0"))
    assert f"{url}: no connection" in said
    assert str(folder / "set" / "file.gz") in said


def test_the_next_address_is_tried_when_one_fails(server: Any) -> None:
    file = official(server, "gone", "corrupt", "page", "whole")
    assert ensure_downloaded(file).read_bytes() == CONTENT
    assert [how for how, _ in server.asked] == ["gone", "corrupt", "page", "whole"]


def test_offline_nothing_is_asked_for(
    server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTAFF_OFFLINE", "1")
    said = refused(official(server, "whole"))
    assert "DISTAFF_OFFLINE" in said
    assert str(folder / "set" / "file.gz") in said
    assert server.url("whole") in said
    assert server.asked == []
    assert list(folder.iterdir()) == []
    monkeypatch.setenv("DISTAFF_OFFLINE", "0")
    assert ensure_downloaded(official(server, "whole")).is_file()


def test_a_folder_that_is_filled_is_used_as_it_is(server: Any, folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "set" / "file.gz").write_bytes(CONTENT)
    (folder / "set").chmod(0o555)
    assert ensure_downloaded(official(server, "gone")).read_bytes() == CONTENT
    assert [path.name for path in (folder / "set").iterdir()] == ["file.gz"]
    (folder / "set").chmod(0o755)


def test_a_file_of_another_content_is_refused_and_left_alone(server: Any, folder: Path) -> None:
    (folder / "set").mkdir()
    path = folder / "set" / "file.gz"
    path.write_bytes(b"mine")
    said = refused(official(server, "whole"))
    assert "MD5" in said
    assert str(path) in said
    assert path.read_bytes() == b"mine"
    path.write_bytes(b"<html>")
    assert "it is a web page" in refused(official(server, "whole"))


def test_a_folder_that_cannot_be_written_to_is_said(server: Any, folder: Path) -> None:
    (folder / "set").write_text("a file")
    assert f"cannot write {folder / 'set' / 'file.gz'}" in refused(official(server, "whole"))


def test_a_full_disk_is_said(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(response: Any, part: Any, *_: Any) -> None:
        part.write_bytes(response.raw.read(1000))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(download, "_write", write)
        assert "No space left on device); free some space" in refused(official(server, "whole"))
    assert left(folder) == {"file.gz.part"}
    assert ensure_downloaded(official(server, "whole")).read_bytes() == CONTENT
    assert server.asked[-1] == ("whole", "bytes=1000-")


def fetched(file: OfficialFile, together: Any, answers: Any) -> None:
    together.wait()
    answers.put(ensure_downloaded(file).read_bytes() == CONTENT)


def test_two_processes_fetch_a_file_once(server: Any) -> None:
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    given = official(server, "held"), spawn.Barrier(2), answers
    both = [spawn.Process(target=fetched, args=given) for _ in range(2)]
    for process in both:
        process.start()
    while not server.asked:
        time.sleep(0.01)
    time.sleep(0.3)  # the second one asks too, unless it waits
    server.go_on.set()
    assert [answers.get(timeout=60) for _ in both] == [True, True]
    for process in both:
        process.join()
    assert server.asked == [("held", None)]


def test_the_data_folder_is_the_one_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTAFF_DATA", str(tmp_path / "here"))
    assert official_files.data_folder() == tmp_path / "here"
    monkeypatch.delenv("DISTAFF_DATA")
    assert official_files.data_folder().name == "distaff"
