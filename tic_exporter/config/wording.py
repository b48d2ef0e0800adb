"""How what was found is written in a message; apart, since flags that are right need nothing else of files."""

_SHOWN = 60


def shown(text: str, quote: str = '"') -> str:
    """The text as one short printable line, whatever is in it."""
    short = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    return f"{quote}{short}{quote}" if short.isprintable() else repr(short)
