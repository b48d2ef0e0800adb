"""Frames of Linky in standard mode (NOI-CPT_54E 6.2), in the order of its tables."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ...tic.groups import Group
from ...tic.quantities import COLORS, DISCONNECTOR_STATES
from ..calendars import ejp_day, next_color, tempo_day
from ..events import MobilePeak
from ..load import A_IN, A_OUT, Q1, Q2, Q3, Q4, S_IN, S_OUT
from ..registers import Maximum, Point
from ..state import State, digits, only, stamp

_CALENDARS = {
    "BASE": "      BASE      ",
    "HC": "H PLEINE/CREUSE ",
    "EJP": "      EJP       ",
    "TEMPO": "     TEMPO      ",
    "WEEKEND": "HC et Week-End  ",
}
_TARIFFS = {
    "TH": "      BASE      ",
    "HC": "  HEURE  CREUSE ",
    "HP": "  HEURE  PLEINE ",
    "WE": " HEURE WEEK-END ",
    "HN": " HEURE  NORMALE ",
    "PM": "  HEURE  POINTE ",
    "HCJB": "    HC  BLEU    ",
    "HPJB": "    HP  BLEU    ",
    "HCJW": "    HC  BLANC   ",
    "HPJW": "    HP  BLANC   ",
    "HCJR": "    HC  ROUGE   ",
    "HPJR": "    HP  ROUGE   ",
}
# Blocks of PJOURF+1: hour, and what the hour begins (bits 14-15: the dry contact; bits 0-3: the index).
_PROFILES = {
    "BASE": ((0, 0x8001),),
    "HC": ((0, 0xC001), (6, 0x8002), (22, 0xC001)),
    "EJP": ((0, 0xC001),),
    "TEMPO": ((0, 0x4001), (6, 0x4002), (22, 0x4001)),
    "WEEKEND": ((0, 0xC001), (6, 0x8002), (22, 0xC001)),
}
_WEEK_END_PROFILE = ((0, 0x8003),)
_NO_MESSAGE = "PAS DE          MESSAGE         "
_PILOT_LABELS = {"SINSTS": "SINST1", "SMAXSN": "SMAXN", "SMAXSN-1": "SMAXN-1"}
_OVERVOLTAGE = 253.0
_PEAK_COLORS = {"white": 1, "red": 2}
_DAY = timedelta(days=1)
_HEXADECIMAL = frozenset({"02", "84"})
"""Manufacturers whose profiles have hexadecimal hours here; on the wire both were seen and nothing tells which."""


def linky(state: State, *, is_pilot: bool = False) -> list[Group]:
    """Build a frame; single-phase or three-phase as the site is."""
    season = _season(state, is_summer=state.site.is_summer, is_pilot=is_pilot)
    groups = [
        Group("ADSC", state.meter_id),
        Group("VTIC", "01" if is_pilot else "02"),
        Group("DATE", "", stamp(state.site.now, season)),
        *_energies(state),
        *_instant(state),
        *_maxima(state, is_pilot=is_pilot),
        *_profiles(state, is_pilot=is_pilot),
        *_status(state, is_pilot=is_pilot),
    ]
    if is_pilot:
        groups = [Group(_PILOT_LABELS.get(label, label), value, at) for label, value, at in groups]
    return groups


def _season(state: State, *, is_summer: bool, is_pilot: bool) -> str:
    letter = "E" if is_summer else "H"
    return letter.lower() if is_pilot or state.events.clock_degraded else letter


def _tariff_number(state: State) -> int:
    return state.site.contract.calendar.periods.index(state.site.period) + 1


def _energies(state: State) -> Iterator[Group]:
    first, second = state.site.first, state.site.second
    yield Group("NGTF", _CALENDARS[state.contract])
    yield Group("LTARF", _TARIFFS[state.site.period])
    yield Group("EAST", digits(first.total(A_IN), 9))
    supplied = list(first.counts[A_IN].values())
    for number in range(10):
        yield Group(f"EASF{number + 1:02}", digits(supplied[number] if number < len(supplied) else 0, 9))
    for number, count in enumerate(second.counts[A_IN].values(), 1):
        yield Group(f"EASD{number:02}", digits(count, 9))
    if state.is_producer:
        yield Group("EAIT", digits(first.total(A_OUT), 9))
        for number, quadrant in enumerate((Q1, Q2, Q3, Q4), 1):
            yield Group(f"ERQ{number}", digits(first.total(quadrant), 9))


def _instant(state: State) -> Iterator[Group]:
    site, load = state.site, state.site.load
    for phase, value in enumerate(load.amperes, 1):
        yield Group(f"IRMS{phase}", digits(round(value), 3))
    for phase, value in enumerate(load.volts, 1):
        yield Group(f"URMS{phase}", digits(round(value), 3))
    subscribed = digits(site.size.subscribed / 1000, 2)
    yield Group("PREF", subscribed)
    yield Group("PCOUP", subscribed)
    yield Group("SINSTS", digits(round(load.flows[S_IN]), 5))
    if site.size.phases > 1:
        for phase, value in enumerate(load.apparent):
            yield Group(f"SINSTS{phase + 1}", digits(round(value) if load.active[phase] > 0 else 0, 5))


def _maxima(state: State, *, is_pilot: bool) -> Iterator[Group]:
    today, yesterday = state.site.maxima.today, state.site.maxima.yesterday

    def group(label: str, maximum: Maximum) -> Group:
        season = _season(state, is_summer=maximum.is_summer, is_pilot=is_pilot)
        return Group(label, digits(round(maximum.value), 5), stamp(maximum.when, season))

    phases = range(1, state.site.size.phases + 1) if state.site.size.phases > 1 else ()
    yield group("SMAXSN", today[0])
    yield from (group(f"SMAXSN{phase}", today[phase + 1]) for phase in phases)
    yield group("SMAXSN-1", yesterday[0])
    yield from (group(f"SMAXSN{phase}-1", yesterday[phase + 1]) for phase in phases)
    if state.is_producer:
        yield Group("SINSTI", digits(round(state.site.load.flows[S_OUT]), 5))
        yield group("SMAXIN", today[1])
        yield group("SMAXIN-1", yesterday[1])


def _profiles(state: State, *, is_pilot: bool) -> Iterator[Group]:
    def at(point: Point) -> str:
        return stamp(point.end, _season(state, is_summer=point.is_summer, is_pilot=is_pilot))

    flows = (("CCASN", A_IN), ("CCAIN", A_OUT)) if state.is_producer else (("CCASN", A_IN),)
    for label, quantity in flows if state.events.load_profile else ():
        for suffix, point in zip(("", "-1"), state.site.half_hours, strict=True):
            yield Group(label + suffix, digits(round(point.means[quantity]), 5), at(point))
    last = state.site.points[0]
    for phase, value in enumerate(last.volts, 1):
        yield Group(f"UMOY{phase}", digits(round(value), 3), at(last))


def _status(state: State, *, is_pilot: bool) -> Iterator[Group]:
    site, events = state.site, state.events
    running, announced = _peaks(state)
    is_closed = _is_contact_closed(state)
    yield Group("STGE", f"{_register(state, running, announced, is_closed=is_closed, is_pilot=is_pilot):08X}")
    for peak in _shown(running, announced):
        yield Group(f"DPM{peak.number}", "00", stamp(peak.start, " "))
        yield Group(f"FPM{peak.number}", "00", stamp(peak.end, " "))
    yield Group("MSG1", f"{events.message[:32]:<32}" if events.message else _NO_MESSAGE)
    yield from only(events.short_message, Group("MSG2", f"{events.short_message[:16]:<16}"))
    yield Group("PRM", state.metering_point)
    yield Group("RELAIS", f"{(events.relays & 0xFE) | is_closed:03}")
    yield Group("NTARF", f"{_tariff_number(state):02}")
    tomorrow = site.now + _DAY
    is_week_end = state.contract == "WEEKEND" and tomorrow.weekday() >= 5
    yield Group("NJOURF", f"{int(state.contract == 'WEEKEND' and site.now.weekday() >= 5):02}")
    yield Group("NJOURF+1", f"{int(is_week_end):02}")
    yield Group("PJOURF+1", _profile(state, _WEEK_END_PROFILE if is_week_end else _PROFILES[state.contract]))
    yield from only(announced, Group("PPOINTE", _profile(state, _peak_profile(state, announced))))


def _is_contact_closed(state: State) -> bool:
    """Close the contact off-peak, but for mobile peaks, as the profiles say."""
    return state.contract != "BASE" and state.site.period[:2] in {"HC", "HN"}


def _register(
    state: State, running: Sequence[MobilePeak], announced: Sequence[MobilePeak], *, is_closed: bool, is_pilot: bool
) -> int:
    """Assemble STGE (NOI-CPT_54E 6.2.3.14)."""
    site, events, load = state.site, state.events, state.site.load
    is_tempo = state.contract == "TEMPO"
    is_over = load.flows[S_IN] > site.size.subscribed or bool(site.phases_over())
    is_registered = state.meter_id[-1] in "02468"
    today = COLORS.index(site.days.color(tempo_day(site.now))) if is_tempo else 0
    tomorrow = COLORS.index(next_color(site.now, site.days)) if is_tempo else 0
    return (
        (not is_closed)
        | DISCONNECTOR_STATES.index(events.disconnector) << 1
        | events.cover_open << 4
        | any(volts > _OVERVOLTAGE for volts in load.volts) << 6
        | is_over << 7
        | state.is_producer << 8
        | load.is_exporting << 9
        | (_tariff_number(state) - 1) << 10
        | (int(site.second_period) - 1) << 14
        | (events.clock_degraded or is_pilot) << 16
        | 1 << 17
        | 3 << 19
        | (2 if is_registered else 1) << 21
        | is_registered << 23
        | today << 24
        | tomorrow << 26
        | (announced[0].number if announced else 0) << 28
        | (running[0].number if running else 0) << 30
    )


def _peaks(state: State) -> tuple[list[MobilePeak], list[MobilePeak]]:
    """Find the mobile peaks that run, and those that are announced and have not begun."""
    now = state.site.now
    known = [*state.events.peaks, *_contract_peaks(state)]
    running = [peak for peak in known if peak.start <= now < peak.end]
    return running, [peak for peak in known if now < peak.start]


def _contract_peaks(state: State) -> Iterator[MobilePeak]:
    """Take white days as PM1 and red ones as PM2 [observed], EJP as PM1; tomorrow's are known from 20:00."""
    site, days = state.site, state.site.days
    if state.contract == "TEMPO":
        today = tempo_day(site.now)
        colors = {today: days.color(today), today + _DAY: next_color(site.now, days)}
        for day, color in colors.items():
            if color in _PEAK_COLORS:
                start = datetime(day.year, day.month, day.day, 6)
                yield MobilePeak(_PEAK_COLORS[color], start, start + _DAY)
    elif state.contract == "EJP":
        today = ejp_day(site.now)
        for day in (today, today + _DAY):
            is_known = day == today or site.now.hour >= 20 or days.is_announced(day)
            if is_known and days.is_peak(day):
                start = datetime(day.year, day.month, day.day, 7)
                yield MobilePeak(1, start, start + timedelta(hours=18))


def _shown(running: Sequence[MobilePeak], announced: Sequence[MobilePeak]) -> list[MobilePeak]:
    """Give one peak for each number: the one that comes, else the one that runs."""
    by_number = {peak.number: peak for peak in (*running, *announced)}
    return [by_number[number] for number in sorted(by_number)]


def _peak_profile(state: State, announced: Sequence[MobilePeak]) -> tuple[tuple[int, int], ...]:
    if state.contract == "TEMPO" and announced:
        index = 2 * announced[0].number + 1
        return ((0, 0x4000 | index), (6, 0x4000 | index + 1), (22, 0x4000 | index))
    return ((0, 0x8002),)


def _profile(state: State, blocks: Sequence[tuple[int, int]]) -> str:
    form = "02X" if state.manufacturer in _HEXADECIMAL else "02"
    used = [f"{hour:{form}}00{action:04X}" for hour, action in blocks]
    return " ".join(used + ["NONUTILE"] * (11 - len(used)))
