"""A meter that speaks: frames one after the other, each of the instant at which it begins, but those of ICE."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from ..tic.groups import Group, encode_group
from .calendars import next_color, tempo_day
from .events import Events
from .frames import KINDS, Builder, Kind
from .model import Site
from .state import State

BITS_PER_CHARACTER = 10
"""At 7E1: start, seven bits, parity, stop. At 8N1 likewise."""

_SHORTEST_GAP, _LONGEST_GAP = 0.020, 0.033
"""Seconds between ETX and STX: 16.7 to 33.4 ms (NOI-CPT_02E 1.5)."""

_SILENCE = 1.0
_BRIEFS = 20
_AFTER_OVERLOAD = timedelta(minutes=1)
_STX, _ETX, _EOT = b"\x02", b"\x03", b"\x04"


class SimulatedMeter:
    """One meter and the site behind it. The same seed, start and calls give the same bytes.

    Time passes by calls alone: `next_frame` first lets the line time of the frame before go by, or what is left of it.

    Args:
        kind: a key of `KINDS`.
        seed: different seeds below a million give different ids.
        start: legal time.
        meter_id: twelve characters; made from the kind and the seed if not given.
        contract: a key of the kind's contracts.
        scale: factor of the mean power that the site draws, and of the power of its panels.
        baud_rate: other than the usual one.
        producer: for kinds that may or may not be (SAPHIR).
        td: minutes between two tops of the interval energies (PME-PMI, ICE, SAPHIR).
        events: what happens; may be changed at any time.
    """

    def __init__(
        self,
        kind: str,
        *,
        seed: int = 0,
        start: datetime,
        meter_id: str | None = None,
        contract: str | None = None,
        scale: float = 1.0,
        baud_rate: int | None = None,
        producer: bool = False,
        td: int = 10,
        events: Events | None = None,
    ) -> None:
        self.kind = kind
        self._kind = row = KINDS[kind]
        self._home = kind
        contract = contract or next(iter(row.contracts))
        size = row.size.scaled(scale, has_solar=producer)
        self.events = events or Events()
        self.site = Site(
            seed=seed,
            start=start,
            contract=row.contracts[contract],
            size=size,
            events=self.events,
            has_dynamic_tariff=row.has_dynamic_tariff,
            td=td,
        )
        self.baud_rate = baud_rate or row.baud_rate
        identifier = meter_id or _identifier(row, seed)
        point = f"{10_000_000_000_000 + seed * 1_234_577 % 90_000_000_000_000:014}"
        self._state = State(self.site, self.events, identifier, point, contract, row.is_producer or producer)
        self._random = Random(f"line {seed}")
        self._encoded: dict[Group, bytes] = {}
        self._overload_end: datetime | None = None
        self._briefs = 0
        self._cut: tuple[str, int] | None = None
        self.groups: list[Group] = []
        self.line_time = 0.0
        self._passed = 0.0

    @property
    def meter_id(self) -> str:
        return self._state.meter_id

    @property
    def now(self) -> datetime:
        """Legal time."""
        return self.site.now

    @property
    def color_tomorrow(self) -> str:
        """Tomorrow's Tempo colour; setting it makes it known at once, and "red" makes tomorrow an EJP peak day too."""
        return next_color(self.site.now, self.site.days)

    @color_tomorrow.setter
    def color_tomorrow(self, color: str) -> None:
        self.site.days.announce(tempo_day(self.site.now) + timedelta(days=1), color)

    def registers(self) -> dict[str, dict[str, int]]:
        """Copy the registers as the last frame showed them, Wh and varh by tariff period."""
        return self.site.registers()

    def advance(self, seconds: float) -> None:
        """Let time go by without a frame."""
        self.site.advance(seconds)

    def interrupt(self, *, at_group: int | None = None, at_byte: int = 0) -> None:
        """Cut the next frame by EOT: after `at_group` groups, else before byte `at_byte`, counted from STX."""
        self._cut = ("group", at_group) if at_group is not None else ("byte", at_byte)

    def replace(self, new_id: str) -> None:
        """Exchange the meter: another id, registers at nothing."""
        self._state.meter_id = new_id
        self.site.restart()

    def open_disconnector(self, reason: str = "open_overload") -> None:
        """Open it, with a word of `tic.quantities.DISCONNECTOR_STATES`; "closed" closes it."""
        self.events.disconnector = reason

    def switch_mode(self) -> None:
        """Switch a Linky between modes historique and standard; its registers stay."""
        target = self._home if self.kind != self._home else self._kind.other_mode
        if not target:
            raise ValueError(f"a meter of the kind {self.kind} has one mode")
        self.kind, self._kind = target, KINDS[target]
        self.baud_rate = self._kind.baud_rate
        self._encoded = {}

    def next_frame(self) -> bytes:
        """Give the next frame in 7-bit characters; nothing, and a second of line time, while it is silent."""
        self.site.advance(self.line_time - self._passed)
        self._passed = 0.0
        if self.events.silent:
            self.groups, self.line_time = [], _SILENCE
            return b""
        build, end = self._choose()
        self._gather(build)
        frame = self._encode(self.groups, end)
        self._state.frames += 1
        self._state.tests = self._state.tests + 1 if self.events.test_mode else 0
        self.events.short_message = ""
        gap = self._random.uniform(_SHORTEST_GAP, _LONGEST_GAP)
        self.line_time = len(frame) * BITS_PER_CHARACTER / self.baud_rate + gap
        return frame

    def _gather(self, build: Builder) -> None:
        """Gather the groups of a frame; where each is of the instant at which it is sent, its line time goes by.

        Of a frame that breaks off, that of the groups that are sent whole: none goes by for what never is on the line.
        """
        self.groups = []
        sent = len(_STX)
        for group in build(self._state):
            self.groups.append(group)
            if self._kind.reads_as_it_sends:
                size = len(encode_group(group, self._kind.dialect))
                sent += size
                if not self._breaks_off_before(sent):
                    seconds = size * BITS_PER_CHARACTER / self.baud_rate
                    self.site.advance(seconds)
                    self._passed += seconds

    def _breaks_off_before(self, sent: int) -> bool:
        """Whether the frame is cut before the end of the last group that was gathered, byte `sent`."""
        if self._cut is None:
            return False
        unit, position = self._cut
        return position < (len(self.groups) if unit == "group" else sent)

    def _choose(self) -> tuple[Builder, int | None]:
        """Choose long or short frame, and where it breaks off.

        An overload of a three-phase meter ends the long frame by EOT; then come 20 short frames and a long one, again
        and again until a minute after its end (NOI-CPT_02E 2.5).
        """
        brief = self._kind.brief
        if brief is None:
            return self._kind.build, None
        if self.site.phases_over():
            is_new, self._overload_end = self._overload_end is None, self.site.now + _AFTER_OVERLOAD
            if is_new:
                self._briefs = 0
                return self._kind.build, 4
        elif self._overload_end is not None and self.site.now >= self._overload_end:
            self._overload_end = None
        if self._overload_end is None:
            return self._kind.build, None
        self._briefs = (self._briefs + 1) % (_BRIEFS + 1)
        return (brief if self._briefs else self._kind.build), None

    def _encode(self, groups: Sequence[Group], end: int | None) -> bytes:
        """Encode each group that differs from those of the frame before."""
        before, self._encoded = self._encoded, {}
        dialect = self._kind.dialect
        for group in groups:
            self._encoded[group] = before.get(group) or encode_group(group, dialect)
        parts = [self._encoded[group] for group in groups]
        if self._cut is not None and end is None:
            unit, position = self._cut
            self._cut = None
            if unit == "byte":
                whole = _STX + b"".join(parts) + _ETX
                return whole[: max(1, min(position, len(whole) - 1))] + _EOT
            end = position
        if end is not None:
            return _STX + b"".join(parts[:end]) + _EOT
        return _STX + b"".join(parts) + _ETX


def _identifier(kind: Kind, seed: int) -> str:
    """Make an id whose serial number differs for every seed below a million."""
    year = 7 + seed % 16
    return f"{kind.manufacturer}{year:02}{kind.device_type}{(seed * 7919 + 28_024) % 1_000_000:06}"
