"""What a line is, by what was heard on it; and where no meter can be understood, what that looks like. Pure.

Bytes and times come as arguments; `Hearing` says which speed to listen at, and when it has heard enough.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle

from .detect import DWELL, SPEEDS, Votes
from .meter import Meter, MeterOptions
from .symptoms import Symptom
from .tic import quantities as q
from .tic.frames import DecodedFrame
from .tic.framing import STX, Cut
from .tic.parity import Parity, with_even_parity

ENOUGH_FRAMES = 3
"""Valid frames after which a line is known: as many as confirm an id."""

WEAK_ERRORS = 0.02
"""Share of wrong groups from which on a line is weak. On a sound one there is none in an hour."""

QUIET_SECONDS = 4.0
"""Silence after which a meter has stopped talking: the longest pause within a stream is 33 ms."""

BEST_OF_FEW = 2
"""Right groups that make one speed the likeliest: at a wrong one, one in 64 of what looks like a group is right."""

_SAMPLE = 1 << 16
_FEW_BYTES = 24
_NAME = "-"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of one line.

    Args:
        symptom: what it looks like.
        baud_rate: of the port; None where it has none, or where no speed stands out.
        parity, mode, family: empty until a frame told them.
        meter_id: empty where the family sends none, and until frames agree.
        manufacturer, contract, phases: empty where they are not known.
        frames: valid ones.
        frames_per_minute: None before the second.
        error_ratio: share of the groups that were wrong; None before the first.
        received: bytes.
        notes: what else should be known.
    """

    symptom: Symptom
    baud_rate: int | None = None
    parity: str = ""
    mode: str = ""
    family: str = ""
    meter_id: str = ""
    manufacturer: str = ""
    contract: str = ""
    phases: str = ""
    frames: int = 0
    frames_per_minute: float | None = None
    error_ratio: float | None = None
    received: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_meter(self) -> bool:
        """Whether a valid frame was heard."""
        return self.frames > 0


@dataclass(slots=True)
class _Ear:
    """What was heard at one speed."""

    votes: Votes = field(default_factory=Votes)
    data: bytes = b""

    def feed(self, data: bytes) -> None:
        self.votes.feed(data)
        if len(self.data) < _SAMPLE:
            self.data += data


class Hearing:
    """Listens to one line: tries the speeds until one is the line's, then gets to know the meter.

    Args:
        now: steady time.
        has_speed: the port's speed can be chosen.
    """

    def __init__(self, now: float, *, has_speed: bool = True) -> None:
        self.settled = not has_speed
        self.received = 0
        self._has_speed = has_speed
        self._speeds = cycle(SPEEDS)
        self._ears: dict[int, _Ear] = {}
        self._first_byte_at: float | None = None
        self._last_byte_at = now
        self._round = 1
        self._listen_at(next(self._speeds), now)

    def _listen_at(self, speed: int, now: float) -> None:
        self.speed = speed
        self._since = now
        self._ear = self._ears.setdefault(speed, _Ear())
        self._line = _Line()

    @property
    def frames(self) -> int:
        """Valid ones."""
        return len(self._line.valid_at)

    def feed(self, data: bytes, now: float) -> None:
        """Take what was heard at `speed`."""
        self.received += len(data)
        self._last_byte_at = now
        if self._first_byte_at is None:
            self._first_byte_at = self._since = now
        self._ear.feed(data)
        self._line.feed(data, now)
        self.settled |= self._ear.votes.decided

    def next_speed(self, now: float) -> int | None:
        """Give the next speed to listen at when this one had its time; silence is the same at every speed."""
        if self.settled or self._first_byte_at is None or now - self._since < DWELL * self._round:
            return None
        if len(self._ears) == len(SPEEDS):
            # A weak line never has more right groups than wrong ones: it stays at the speed that had most.
            best = max(self._ears, key=lambda speed: self._ears[speed].votes.right)
            if self._ears[best].votes.right >= BEST_OF_FEW:
                self._listen_at(best, now)
                self.settled = True
                return best
        self._listen_at(next(self._speeds), now)
        # A PME-PMI at 1200 Bd begins a frame every eight seconds: each round listens longer.
        self._round += self.speed == SPEEDS[0]
        return self.speed

    def is_enough(self) -> bool:
        """Whether the meter is known; a line with errors is listened to for all the time there is."""
        line = self._line
        return self.frames >= ENOUGH_FRAMES and line.wrong_groups == 0 and line.groups > 0

    def diagnose(self, now: float) -> Diagnosis:
        """Say what is known by now."""
        line = self._line
        line.meter.finish()
        details = line.details()
        symptom = self._symptom(now)
        has_told = symptom not in {Symptom.MUTE, Symptom.NOISE, Symptom.INVERTED, Symptom.WRONG_SPEED}
        return Diagnosis(
            symptom=symptom,
            baud_rate=self.speed if self._has_speed and has_told else None,
            parity=details.get("parity", ""),
            mode=details.get("mode", ""),
            family=details.get("family", ""),
            meter_id=line.meter_id,
            manufacturer=details.get("manufacturer", ""),
            contract=details.get("contract", ""),
            phases=details.get("phases", ""),
            frames=self.frames,
            frames_per_minute=line.frames_per_minute,
            error_ratio=line.wrong_groups / line.groups if line.groups else None,
            received=self.received,
            notes=tuple(line.notes(is_sound=symptom is not Symptom.WEAK)),
        )

    def _symptom(self, now: float) -> Symptom:
        if not self.received:
            return Symptom.MUTE
        right = self._ear.votes.right
        if not self.frames and right < BEST_OF_FEW:
            return self._symptom_of_noise()
        if now - self._last_byte_at >= QUIET_SECONDS:
            return Symptom.STOPPED
        return self._line.symptom(has_start=any(code & 0x7F == STX for code in self._ear.data))

    def _symptom_of_noise(self) -> Symptom:
        ears = [ear for ear in self._ears.values() if len(ear.data) >= _FEW_BYTES]
        if any(_is_inverted(ear.data) for ear in ears):
            return Symptom.INVERTED
        varies = len(set().union(*(ear.data for ear in ears))) > 1
        return Symptom.WRONG_SPEED if varies and all(_is_too_fast(ear.data) for ear in ears) else Symptom.NOISE


