"""Bytes of one line to a `Snapshot`: frames are decoded, counted and folded; whose they are is confirmed first."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import NamedTuple

from .folding import Fold
from .known import Identity, Kept
from .legal_time import legal_time
from .plausibility import Rejection
from .tic import quantities as q
from .tic.decoding import Decoder
from .tic.families import FAMILIES
from .tic.frames import DecodedFrame
from .tic.framing import Cut, Framer
from .tic.groups import Defect
from .tic.parity import Parity
from .tic.quantities import Quantity
from .tic.schema import Family, Key

log = logging.getLogger(__name__)

ID_CONFIRMATIONS = 3
"""Consecutive valid frames of one id before any series of it exists, or another meter is believed to have come."""


class LinkCounter(NamedTuple):
    """A counter of the line: exposed at 0 for each of its reasons from the start."""

    name: str
    help: str
    reasons: tuple[str, ...] = ()


_FRAME_DEFECTS = tuple(defect.value for defect in Defect if defect not in {Defect.UNKNOWN_LABEL, Defect.PARITY})

FRAMES = LinkCounter("frames", "Valid frames")
INVALID_FRAMES = LinkCounter(
    "invalid_frames",
    "Frames not interpreted, by reason",
    (*_FRAME_DEFECTS, Cut.TRUNCATED.value, Cut.OVERSIZED.value, Defect.PARITY.value),
)
INTERRUPTIONS = LinkCounter("interruptions", "Frames that the meter broke off (EOT)")
GROUPS = LinkCounter("groups", "Groups seen, valid or not")
GROUP_ERRORS = LinkCounter(
    "group_errors", "Groups not interpreted, by reason", tuple(defect.value for defect in Defect)
)
PARITY_ERRORS = LinkCounter("parity_errors", "Characters with the wrong parity")
RECEIVED_BYTES = LinkCounter("received_bytes", "Bytes received")
CONNECTIONS = LinkCounter("connections", "Times the source was opened")
CONNECTION_FAILURES = LinkCounter("connection_failures", "Failed attempts to open the source")
REJECTED_READINGS = LinkCounter(
    "rejected_readings", "Readings held back as implausible", tuple(reason.value for reason in Rejection)
)
DETECTIONS = LinkCounter("detections", "Times that speed, mode or family was detected")
METER_CHANGES = LinkCounter("meter_changes", "Confirmed changes of the meter's id")

LINK_COUNTERS = (
    FRAMES,
    INVALID_FRAMES,
    INTERRUPTIONS,
    GROUPS,
    GROUP_ERRORS,
    PARITY_ERRORS,
    RECEIVED_BYTES,
    CONNECTIONS,
    CONNECTION_FAILURES,
    REJECTED_READINGS,
    DETECTIONS,
    METER_CHANGES,
)


_new = tuple.__new__  # half the cost of calling a named tuple
# Counted for every frame.
_CLOCK_OFFSET = (q.CLOCK_OFFSET, ())
_FRAMES, _GROUPS, _RECEIVED = ((counter.name, "") for counter in (FRAMES, GROUPS, RECEIVED_BYTES))


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """How one meter is read, as its configuration says.

    Args:
        name: dimension `meter` of every series.
        meter_id: for families that send none; the name where it is None.
        families: those that may be recognised.
        parity: None to let the frames tell.
        drop_group: use the good groups of a damaged frame.
        stale_after: seconds without a valid frame after which nothing is believed any more.
        contract: BASE or EJP, for a CJE, which does not say so itself.
        zone: of the meter's legal time.
        live: frames are received now, so that the host's clock may be compared with the meter's.
        hidden: quantities that are not published: personal data.
    """

    name: str
    meter_id: str | None = None
    families: tuple[Family, ...] = FAMILIES
    parity: Parity | None = None
    drop_group: bool = False
    stale_after: float = 60.0
    contract: str | None = None
    zone: tzinfo = UTC
    live: bool = True
    hidden: frozenset[Quantity] = frozenset({q.METERING_POINT, q.MESSAGE, q.SHORT_MESSAGE})


class Snapshot(NamedTuple):
    """What is known of one meter at one instant. Immutable: a scrape binds it once and reads in peace.

    A named tuple, not a dataclass: one is made for every frame, and costs a fifth to make.

    Args:
        meter: its name.
        meter_id: empty until confirmed.
        readings: series in base units; a text is a dimension of a series of value 1.
        counts: by counter name and reason.
        is_open: the source is.
        last_frame_at, last_byte_at: steady time; None before the first.
        last_frame_unix: the same as Unix time.
        link: dimensions of `tic_link_info` that are known; empty before a family is.
    """

    meter: str
    stale_after: float
    meter_id: str = ""
    readings: Mapping[Key, float] = MappingProxyType({})
    counts: Mapping[tuple[str, str], int] = MappingProxyType({})
    is_open: bool = False
    is_test: bool = False
    last_frame_at: float | None = None
    last_frame_unix: float | None = None
    last_byte_at: float | None = None
    link: Mapping[str, str] = MappingProxyType({})

    def is_fresh(self, now: float) -> bool:
        """Whether a frame ended within `stale_after`."""
        return self.last_frame_at is not None and now - self.last_frame_at <= self.stale_after

    def link_state(self, now: float) -> str:
        """Say why there are readings or none: one of `LINK_STATES`."""
        if not self.is_open:
            return "closed"
        if self.is_fresh(now):
            return "ok"
        heard = self.last_byte_at is not None and now - self.last_byte_at <= self.stale_after
        return "noise" if heard else "mute"


LINK_STATES = ("closed", "mute", "noise", "ok")


class Meter:
    """One line and what it says. One thread feeds it; any thread may bind `snapshot`."""

    def __init__(self, options: MeterOptions) -> None:
        self.options = options
        self._stale_after = options.stale_after
        self._live = options.live
        self.snapshot = Snapshot(meter=options.name, stale_after=options.stale_after)
        self._framer = Framer()
        memory = {"contract": options.contract} if options.contract else None
        self._decoder = Decoder(options.families, parity=options.parity, drop_group=options.drop_group, memory=memory)
        self._legal_time = legal_time(options.zone)
        self._counts: dict[tuple[str, str], int] = dict.fromkeys((_FRAMES, _GROUPS, _RECEIVED), 0)
        self._confirmed: Fold | None = None
        self._candidate: Fold | None = None
        self._steady: Fold | None = None
        self._candidate_frames = 0
        self._valid_identities: set[tuple[str, str]] = set()
        self._restorable: tuple[str, Mapping[Key, Kept]] | None = None
        self._is_open = False
        self._is_test = False
        self._is_dirty = False
        self._port_info: dict[str, str] = {}
        self._frame_info: dict[str, str] = {}
        self._link: Mapping[str, str] = {}
        self._frame_kind: tuple[object, ...] = ()
        self.right_group_at: float | None = None
        self._last_frame: tuple[float, float] | tuple[None, None] = None, None
        self._last_byte_at: float | None = None
        self._told_at = 0.0

    # --- the line ---------------------------------------------------------------------------------------------------

    def opened(self, *, port: str, baud_rate: str) -> None:
        """Say that the source was opened; bytes that follow begin anywhere."""
        self._count(CONNECTIONS)
        self._port_info = {"port": port, "baud_rate": baud_rate}
        self._describe_link()
        self.reset_line()
        self._is_open = True
        self._publish()

    def closed(self) -> None:
        """Say that the source is closed."""
        self._is_open = False
        self._publish()

    def open_failed(self) -> None:
        """Count one attempt that failed."""
        self._count(CONNECTION_FAILURES)
        self.closed()

    def speed_changed(self, baud_rate: str) -> None:
        """Say that the line is listened to at another speed: what was found is in doubt."""
        self._frame_kind, self._frame_info, self._steady = (), {}, None
        self._port_info["baud_rate"] = baud_rate
        self._describe_link()
        self.reset_line()

    def reset_line(self) -> None:
        """Forget the frame that is open."""
        self._framer.reset()

    def feed(self, data: bytes, now: float, unix: float) -> list[DecodedFrame]:
        """Take bytes that arrived at `now` (monotonic seconds) and `unix` (Unix time); return the frames they ended."""
        self._last_byte_at = now
        self._counts[_RECEIVED] += len(data)
        self._is_dirty = True
        frames = []
        for raw in self._framer.feed(data):
            frame = self._decoder.decode(raw)
            self._take(frame, now, unix)
            frames.append(frame)
        if frames:
            self._publish()
        return frames

    def refresh(self) -> None:
        """Publish what was only counted since the last frame."""
        if self._is_dirty:
            self._publish()

    def finish(self) -> None:
        """Believe what no further frame can confirm: the recording has ended."""
        if self._confirmed is None and self._candidate is not None and len(self._valid_identities) == 1:
            at, unix = self._last_frame
            self._confirm(self._candidate, at or 0.0, unix or 0.0)
        if self._confirmed is not None:
            self._confirmed.settle()
        self._publish()

    # --- state that outlives the process ----------------------------------------------------------------------------

    def remembered(self) -> tuple[str, Mapping[Key, Kept]] | None:
        """Give the confirmed id and what is worth saving of it; what was restored, until an id is confirmed."""
        if self._confirmed is None:
            return self._restorable
        kept = self._confirmed.known.remembered()
        return (self._confirmed.identity.meter_id, kept) if kept else None

    def restore(self, meter_id: str, kept: Mapping[Key, Kept]) -> None:
        """Give back what an earlier process remembered; it is used once that id is confirmed."""
        self._restorable = (meter_id, kept)

    # --- frames -----------------------------------------------------------------------------------------------------

    def _take(self, frame: DecodedFrame, now: float, unix: float) -> None:
        self._counts[_GROUPS] += frame.group_count
        fold = self._steady
        if fold is not None and frame.changed is not None:  # as the frame before, of which all was looked at
            self._counts[_FRAMES] += 1
            self.right_group_at = now
            self._note_frame(now, unix)
            self._add(fold, frame, now, unix)
            return
        self._steady = None
        self._count_defects(frame)
        if frame.right_checksums:
            self.right_group_at = now
        if not frame.is_interpreted:
            return
        if frame.values:
            self._note_frame(now, unix)
        else:
            self._last_frame = now, unix
        family = frame.family
        if family is None:
            return
        kind = (family, frame.dialect, frame.parity, frame.cooked)
        if kind != self._frame_kind:
            self._frame_kind = kind
            self._recognise(family, frame)
        self._is_test = frame.is_test
        if not frame.is_test:
            self._fold(family, frame, now, unix)

    def _note_frame(self, now: float, unix: float) -> None:
        """Take note of a frame that tells something."""
        self._last_frame = now, unix
        if self._confirmed is not None and now - self._told_at > self._stale_after:
            self._confirmed.resume()
        self._told_at = now

    def _recognise(self, family: Family, frame: DecodedFrame) -> None:
        """Take note of another kind of frame than before."""
        before, mode = self._frame_info, frame.dialect.mode
        self._frame_info = {
            "parity": frame.parity.value,
            "framing": "cooked" if frame.cooked else "plain",
            "family": family.name,
            "mode": mode,
        }
        self._describe_link()
        if frame.cooked and before.get("framing") != "cooked":
            log.warning("the line comes through a terminal that translates (CR became LF)", extra=self._who)
        if (before.get("family"), before.get("mode")) != (family.name, mode):
            self._count(DETECTIONS)
            log.info("detected", extra=self._who | self._port_info | self._frame_info)

    def _describe_link(self) -> None:
        """Give the dimensions of `tic_link_info`, once a family is known."""
        self._link = self._port_info | self._frame_info if self._frame_info else {}

    def _fold(self, family: Family, frame: DecodedFrame, now: float, unix: float) -> None:
        """Give the frame to whom it belongs; one of another identity waits until enough frames agree with it."""
        meter_id = frame.meter_id or self.options.meter_id or self.options.name
        mode = frame.dialect.mode
        fold = self._confirmed
        if fold is not None and fold.is_of(meter_id, family, mode):
            self._candidate = None
        else:
            if len(self._valid_identities) < 2:  # whether there was another is all that is asked
                self._valid_identities.add((meter_id, family.name))
            fold = self._candidate
            if fold is None or not fold.is_of(meter_id, family, mode):
                identity = Identity(meter_id, family, mode)
                fold = self._candidate = Fold(identity, self._legal_time, self.options.hidden)
                self._candidate_frames = 0
            self._candidate_frames += 1
            if self._confirmed is not None and meter_id != self._confirmed.identity.meter_id:
                self._count(REJECTED_READINGS, Rejection.METER_ID_UNCONFIRMED.value, len(frame.values))
        self._add(fold, frame, now, unix)
        if fold is self._candidate and self._candidate_frames >= ID_CONFIRMATIONS:
            self._confirm(fold, now, unix)
        if fold is self._confirmed:
            self._steady = fold if frame.values and not frame.findings else None

    def _add(self, fold: Fold, frame: DecodedFrame, now: float, unix: float) -> None:
        for rejection in fold.add(frame, now, unix):
            self._count(REJECTED_READINGS, rejection.value)
        if fold.restarted:
            metrics = sorted({quantity.metric for quantity in fold.restarted})
            log.warning("registers restarted: reset, or past their maximum", extra=self._who | {"metrics": metrics})
            fold.restarted.clear()

    def _confirm(self, fold: Fold, now: float, unix: float) -> None:
        before, self._confirmed, self._candidate = self._confirmed, fold, None
        meter_id = fold.identity.meter_id
        if before is not None and before.identity.meter_id != meter_id:
            self._count(METER_CHANGES)
            log.warning("another meter answers", extra=self._who | {"before": before.identity.meter_id, "id": meter_id})
        elif before is None:
            log.info("meter confirmed", extra=self._who | {"id": meter_id, "family": fold.identity.family.name})
        if self._restorable is not None:
            saved_id, kept = self._restorable
            if saved_id == meter_id:
                fold.restore(kept, now, unix)
                self._recall(fold.identity, kept)
            else:
                log.warning("saved state is of another meter, and left aside", extra=self._who | {"saved": saved_id})
            self._restorable = None

    def _recall(self, identity: Identity, kept: Mapping[Key, Kept]) -> None:
        """Tell the decoder of which tariff periods registers were kept: to some families these tell the contract."""
        periods = {
            dict(dimensions)["tariff_period"]: entry.seen
            for (quantity, dimensions), entry in kept.items()
            if quantity is q.ACTIVE_ENERGY_IMPORT
        }
        meter_id = identity.meter_id if identity.family.id_label else None
        self._decoder.recall(meter_id, identity.family, periods)

    # --- counting and publishing ------------------------------------------------------------------------------------

    def _count_defects(self, frame: DecodedFrame) -> None:
        self._count(PARITY_ERRORS, number=frame.parity_errors)
        if frame.cut is Cut.INTERRUPTED:
            self._count(INTERRUPTIONS)
        elif frame.cut is not Cut.COMPLETE:
            self._count(INVALID_FRAMES, frame.cut.value)
        else:
            for finding in frame.findings:
                self._count(GROUP_ERRORS, finding.defect.value)
            defect = frame.defect
            if defect is None:
                self._count(FRAMES)
            else:
                self._count(INVALID_FRAMES, defect.value)

    def _count(self, counter: LinkCounter, reason: str = "", number: int = 1) -> None:
        if number:
            self._counts[counter.name, reason] = self._counts.get((counter.name, reason), 0) + number
            self._is_dirty = True

    @property
    def _who(self) -> dict[str, str]:
        return {"meter": self.options.name}

    def _publish(self) -> None:
        self._is_dirty = False
        at, unix = self._last_frame
        fold = self._confirmed
        meter_id, readings = "", {}
        if fold is not None:
            meter_id = fold.identity.meter_id
            # A meter in standby sends its id alone: what it said before is not what it says.
            if not self._is_test and at is not None and at - self._told_at <= self._stale_after:
                known, clock = fold.known, fold.clock.unix
                readings = known.readings()
                if readings and self._live and clock is not None:
                    readings[_CLOCK_OFFSET] = clock - known.unix
        self.snapshot = _new(Snapshot, (
            self.options.name, self._stale_after, meter_id, readings, self._counts.copy(),
            self._is_open, self._is_test, at, unix, self._last_byte_at, self._link,
        ))  # fmt: skip
