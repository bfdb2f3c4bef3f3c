"""Ctrl-C and SIGTERM, deferred to the end of the step."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class InterruptGuard:
    """Defers SIGINT and SIGTERM to the end of the step, so that the state can be saved."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, abortable: Callable[[], bool] = lambda: False) -> None:
        """Guards a block.

        Args:
            abortable: whether a second signal may raise KeyboardInterrupt at once, for example
                since nothing is changed at the moment.
        """
        self.requested = False
        self._abortable = abortable

    def __enter__(self) -> "InterruptGuard":
        # only the main thread may set handlers; in another thread the caller handles interrupts
        main = threading.current_thread() is threading.main_thread()
        numbers = self.SIGNALS if main else ()
        self._before: dict[int, Any] = {}
        self._before = {number: signal.signal(number, self._request) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        again, self.requested = self.requested, True
        before = self._before[number]
        if hasattr(before, "ended"):  # the command line's, which has nothing to end after this
            before.ended = True
        if again and self._abortable():
            raise KeyboardInterrupt
