"""Lines of samples as the client library writes them, many times faster.

What stays the same from scrape to scrape, which is all but the meter and the value, is written by the library once and
kept. For 1,000 meters that is most of a scrape (docs/performance.md); a property test holds that no byte differs.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from .tic.schema import Dimensions

Encode = Callable[[Collector], bytes]
"""Writes families in one of the formats, as the library's `choose_encoder` gives it."""

_CACHED = 16_384
"""Series kept, over all meters: those of one meter that are told apart by more than the meter. The rest is remade."""
_FORMATS = 16
"""Formats of which headers are kept: a client may name versions as it likes."""
_PLAIN_UNTIL = 1e6
"""From here on, numbers are written with an exponent: Go does so sooner than Python."""
_SAFE_ESCAPINGS = frozenset({"underscores", "allow-utf-8"})
"""What a client may ask to be done to names; these leave ours as they are."""


class Families(Collector):
    """These families and no others."""

    def __init__(self, *families: ClientMetric) -> None:
        self._families = families

    def collect(self) -> tuple[ClientMetric, ...]:
        return self._families


def is_plain(encode: Encode) -> bool:
    """Whether `encode` leaves names of letters, digits and underscores alone, and lines are the same in each format."""
    _, options = _parts_of(encode)
    return dict(options).get("escaping", "underscores") in _SAFE_ESCAPINGS


class Headers:
    """What stands above and below the samples in one format, each header written once."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._written: dict[tuple[str, str, str], str] = {}
        self.ending = encode(Families()).decode()

    def of(self, name: str, help_: str, kind: str) -> str:
        """Write the header of a family; `name` is as the library takes it, without `_total`."""
        text = self._written.get((name, help_, kind))
        if text is None:
            text = self._encode(Families(ClientMetric(name, help_, kind))).decode().removesuffix("# EOF\n")
            self._written[name, help_, kind] = text
        return text


def headers_of(encode: Encode) -> Headers:
    return _headers_in(*_parts_of(encode))


@lru_cache(_FORMATS)
def _headers_in(encode: Encode, options: tuple[tuple[str, Any], ...]) -> Headers:
    return Headers(partial(encode, **dict(options)))


def family(metric: ClientMetric, headers: Headers) -> str:
    """Write a family of the library's: numbers and labels, without unit, timestamps and exemplars."""
    lines = [
        f"{_series(sample.name, tuple(sample.labels.items()), ())[0]} {_number(sample.value)}\n"
        for sample in metric.samples
    ]
    return headers.of(metric.name, metric.documentation, metric.type) + "".join(lines)


def escaped(value: str) -> str:
    """Write the value of a label, between its quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def link_line(name: str, own: Dimensions, meter: tuple[str, str], value: float) -> str:
    """Write the sample of a series with the labels `meter` (first of `meter`, `escaped`) and `own`."""
    head, tail = _series(name, own, ("meter",))
    return f"{head}{meter[0]}{tail} {_number(value)}\n"


def reading_line(name: str, own: Dimensions, meter: tuple[str, str], value: float) -> str:
    """Write the sample of a series with the labels `meter`, `meter_id` (both in `meter`, `escaped`) and `own`."""
    head, middle, tail = _series(name, own, ("meter", "meter_id"))
    return f"{head}{meter[0]}{middle}{meter[1]}{tail} {_number(value)}\n"


def _number(value: float) -> str:
    number = float(value)
    return repr(number) if -_PLAIN_UNTIL < number < _PLAIN_UNTIL else floatToGoString(number)  # type: ignore[no-untyped-call]


@lru_cache(_CACHED)
def _series(name: str, own: Dimensions, open_labels: tuple[str, ...]) -> tuple[str, ...]:
    """Cut the line of a series, up to its value, where the values of `open_labels` come; in the order of names."""
    # No value can hold more of them in a row, and they are not escaped.
    mark = "\0" * (1 + max((len(value) for _, value in own), default=0))
    family = ClientMetric(name, "", "gauge")
    family.samples = [Sample(name, dict.fromkeys(open_labels, mark) | dict(own), 0.0)]
    line = generate_latest(Families(family)).decode().rsplit("\n", 2)[-2]
    return tuple(line.removesuffix(" 0.0").split(mark))


def _parts_of(encode: Encode) -> tuple[Encode, tuple[tuple[str, Any], ...]]:
    """Take apart what `choose_encoder` makes anew for each request, to find what was written before."""
    if isinstance(encode, partial):
        return encode.func, tuple(encode.keywords.items())
    return encode, ()
