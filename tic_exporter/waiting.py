"""What the serial thread waits for: descriptors, of which those in the middle of a frame rest for a while."""

import heapq
import select
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

MARGIN = 0.06
"""Seconds before the end of a frame is due from which on every piece of it is taken as it comes."""
LONGEST_REST = 0.5
"""Also by how much the end of a frame may be noticed late, once, where a meter shortens its frames."""
SHORTEST_REST = 0.03
DRIFT = 0.01


class Pace:
    """When the next frame of a line may end, as far as those before tell.

    A USB adaptor delivers a Linky's frame in 60 pieces, and each costs a wake-up of the processor, though only the last
    one tells anything. So, once frames come regularly, a line rests between them; what it says is kept by the system.
    """

    def __init__(self) -> None:
        self._ended_at: float | None = None
        self._shortest = 0.0
        self._has_rested = False

    def frame_ended(self, now: float) -> None:
        """Take note; told after each piece that ended a frame, before the next rest is asked for."""
        if self._has_rested:  # it ended earlier than expected, nobody knows when
            self._ended_at, self._shortest, self._has_rested = None, 0.0, False
            return
        if self._ended_at is not None:
            period = now - self._ended_at
            # The shortest of the last ones: pieces of a line that comes in pieces end early or late.
            self._shortest = min(period, self._shortest + DRIFT) if self._shortest else period
        self._ended_at = now

    def rest(self, now: float) -> float:
        """Seconds for which nothing of interest will come; 0 where that is not sure."""
        if self._ended_at is None:
            return 0.0
        rest = min(self._ended_at + self._shortest - MARGIN - now, LONGEST_REST)
        self._has_rested = rest >= SHORTEST_REST
        return rest if self._has_rested else 0.0


class Descriptor(Protocol):
    def fileno(self) -> int: ...


class _Watched(Generic[T]):
    __slots__ = ("number", "owner")

    def __init__(self, number: int, owner: T) -> None:
        self.number = number
        self.owner = owner


class Waiting(Generic[T]):
    """Any number of descriptors, each with an owner, waited for together."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, _Watched[T]] = {}
        self._resting: list[tuple[float, int, _Watched[T]]] = []

    def add(self, descriptor: Descriptor, owner: T, *, until_writable: bool = False) -> None:
        number = descriptor.fileno()
        self._epoll.register(number, select.EPOLLOUT if until_writable else select.EPOLLIN)
        self._watched[number] = _Watched(number, owner)

    def remove(self, descriptor: Descriptor) -> None:
        """Raises KeyError, ValueError or OSError where it was not added or is closed already."""
        number = descriptor.fileno()
        del self._watched[number]
        self._epoll.unregister(number)

    def rest(self, descriptor: Descriptor, until: float) -> None:
        """Take no notice of what comes, the end of the line apart, until that time."""
        watched = self._watched[descriptor.fileno()]
        self._epoll.modify(watched.number, 0)
        heapq.heappush(self._resting, (until, watched.number, watched))

    def wait(self, seconds: float, now: float) -> list[T]:
        """Give the owners of what is ready, after so many seconds at the latest."""
        while self._resting and self._resting[0][0] <= now:
            _, number, watched = heapq.heappop(self._resting)
            if self._watched.get(number) is watched:  # not removed in the meantime
                self._epoll.modify(number, select.EPOLLIN)
        if self._resting:
            seconds = min(seconds, self._resting[0][0] - now)
        return [self._watched[number].owner for number, _ in self._epoll.poll(max(0.0, seconds))]

    def close(self) -> None:
        self._epoll.close()
