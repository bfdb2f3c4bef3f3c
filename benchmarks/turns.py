"""Contestants in processes of their own that take turns, so that a noisy machine is fair to all.

A script names itself with its contestant's name; there the contestant answers each line of its
standard input with the seconds that one turn took.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

THREADS = 2
DISTURBED = 0.05
"""Share of the CPU that others may take in a turn before its round is dropped."""
FEWEST = 3
"""Rounds without disturbance below which all rounds count."""


class Contestant:
    """A process that waits until it is its turn."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": str(THREADS)},
            text=True,
        )

    def dismiss(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()

    def turn(self) -> tuple[float, bool]:
        """Returns the seconds of a turn, and whether other processes took part of the CPU."""
        assert self._process.stdin
        assert self._process.stdout
        before = _busy_seconds()
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"the contestant {self._process.args} ended")  # type: ignore[str-bytes-safe]
        seconds, own = json.loads(answer)
        others = _busy_seconds() - before - own
        return seconds, others > DISTURBED * seconds * THREADS


def serve(turn: Callable[[], object]) -> None:
    """Takes a turn for each line of the standard input, after one to warm up."""
    turn()
    for _ in sys.stdin:
        own, begin = time.process_time(), time.perf_counter()
        turn()
        took = time.perf_counter() - begin
        print(json.dumps([took, time.process_time() - own]), flush=True)


def take_turns(
    commands: Sequence[Sequence[str]], *, rounds: int, starts: int = 1
) -> list[list[float]]:
    """Returns the seconds of each contestant in each round that nothing disturbed.

    Args:
        commands: arguments of Python for each contestant.
        rounds: as many undisturbed rounds as are wanted; at most three times as many are played.
        starts: how often all processes are begun anew, with so many rounds each time: how memory
            comes to lie in a process can change its speed for good.
    """
    played = [each for _ in range(starts) for each in _rounds(commands, rounds)]
    clean = [seconds for seconds, disturbed in played if not disturbed]
    kept = clean if len(clean) >= FEWEST else [seconds for seconds, _ in played]
    print(f"{len(played)} rounds, {len(clean)} of them without others on the CPU", end="; ")
    print(f"{len(kept)} count")
    return [list(column) for column in zip(*kept, strict=True)]


def _rounds(commands: Sequence[Sequence[str]], rounds: int) -> list[tuple[list[float], bool]]:
    contestants = [Contestant(*command) for command in commands]
    played: list[tuple[list[float], bool]] = []
    try:
        for contestant in contestants:
            contestant.turn()
        while len(played) < 3 * rounds and sum(not bad for _, bad in played) < rounds:
            played.append(_round(contestants, first=len(played) % len(contestants)))
    finally:
        for contestant in contestants:
            contestant.dismiss()
    return played


def _round(contestants: Sequence[Contestant], *, first: int) -> tuple[list[float], bool]:
    order = [(first + i) % len(contestants) for i in range(len(contestants))]
    turns = {place: contestants[place].turn() for place in order}
    return [turns[i][0] for i in range(len(turns))], any(bad for _, bad in turns.values())


def _busy_seconds() -> float:
    """CPU seconds that anything on this machine took; 0 where the kernel does not say."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0
    user, nice, system, _idle, _wait, *more = map(int, path.read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(more)) / os.sysconf("SC_CLK_TCK")


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Returns the median and the interquartile range as text."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{form} ({form} to {form})".format(middle, low, high)
