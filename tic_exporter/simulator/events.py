"""What can happen to a simulated meter, and can be switched while it runs."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DynamicPeriod:
    """A period of the dynamic tariff (PME-PMI, SAPHIR), in legal time.

    Args:
        start: its first instant.
        end: the instant after its last.
        label: up to three characters, as PME-PMI names it.
        profile: 1 to 3, as SAPHIR names it.
    """

    start: datetime
    end: datetime
    label: str = "PM"
    profile: int = 1


@dataclass(frozen=True, slots=True)
class MobilePeak:
    """A mobile peak of Linky standard: `number` is the n of DPMn, FPMn and STGE; legal time."""

    number: int
    start: datetime
    end: datetime


@dataclass(slots=True)
class Events:
    """Switches; each holds until it is switched back.

    Args:
        overload: more power is drawn than is subscribed.
        overload_phases: which phases draw it, from 1; all of them when empty.
        voltage: V, around which the voltage moves instead of 230.
        missing_phases: phases without voltage, from 1.
        disconnector: a word of `tic.quantities.DISCONNECTOR_STATES`; unless "closed", nothing flows.
        cover_open: the terminal cover.
        clock_degraded: bit 16 of STGE and the lower-case season letter.
        period: forces the supplier's tariff period (the model's code, "HC").
        dynamic: periods of the dynamic tariff, in order.
        peaks: mobile peaks on top of those of the contract (PM3 belongs to no known contract).
        control_mode: MODE CONTROLE.
        test_mode: PME-PMI sends its test frames.
        standby: a bleu meter sends its id alone.
        silent: nothing is sent.
        point_flag: H, C, M or T, marks the points of the load profile that end while it is set.
        message: MSG1 of Linky, MESSAGE of SAPHIR.
        short_message: MSG2 of Linky: sent in one frame, which empties it.
        relays: the seven virtual relays, as the byte of RELAIS without bit 0.
        load_profile: Linky sends its CC groups.
        telephone: CJE sends its listening window FCOU.
    """

    overload: bool = False
    overload_phases: tuple[int, ...] = ()
    voltage: float = 230.0
    missing_phases: tuple[int, ...] = ()
    disconnector: str = "closed"
    cover_open: bool = False
    clock_degraded: bool = False
    period: str | None = None
    dynamic: tuple[DynamicPeriod, ...] = ()
    peaks: tuple[MobilePeak, ...] = ()
    control_mode: bool = False
    test_mode: bool = False
    standby: bool = False
    silent: bool = False
    point_flag: str = ""
    message: str = ""
    short_message: str = ""
    relays: int = 0
    load_profile: bool = True
    telephone: bool = False

    def running(self, now: datetime) -> DynamicPeriod | None:
        """Find the dynamic period that holds now."""
        return next((period for period in self.dynamic if period.start <= now < period.end), None)

    def coming(self, now: datetime) -> DynamicPeriod | None:
        """Find the next dynamic period."""
        return next((period for period in self.dynamic if now < period.start), None)
