"""What every way of delivery shares: it runs in the foreground, or in a daemon thread of its own."""

import threading
from typing import Self


class Service:
    """Something that runs until it is told to stop."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_running = False

    def serve(self) -> None:
        """Do the work until `_stopping` is set."""
        raise NotImplementedError

    def wake(self) -> None:
        """Make `serve` notice that it shall stop where it waits for something else than `_stopping`."""

    def close(self) -> None:
        """Give back what is open; may be called again."""

    def run(self) -> None:
        """Serve in this thread, until `stop` is called from another one or from a signal handler."""
        self._is_running = True
        try:
            self.serve()
        finally:
            self.close()

    def start(self) -> Self:
        self._thread = threading.Thread(target=self.run, name=type(self).__name__, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, and wait for the end where it runs in a thread of its own."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join()
        elif not self._is_running:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
