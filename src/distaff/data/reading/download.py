"""Downloads that arrive whole or not at all.

Written on requests and filelock: pooch, which does the rest as well, begins a broken download from
its first byte and knows neither mirrors nor a second process.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import filelock
import requests
import urllib3

from distaff.errors import DataError

TIMEOUT = 20.0
"""Seconds of silence after which a server is given up."""
ATTEMPTS = 5
"""Attempts for each address, resumed downloads included."""
CHUNK = 1 << 14
LONGEST_ADDRESS = 200
SLOWEST = 1 << 10
"""Bytes a second, on average after `TIMEOUT`, below which a server is given up."""
LARGEST = 1 << 34
"""Bytes of a file whose size was not published."""
NO_LINKS = getattr(os, "O_NOFOLLOW", 0)

Verify = Callable[[Path], str | None]
Advance = Callable[[int, int | None], None]


class _NotHadError(Exception):
    """Why a file did not come from an address."""


class _GivenUpError(_NotHadError):
    """Why another attempt at this address would not help."""


def download(
    urls: Sequence[str],
    path: Path,
    *,
    verify: Verify,
    on_bytes: Advance,
    size: int | None = None,
) -> None:
    """Downloads a file from the first address that has it.

    It is written under another name and renamed when it is complete; a broken download is
    resumed. A second process waits for the first and finds the file.

    Args:
        urls: addresses of the same file.
        path: where it is to be.
        verify: returns what is wrong with a downloaded file, or None.
        on_bytes: called with the bytes there are and, where the server says it, the total.
        size: of the file in bytes; no more are written. None where it is not published.

    Raises:
        DataError: no address has the file, or it cannot be written. What came of it stays for the
            next attempt, and nothing else does.
    """
    part, lock = path.with_name(f"{path.name}.part"), path.with_name(f".{path.name}.lock")
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(lock):
            if not path.is_file():  # else another process brought it meanwhile
                if part.is_symlink():
                    part.unlink()
                _from_any(urls, part, path, verify, on_bytes, size or LARGEST)
                part.replace(path)
    except BaseException as error:
        _clean_up(part, lock, made)
        if not isinstance(error, OSError):
            raise
        raise DataError(
            f"cannot write {path} ({error.strerror or error}); free some space, or set "
            f"DISTAFF_DATA to a folder that can be written to."
        ) from None


def _clean_up(part: Path, lock: Path, made: Sequence[Path]) -> None:
    """Leaves nothing of a download that failed but the bytes that came."""
    with suppress(OSError):
        lock.unlink()
    with suppress(OSError):
        if not _size(part):
            part.unlink()
    with suppress(OSError):
        for folder in made:
            folder.rmdir()


def _from_any(
    urls: Sequence[str], part: Path, path: Path, verify: Verify, on_bytes: Advance, size: int
) -> None:
    reasons = []
    for url in urls:
        try:
            return _from(url, part, verify, on_bytes, size)
        except _NotHadError as error:
            reasons.append(f"{url[:LONGEST_ADDRESS]}: {error}")
    raise DataError(
        f"cannot download {path.name} ({'; '.join(reasons)}); try again later, or put the official "
        f"file at {path}."
    )


def _from(url: str, part: Path, verify: Verify, on_bytes: Advance, size: int) -> None:
    """Downloads from one address, going on where a broken download stopped."""
    reason = ""
    for _ in range(ATTEMPTS):
        had = _size(part)
        try:
            _receive(url, part, on_bytes, size)
        except _NotHadError as error:
            reason = str(error)
            if _size(part) <= had or isinstance(error, _GivenUpError):  # retrying would not help
                break
            continue
        reason = verify(part) or ""
        if not reason:
            return
        part.unlink()
        if not had:  # else what was there before may have been of another file
            break
    raise _NotHadError(reason)


def _receive(url: str, part: Path, on_bytes: Advance, size: int) -> None:
    """Appends to `part` what it lacks, or writes it again where the server sends all."""
    start = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with _opened(url, headers) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # it is complete already
            response.raise_for_status()
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise _NotHadError("a web page came instead of the file")
            appending = response.status_code == requests.codes.partial_content
            _write(response, part, start if appending else 0, on_bytes, size)
    except requests.HTTPError as error:
        raise _NotHadError(f"{error.response.status_code} {error.response.reason}") from None
    except requests.exceptions.SSLError:
        raise _GivenUpError(
            "its certificate is not trusted; where your network has one of its own, name its file "
            "in the environment variable REQUESTS_CA_BUNDLE"
        ) from None
    except requests.Timeout:
        raise _NotHadError(f"no answer within {TIMEOUT:g} seconds") from None
    except requests.RequestException:
        raise _NotHadError("no connection") from None


def _opened(url: str, headers: dict[str, str]) -> requests.Response:
    """Returns the answer of a server, once its headers are there.

    A server that sends its headers byte by byte is never silent, so another thread waits for it.
    """
    answers: queue.Queue[requests.Response | BaseException] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(requests.get(url, headers=headers, stream=True, timeout=TIMEOUT))
        except BaseException as error:  # raised by who waits
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=TIMEOUT)
    except queue.Empty:
        raise requests.Timeout from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _write(
    response: requests.Response, part: Path, start: int, on_bytes: Advance, size: int
) -> None:
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    # some servers call a .gz file gzip-encoded; it is to stay as it is
    response.raw.headers.discard("Content-Encoding")
    flags = os.O_WRONLY | os.O_CREAT | NO_LINKS | (os.O_APPEND if start else os.O_TRUNC)
    begin, there = time.monotonic(), start
    with os.fdopen(os.open(part, flags, 0o666), "ab" if start else "wb") as file:
        try:
            # what has come, not a whole chunk, for which a slow server would take hours
            while chunk := response.raw.read1(CHUNK):
                there += len(chunk)
                if there > size:
                    file.truncate(0)
                    raise _GivenUpError(f"more than the {size:,} bytes of the file came")
                file.write(chunk)
                on_bytes(there, total)
                seconds = time.monotonic() - begin
                if seconds > TIMEOUT and (there - start) / seconds < SLOWEST:
                    raise _GivenUpError(f"{there - start:,} bytes in {seconds:.0f} seconds")
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            raise _NotHadError(f"the connection broke after {there:,} bytes") from None
    if total is not None and there < total:
        raise _NotHadError(f"the connection broke after {there:,} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
