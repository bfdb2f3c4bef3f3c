"""A person's own pictures in a folder."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch

from distaff.data.base import Dataset
from distaff.data.factor_dataset import FactorDataset
from distaff.data.pictures import LOG, Pixels, Resize, read_picture, strict_pillow, tell_pictures
from distaff.data.reading.factor_table import factor_table, read_factors
from distaff.data.reading.untrusted import absolute, check_memory
from distaff.data.sources import StoredImages
from distaff.data.splits import PARTS, Shares
from distaff.errors import DataError, UsageError
from distaff.factors import Factor, factor_of
from distaff.text import printable

PORTABLE = (".pbm", ".pgm", ".ppm", ".pnm")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", *PORTABLE)
SMALLEST, LARGEST = 8, 1024
CHANNELS = ("grey", "rgb")


class ImageFolder(Dataset):
    """Your own pictures from a folder, as PNG, JPEG, BMP, GIF, WebP, TIFF, PGM or PPM.

    Every picture of the folder and the folders in it, in the order of their paths; names that begin
    with a dot are skipped. Pictures are turned as their camera says, the transparent is black,
    16 bits are cut to 8, and of several frames the first is taken. All are decoded when the set is
    loaded, and held as bytes.

    Factors come from a CSV file, from the names of the folders, or from nowhere. Folders `train`,
    `test` and, if there is one, `validation` at the top are the splits, or a column `split` with
    these words; otherwise they are drawn at random from a seed.

    Reference: Clark et al., Pillow, `ImageOps.fit` and `Image.resize`, bicubic.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Shares):
        """Settings of one's own pictures."""

        path: str = ""
        """The folder; kept as a path from the root, so that a run finds it from any folder."""
        size: int | tuple[int, int] = 64
        """Height and width in pixels, one number for both."""
        resize: Resize = "crop"
        """What happens to pictures of another size: the middle is cut out in the shape of `size`
        and resized; they are resized whatever their shape; or they are refused."""
        channels: Literal["grey", "rgb"] = "rgb"
        """One channel or three."""
        factors: str = ""
        """CSV file of factors, numbers or words; its first line names the columns, its first column
        holds the path of each picture from the folder on."""
        folder_factor: str = ""
        """Name of the factor that is the folder in which a picture lies, for example person."""

        def __post_init__(self) -> None:
            """Refuses settings that no picture can have; makes paths absolute."""
            super().__post_init__()
            if not all(SMALLEST <= side <= LARGEST for side in self.sides) or len(self.sides) != 2:
                raise ValueError(
                    f"size is {self.size}; give one number, or height and width, from {SMALLEST} "
                    f"to {LARGEST}"
                )
            for name, known in (("resize", get_args(Resize)), ("channels", CHANNELS)):
                if getattr(self, name) not in known:
                    raise ValueError(
                        f"{name} is {getattr(self, name)!r}; choose of {', '.join(known)}"
                    )
            for name in ("path", "factors"):
                object.__setattr__(self, name, absolute(getattr(self, name)))

        @property
        def sides(self) -> tuple[int, ...]:
            """Height and width."""
            return (self.size, self.size) if isinstance(self.size, int) else tuple(self.size)

        @property
        def image_shape(self) -> tuple[int, int, int]:
            """Channels, height and width."""
            return (1 if self.channels == "grey" else 3, *self.sides)  # type: ignore[return-value]

    config: Config

    @property
    def resize(self) -> Resize:
        """What happens to pictures of another size."""
        return self.config.resize

    def load(self) -> FactorDataset:
        """Decodes all pictures."""
        folder = Path(self.config.path)
        if not self.config.path:
            raise UsageError("folder needs one; give its path, --data.path on the command line.")
        if not folder.is_dir():
            raise DataError(
                f"no folder {folder}; give one of pictures with --data.path, or put it back there."
            )
        files, others = _pictures_in(folder)
        if not files:
            raise DataError(
                f"no picture in {folder} or below; put files there that end in {', '.join(ENDINGS)}"
                f", or give another folder."
            )
        if others:
            endings = ", ".join(f"{count:,} {ending}" for ending, count in sorted(others.items()))
            LOG.info("%s", printable(f"{folder}: other files are passed over: {endings}"))
        parts = _parts(files)
        columns = self._columns(folder, files, below=1 if parts else 0)
        if "split" in columns and not parts:
            parts = _split_of(columns["split"])
            if parts:
                del columns["split"]
        splits = self.config.splits_of_parts(parts) if parts else self.config.splits(len(files))
        return FactorDataset(
            source=self._images(folder, files),
            image_shape=self.config.image_shape,
            splits=splits,
            **factor_table(columns, len(files))._asdict(),
        )

    def _columns(self, folder: Path, files: Sequence[str], below: int) -> dict[str, Factor]:
        columns = {}
        if self.config.folder_factor:
            folders = [_folder_of(file, folder, below) for file in files]
            columns[self.config.folder_factor] = factor_of(folders)
        if self.config.factors:
            read = read_factors(Path(self.config.factors), files)
            if columns.keys() & read.keys():
                raise UsageError(
                    f"folder_factor is {self.config.folder_factor!r}, and {self.config.factors} "
                    f"has a column of that name; choose another."
                )
            columns |= read
        return columns

    def _images(self, folder: Path, files: Sequence[str]) -> StoredImages:
        shape = (len(files), *self.config.image_shape)
        what = f"a set of {len(files):,} pictures of {' x '.join(map(str, shape[1:]))} values"
        remedy = "take a smaller size, channels grey, or fewer pictures"
        check_memory(int(np.prod(shape, dtype=object)), what, remedy)
        pixels = np.empty(shape, np.uint8)
        paths = [folder / file for file in files]
        all_files = hashlib.sha256()
        # Pillow decodes without holding Python's lock
        with strict_pillow(), ThreadPoolExecutor(os.cpu_count()) as pool:
            for place, (picture, digest) in enumerate(pool.map(self._decode, paths)):
                pixels[place] = picture
                all_files.update(digest)
        tell_pictures(pixels, str(folder))
        return StoredImages(torch.from_numpy(pixels), all_files.hexdigest())

    def _decode(self, path: Path) -> tuple[Pixels, bytes]:
        """Returns a picture, and the digest of its file."""
        picture = read_picture(path, self.config.image_shape, self.config.resize)
        with path.open("rb") as file:
            return picture, hashlib.file_digest(file, "sha256").digest()


