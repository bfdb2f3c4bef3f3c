"""The machine a model runs on: which device, and how its memory is handled."""

import ctypes
import sys

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
    if not available.get(kind) or (number and not number.isdigit()):
        here = ", ".join(kind for kind, there in available.items() if there)
        raise UsageError(f"no device {name!r} here; choose auto or one of {here}.")
    return torch.device(name)


def keep_freed_memory() -> None:
    """Tells the C library to keep freed buffers for the next step instead of handing them back.

    By default glibc maps and unmaps every activation of more than 128 KiB, and the kernel clears
    each anew. Elsewhere than under glibc nothing happens.
    """
    if sys.platform != "linux":
        return
    c_library = ctypes.CDLL(None)
    if hasattr(c_library, "gnu_get_libc_version"):
        m_trim_threshold, m_mmap_threshold = -1, -3
        c_library.mallopt(m_mmap_threshold, 32 << 20)  # the largest that glibc takes
        c_library.mallopt(m_trim_threshold, 1 << 30)
