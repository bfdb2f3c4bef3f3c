"""Memory of a training on dSprites as a new process.

Run with `python benchmarks/memory.py`; some seconds. The first 50 steps of the recipe
`dsprites-beta-vae`, trained through the library, with its first look at held-out images; the peak
is what the kernel counts for that process.
"""

import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

STEPS = 50
LIMIT = 700


def peak() -> float:
    """Returns the most memory this process has held, in MiB."""
    # Linux counts in KiB, macOS in bytes
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure() -> None:
    """Prints the peak after each part of the work, the one before it included."""
    from distaff.data import load
    from distaff.recipes import DSPRITES_BETA_VAE
    from distaff.train import train

    print(f"{'libraries imported':28} {peak():6.0f} MiB")
    load("dsprites").split("train")
    print(f"{'images loaded':28} {peak():6.0f} MiB")
    training = replace(DSPRITES_BETA_VAE.training, steps=STEPS, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        train(replace(DSPRITES_BETA_VAE, training=training), Path(folder))
    print(f"{f'{STEPS} steps trained':28} {peak():6.0f} MiB, of {LIMIT} that it may take")


def main() -> None:
    """Measures in a process that does nothing else."""
    if len(sys.argv) > 1:
        measure()
        return
    # a process begins with the peak of the one that starts it, which is small here
    subprocess.run([sys.executable, __file__, "measure"], check=True)


if __name__ == "__main__":
    main()
