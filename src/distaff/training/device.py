"""The device a model runs on, and how its memory is handled."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from distaff.errors import UsageError


def choose_device(name: str) -> torch.device:
    """Returns the device of that name; `auto` takes CUDA, then MPS, then the CPU.

    Raises:
        UsageError: there is no such device here.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    kind, _, number = name.partition(":")
    if not available.get(kind) or (number and not (number.isdecimal() and len(number) < 4)):
        here = ", ".join(kind for kind, there in available.items() if there)
        raise UsageError(f"no device {name!r} here; choose auto or one of {here}.")
    return torch.device(name)


@contextmanager
def allow_tf32(rounded: bool) -> Iterator[None]:
    """Allows or forbids TF32 inside the block.

    TF32 has the range of float32 and 10 bits of mantissa, and is several times as fast. Elsewhere
    than on CUDA nothing changes. PyTorch rounds convolutions unless it is told not to.
    """
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = rounded
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


def tune_malloc() -> None:
    """Makes the C library of this process keep freed buffers for the next step.

    By default glibc maps and unmaps every activation of more than 128 KiB, and the kernel clears
    each again. Elsewhere than under glibc nothing happens.
    """
    if sys.platform != "linux":
        return
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "gnu_get_libc_version"):
        m_trim_threshold, m_mmap_threshold = -1, -3
        c_library.mallopt(m_mmap_threshold, 32 << 20)  # the largest that glibc takes
        c_library.mallopt(m_trim_threshold, 1 << 30)
