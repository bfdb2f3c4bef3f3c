"""Downloads that arrive whole or not at all.

Written on requests and filelock: pooch, which does the rest as well, begins a broken download from
its first byte and knows neither mirrors nor a second process.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import filelock
import requests

from distaff.errors import DataError

TIMEOUT = 20.0
"""Seconds of silence after which a server is given up."""
ATTEMPTS = 5
"""Attempts for each address, resumed downloads included."""
CHUNK = 1 << 14

Verify = Callable[[Path], str | None]
Advance = Callable[[int, int | None], None]


class _NotHadError(Exception):
    """Why a file did not come from an address."""


def download(urls: Sequence[str], path: Path, *, verify: Verify, on_bytes: Advance) -> None:
    """Downloads a file from the first address that has it.

    It is written under another name and renamed when it is complete; a broken download is
    resumed. A second process waits for the first and finds the file.

    Args:
        urls: addresses of the same file.
        path: where it is to be.
        verify: returns what is wrong with a downloaded file, or None.
        on_bytes: called with the bytes there are and, where the server says it, the total.

    Raises:
        DataError: no address has the file, or it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_name(f".{path.name}.lock")):
            if not path.is_file():  # else another process brought it meanwhile
                _from_any(urls, part, path, verify, on_bytes)
                part.replace(path)
    except OSError as error:
        raise DataError(
            f"cannot write {path} ({error.strerror or error}); free some space, or set "
            f"DISTAFF_DATA to a folder that can be written to."
        ) from None


def _from_any(
    urls: Sequence[str], part: Path, path: Path, verify: Verify, on_bytes: Advance
) -> None:
    reasons = []
    for url in urls:
        try:
            return _from(url, part, verify, on_bytes)
        except _NotHadError as error:
            reasons.append(f"{url}: {error}")
    raise DataError(
        f"cannot download {path.name} ({'; '.join(reasons)}); try again later, or put the official "
        f"file at {path}."
    )


def _from(url: str, part: Path, verify: Verify, on_bytes: Advance) -> None:
    """Downloads from one address, going on where a broken download stopped."""
    reason = ""
    for _ in range(ATTEMPTS):
        had = _size(part)
        try:
            _receive(url, part, on_bytes)
        except _NotHadError as error:
            reason = str(error)
            if _size(part) <= had:  # retrying would not help
                break
            continue
        reason = verify(part) or ""
        if not reason:
            return
        part.unlink()
        if not had:  # else what was there before may have been of another file
            break
    raise _NotHadError(reason)


def _receive(url: str, part: Path, on_bytes: Advance) -> None:
    """Appends to `part` what it lacks, or writes it again where the server sends all."""
    start = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                return  # it is complete already
            response.raise_for_status()
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise _NotHadError("a web page came instead of the file")
            appending = response.status_code == requests.codes.partial_content
            _write(response, part, start if appending else 0, on_bytes)
    except requests.HTTPError as error:
        raise _NotHadError(f"{error.response.status_code} {error.response.reason}") from None
    except requests.Timeout:
        raise _NotHadError(f"no answer within {TIMEOUT:g} seconds") from None
    except requests.RequestException:
        raise _NotHadError("no connection") from None


def _write(response: requests.Response, part: Path, start: int, on_bytes: Advance) -> None:
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    # some servers call a .gz file gzip-encoded; it is to stay as it is
    response.raw.headers.discard("Content-Encoding")
    with part.open("ab" if start else "wb") as file:
        try:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                on_bytes(file.tell(), total)
        except requests.RequestException:
            raise _NotHadError(f"the connection broke after {file.tell():,} bytes") from None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
