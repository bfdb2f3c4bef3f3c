"""Damaged files of a person's own: a valid result or one sentence, and nothing else."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distaff.data import load
from distaff.data.reading.idx import read_idx
from distaff.data.reading.tables import read_table
from distaff.errors import DistaffError, RunWarning

EACH = 64
"""Damaged files of each of the 21 kinds, 1,344 in all."""
MOST_MEMORY = 64 * 2**20


def npy(array: Any) -> Any:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(**members: Any) -> Any:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(f"{name}.npy", member)
    return content.getvalue()


def idx(shape: Any) -> Any:
    head = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    return head + bytes(np.prod(shape))


def picture(kind: Any) -> Any:
    content = io.BytesIO()
    levels = np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)
    Image.fromarray(levels).save(content, kind)
    return content.getvalue()


def parquet(array: Any) -> Any:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    content = io.BytesIO()
    parquet.write_table(pa.table({"a": array[:, 0], "b": array[:, 1]}), content)
    return content.getvalue()


def csv(rows: Any) -> Any:
    return "\n".join(",".join(map(str, row)) for row in rows).encode()


IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
FACTORS = np.arange(12).reshape(6, 2) % 3
NAMES = [f"{place}.png" for place in range(6)]
ROWS = [[name, *row] for name, row in zip(NAMES, FACTORS, strict=True)]
CODES = np.random.default_rng(0).normal(size=(20, 2))
SETS = {"images": npy(IMAGES), "factors": npy(FACTORS), "factor_names": npy(np.array(["a", "b"]))}
PARTS = {n: npy(np.arange(3) + 3 * i) for i, n in enumerate(("train", "validation", "test"))}

# file name, sound content, what damages go through before they are in the file
KINDS = {
    "codes.npy": ("codes.npy", npy(CODES), bytes),
    "codes.npz": ("codes.npz", npz(x=npy(CODES)), bytes),
    "codes.npz, inside": ("codes.npz", npy(CODES), lambda inside: npz(x=inside)),
    "codes.csv": ("codes.csv", csv([["a", "b"], *CODES]), bytes),
    "codes.parquet": ("codes.parquet", parquet(CODES), bytes),
    "arrays": ("set.npz", npz(**SETS), bytes),
    "arrays, images": ("set.npz", npy(IMAGES / 255), lambda x: npz(**SETS | {"images": x})),
    "arrays, factors": ("set.npz", SETS["factors"], lambda x: npz(**SETS | {"factors": x})),
    "arrays, names": ("set.npz", SETS["factor_names"], lambda x: npz(**SETS | {"factor_names": x})),
    "parts": ("parts.npz", npz(**PARTS), bytes),
    "parts, inside": ("parts.npz", PARTS["test"], lambda x: npz(**PARTS | {"test": x})),
    "idx": ("x.gz", gzip.compress(idx((3, 4, 5)), mtime=0), bytes),
    "idx, inside": ("x.gz", idx((3, 4, 5)), gzip.compress),
    "factors.csv": ("factors.csv", csv([["file", "a", "b"], *ROWS]), bytes),
    **{kind: (f"0.{kind}", picture(kind), bytes) for kind in ("png", "jpeg", "gif", "bmp", "tiff")},
    **{kind: (f"0.{kind}", picture(kind), bytes) for kind in ("webp", "ppm")},
}
FILL = (b"\0", b"\xff", b"\x7f", b"9")
FOREIGN = [content for _, content, _ in KINDS.values()]


def damaged(content: Any, generator: np.random.Generator) -> Any:
    """The content with one to three damages of one of seven sorts."""
    content = bytearray(content)
    sort = generator.integers(8)
    if sort == 0:
        return bytes(content[: generator.integers(len(content))])
    if sort == 1:
        return generator.bytes(generator.integers(200))  # type: ignore[arg-type]
    if sort == 2:
        return FOREIGN[generator.integers(len(FOREIGN))]
    for _ in range(generator.integers(1, 4)):
        # formats keep what decides about memory near their beginning or their end
        near = min(len(content), 100)
        place = int(generator.integers(len(content) if sort < 5 else near))
        if sort == 7:
            place = len(content) - 1 - place
        if sort == 3:
            content[place:place] = generator.bytes(generator.integers(1, 20))  # type: ignore[arg-type]
        elif sort == 4:
            del content[place : place + generator.integers(1, 20)]
        elif generator.random() < 0.5:
            content[place] ^= 1 << generator.integers(8)
        else:
            width = 2 ** generator.integers(4)
            content[place : place + width] = width * FILL[generator.integers(len(FILL))]
    return bytes(content)


def outcome(path: Any) -> None:
    """What comes of a file; the reader follows from its name."""
    if path.stem == "codes":
        assert read_table(path).values.ndim == 2
    elif path.name == "x.gz":
        read_idx(path)
    elif path.name == "parts.npz":
        sprites = load("sprites", size=8, orientations=1, scales=1, positions_x=2, positions_y=2)
        sprites.split_by_file(path)
    else:
        if path.name == "set.npz":
            dataset = load("arrays", path=str(path))
        else:
            table = str(path) if path.name == "factors.csv" else ""
            dataset = load("folder", path=str(path.parent), size=8, factors=table)
        images = dataset.images_at(range(len(dataset)))
        assert 0 <= images.min() <= images.max() <= 1
        assert dataset.factors.shape == (len(dataset), len(dataset.factor_names))


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    for name in NAMES:
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_gives_a_result_or_one_sentence(
    folder: Path, kind: str, recwarn: pytest.WarningsRecorder, record_property: Any
) -> None:
    name, content, packed = KINDS[kind]
    generator = np.random.default_rng(list(kind.encode()))
    (folder / name).write_bytes(packed(content))  # type: ignore[no-untyped-call]
    outcome(folder / name)
    said = []
    tracemalloc.start()
    try:
        for _ in range(EACH):
            (folder / name).write_bytes(packed(damaged(content, generator)))  # type: ignore[no-untyped-call]
            try:
                outcome(folder / name)
            except DistaffError as error:
                said.append(str(error))
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    record_property("refused", f"{len(said)} of {EACH}")
    assert len(said) > EACH // 4
    assert all(len(line.splitlines()) == 1 and line.endswith(".") for line in said)
    # an error of our own would look like a damaged file
    assert not any("Type-check" in line for line in said)
    assert not [str(w.message) for w in recwarn if not issubclass(w.category, RunWarning)]
