import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from distaff.data import Mnist, load
from distaff.data.reading.idx import FILES
from distaff.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DISTAFF_DATA", str(tmp_path))
    return tmp_path


def test_mnist_is_the_official_one(real_data: Callable[[str], Path]) -> None:
    real_data("mnist/train-images-idx3-ubyte.gz")
    mnist = load("mnist")
    assert len(mnist) == 70_000
    assert {name: len(rows) for name, rows in mnist.splits.items()} == {
        "train": 50_000,
        "validation": 10_000,
        "test": 10_000,
    }
    # the first five digits of the training and of the test images, as everybody knows them
    assert mnist.factors[:5, 0].tolist() == [5, 0, 4, 1, 9]
    assert mnist.factors[60_000:60_005, 0].tolist() == [7, 2, 1, 0, 4]
    train = mnist.images_at(range(60_000))
    assert train.mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert train.std().item() == pytest.approx(0.3081, abs=5e-5)


def test_a_missing_file_is_named_with_the_path_looked_at(folder: Path) -> None:
    with pytest.raises(DataError, match=f"there is no {folder / 'mnist' / FILES[0]}"):
        load("mnist")


def test_mnist_arrives_by_download(
    folder: Path, real_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    source = real_data(f"mnist/{FILES[0]}").parent
    monkeypatch.setenv("DISTAFF_DATA", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(SimpleHTTPRequestHandler, directory=str(source))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        monkeypatch.setattr(
            Mnist, "official", [replace(f, urls=(address + f.path.name,)) for f in Mnist.official]
        )
        assert load("mnist").factors[:5, 0].tolist() == [5, 0, 4, 1, 9]
        server.shutdown()
    for name in FILES:
        assert (folder / "mnist" / name).read_bytes() == (source / name).read_bytes()


def test_a_file_with_another_sum_is_refused(
    folder: Path, real_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    source = real_data("mnist/train-images-idx3-ubyte.gz").parent
    shutil.copytree(source, folder / "mnist")
    (folder / "mnist" / FILES[1]).chmod(0o644)
    (folder / "mnist" / FILES[1]).write_bytes(b"not the labels")
    monkeypatch.setenv("DISTAFF_DATA", str(folder))
    with pytest.raises(DataError, match="MD5"):
        load("mnist")


def test_fashion_mnist_is_read_when_it_is_there(real_data: Callable[[str], Path]) -> None:
    real_data_file = "fashion_mnist/train-images-idx3-ubyte.gz"
    try:
        real_data(real_data_file)
    except pytest.fail.Exception:
        pytest.skip(f"needs the real {real_data_file}, which no test machine has")
    assert len(load("fashion-mnist")) == 70_000


def test_images_stay_bytes_in_memory(real_data: Callable[[str], Path]) -> None:
    real_data("mnist/train-images-idx3-ubyte.gz")
    assert load("mnist").source.pixels.dtype == torch.uint8  # type: ignore[attr-defined]
