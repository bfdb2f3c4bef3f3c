"""A person's own pictures in a folder."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch

from distaff.data.base import Dataset
from distaff.data.factor_dataset import FactorDataset
from distaff.data.pictures import Pixels, Resize, read_picture, strict_pillow
from distaff.data.reading.factor_table import factor_table, read_factors
from distaff.data.reading.untrusted import absolute, check_memory
from distaff.data.sources import StoredImages
from distaff.data.splits import Shares
from distaff.errors import DataError, UsageError
from distaff.factors import Factor, factor_of

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

    Factors come from a CSV file, from the names of the folders, or from nowhere. The splits are
    drawn at random from a seed.

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
        files = _pictures_in(folder)
        if not files:
            raise DataError(
                f"no picture in {folder} or below; put files there that end in {', '.join(ENDINGS)}"
                f", or give another folder."
            )
        splits = self.config.splits(len(files))
        columns = self._columns(folder, files)
        return FactorDataset(
            source=self._images(folder, files),
            image_shape=self.config.image_shape,
            splits=splits,
            **factor_table(columns, len(files))._asdict(),
        )

    def _columns(self, folder: Path, files: Sequence[str]) -> dict[str, Factor]:
        columns = {}
        if self.config.folder_factor:
            folders = [_folder_of(file, folder) for file in files]
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
        return StoredImages(torch.from_numpy(pixels), all_files.hexdigest())

    def _decode(self, path: Path) -> tuple[Pixels, bytes]:
        """Returns a picture, and the digest of its file."""
        picture = read_picture(path, self.config.image_shape, self.config.resize)
        with path.open("rb") as file:
            return picture, hashlib.file_digest(file, "sha256").digest()


def _pictures_in(folder: Path) -> list[str]:
    """Returns the paths of the pictures from the folder on, in their order."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    relative = (path.relative_to(folder) for path in files if path.is_file())
    return sorted(
        path.as_posix() for path in relative if not any(name.startswith(".") for name in path.parts)
    )


def _folder_of(file: str, folder: Path) -> str:
    first, slash, _ = file.partition("/")
    if not slash:
        raise DataError(
            f"{file} lies in {folder} itself, and the factor is the folder below it; put it in one."
        )
    return first
