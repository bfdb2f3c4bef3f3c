"""The folder of one trained seed: what is in it, and how it is found, loaded and written."""

from distaff.runs.opened import OpenRun
from distaff.runs.run import Run, create, find_runs, load, run_folder

__all__ = ["OpenRun", "Run", "create", "find_runs", "load", "run_folder"]