def _pictures_in(folder: Path) -> tuple[list[str], Counter[str]]:
    """Returns the paths of the pictures from the folder on, in their order, and other endings.

    Folders that are links are followed, but not back into a folder that they lie in.
    """
    pictures: list[str] = []
    others: Counter[str] = Counter()
    for path, folders, names in os.walk(folder, followlinks=True):
        here = Path(path)
        above = {os.path.realpath(parent) for parent in (here, *here.parents)}
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(here / name) not in above
        ]
        for name in names:
            if name.startswith(".") or not (here / name).is_file():
                continue
            ending = Path(name).suffix.lower()
            if ending in ENDINGS:
                pictures.append((here / name).relative_to(folder).as_posix())
            else:
                others[ending or "without ending"] += 1
    return sorted(pictures), others


def _folder_of(file: str, folder: Path, below: int) -> str:
    """Returns the folder in which a picture lies, `below` folders from the top."""
    parts = file.split("/")
    if len(parts) < below + 2:
        raise DataError(
            f"{file} lies in {folder} itself, and the factor is the folder below it; put it in one."
        )
    return parts[below]


def _parts(files: Sequence[str]) -> list[str]:
    """Returns the split of each picture where the folders at the top are splits; else nothing."""
    tops = [file.split("/")[0].lower() if "/" in file else "" for file in files]
    known = {PARTS.get(top) for top in tops}
    return [PARTS[top] for top in tops] if {"train", "test"} <= known and None not in known else []


def _split_of(factor: Factor) -> list[str]:
    """Returns the split of each picture from a column of such words; nothing from another one."""
    words = [PARTS.get(name.lower()) for name in factor.names]
    if None in words or not {"train", "test"} <= set(words):
        return []
    return [str(words[place]) for place in factor.index]
