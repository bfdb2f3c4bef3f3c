"""The folder of one trained seed: what is in it, and how it is found, loaded and written."""

from distaff.runs.folders import create, find_runs, load, run_folder, study_runs
from distaff.runs.opened import OpenRun
from distaff.runs.run import Run

__all__ = ["OpenRun", "Run", "create", "find_runs", "load", "run_folder", "study_runs"]