class _Line:
    """The meter at the speed that was found."""

    def __init__(self) -> None:
        self.meter = Meter(MeterOptions(name=_NAME))
        self.valid_at: list[float] = []
        self.groups = 0
        self.wrong_groups = 0
        self._interruptions = 0
        self._last: DecodedFrame | None = None
        self._ids: Counter[str] = Counter()
        self._labels: set[str] = set()

    def feed(self, data: bytes, now: float) -> None:
        for frame in self.meter.feed(data, now, 0.0):
            if frame.cut is Cut.INTERRUPTED:
                self._interruptions += 1
                continue
            self.groups += frame.group_count
            self.wrong_groups += frame.group_count - frame.right_checksums
            if frame.is_valid:
                self.valid_at.append(now)
                self._last = frame
                labels = {group.label: group.value for group in frame.groups}
                self._labels |= labels.keys()
                self._ids[labels.get("ADCO", "")] += 1

    @property
    def meter_id(self) -> str:
        """The confirmed one; of a meter in standby, the one that all frames agree on."""
        told = self.meter.snapshot.meter_id
        if told and told != _NAME:
            return told
        return next(iter(self._ids)) if len(self._ids) == 1 and self._is_standby else ""

    @property
    def _is_standby(self) -> bool:
        return self._labels == {"ADCO"}

    @property
    def frames_per_minute(self) -> float | None:
        times = self.valid_at
        span = times[-1] - times[0] if times else 0.0
        return 60.0 * (len(times) - 1) / span if span > 0 else None

    def details(self) -> Mapping[str, str]:
        """Give family, mode, parity, contract and the like, as far as they are known."""
        snapshot = self.meter.snapshot
        known = {
            name: text
            for quantity, dimensions in snapshot.readings
            if quantity.metric in {q.METER_PHASES.metric, q.CONTRACT.metric}
            for name, text in dimensions
        }
        frame = self._last
        if frame is not None:
            known |= {"parity": frame.parity.value, "mode": frame.dialect.name.lower()}
            known.setdefault("family", frame.family.name if frame.family else "")
        return known

    def symptom(self, *, has_start: bool) -> Symptom:
        """Tell what is wrong with a line on which right groups were heard."""
        frame = self._last
        if frame is None:
            return Symptom.WEAK if has_start else Symptom.BARE
        if frame.cooked:
            return Symptom.COOKED
        if self.wrong_groups >= WEAK_ERRORS * self.groups > 0:
            return Symptom.WEAK
        if frame.is_test:
            return Symptom.TEST
        return Symptom.STANDBY if self._is_standby else Symptom.OK

    def notes(self, *, is_sound: bool) -> list[str]:
        """Say what else was noticed; on a line that is not sound, an EOT may be anything."""
        found = []
        frame = self._last
        if frame is not None and frame.parity is Parity.NONE:
            found.append("parity was taken off on the way (7E1, or a bridge): fewer errors can be found")
        if self._interruptions and is_sound:
            found.append(f"frames that the meter broke off (EOT): {self._interruptions}; it may be read by others too")
        return found


# --- what a receiver makes of it --------------------------------------------------------------------------------------


def _is_too_fast(data: bytes) -> bool:
    """Tell a receiver that is much faster than the meter: within its characters the level hardly changes.

    A character of text has four changes on average; one in eleven has two or fewer.
    """
    return sum(map(_CHANGES.__getitem__, data)) <= 0.1 * len(data)


# Of each character, the start bit in front of it included: whether the level changes more than twice.
_CHANGES = [((code << 1) ^ code).bit_count() - (code >> 7) > 2 for code in range(256)]


def _inverted(text: bytes, *, resumes: bool) -> bytes:
    """Give what a receiver at the right speed makes of text that follows a pause on an inverted line.

    It takes the first low level after a high one for a start bit. Where the stop bit is low, some receivers wait for a
    high level, and others, which `resumes` stands for, take it for the next start bit (16550), but not after a pause.
    Characters in which what follows the text would have a part are left out.
    """
    levels = []
    for code in with_even_parity(text):
        levels += [1, *(1 - (code >> bit & 1) for bit in range(8)), 0]
    heard = bytearray()
    start = levels.index(0)
    while len(bits := levels[start + 1 : start + 9]) == 8:
        heard.append(sum(level << place for place, level in enumerate(bits)))
        stop = start + 9
        if resumes and levels[stop : stop + 1] == [0] and heard[-1]:
            start = stop
        elif 1 not in levels[stop:] or 0 not in levels[levels.index(1, stop) :]:
            break
        else:
            start = levels.index(0, levels.index(1, stop))
    return bytes(heard)


_FIRST_GROUPS = (b"ADCO ", b"ADSC\t", b"ADS ", b"MESURES1 ", b"LG_TRM", b"CONTRAT ", b"DATECOUR ", b"JAUNE ", b"DATE ")
_INVERTED = tuple(_inverted(b"\x02\n" + group, resumes=resumes) for group in _FIRST_GROUPS for resumes in (False, True))
"""How frames begin on an inverted line: a pause precedes each, so that the receiver is always in step with them."""


def _is_inverted(data: bytes) -> bool:
    return any(signature in data for signature in _INVERTED)
