"""Ctrl-C and SIGTERM as a wish that is granted when it suits."""

import signal
import threading
from types import FrameType


class Stop:
    """Catches Ctrl-C and SIGTERM, so that the step under way ends and the state is saved."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "Stop":
        # Python lets only the main thread set handlers; in another one a stop is its caller's
        main = threading.current_thread() is threading.main_thread()
        numbers = self.SIGNALS if main else ()
        self._before = {number: signal.signal(number, self._ask) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.asked = True
