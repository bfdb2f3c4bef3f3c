"""One thread for the linear algebra of small tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Keeps the linear algebra to one thread meanwhile.

    Products of 10,000 rows with ten latents are too small to share: threads that wait for each
    other take ten times as long on two cores. And so a score is the same on any number of cores.
    """
    with _libraries().limit(limits=1):
        yield


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
