"""What a run was trained with: versions, device, seconds."""

import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import NotRequired, TypedDict

import torch

from distaff.training.trainer import Trainer


class Environment(TypedDict):
    """The content of environment.json."""

    distaff: str
    commit: str | None
    python: str
    torch: str
    platform: str
    device: str
    threads: int
    parameters: int
    derived_settings: dict[str, float]
    steps: int
    best_step: int
    seconds: float
    model: NotRequired[str]
    """Eight digits of the parameters' file, as in `Run.stamp`; older runs have none."""


def environment_of(trainer: Trainer, seconds: float, model: bytes) -> Environment:
    """Returns versions, device and duration of a training, and the stamp of its parameters."""
    cuda = trainer.device.type == "cuda"
    return {
        "distaff": version("distaff"),
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(trainer.device) if cuda else trainer.device.type,
        "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "derived_settings": trainer.model.derived_settings(),
        "steps": trainer.current_step,
        "best_step": trainer.best.step,
        "seconds": round(seconds, 2),
        "model": hashlib.sha256(model).hexdigest()[:8],
    }


def _commit() -> str | None:
    """The commit of distaff's own checkout; None for an installed package."""
    source = Path(__file__).parents[1]
    if not (source.parents[1] / ".git").exists():
        return None
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None
