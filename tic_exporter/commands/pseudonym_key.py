"""`tic-exporter pseudonym-key`: a new key for `pseudonymise_key_file`, in a file that only its owner can read."""

import argparse
import os
import secrets
import sys
from collections.abc import Sequence


def new_key() -> str:
    """Give the text of a key file: 256 random bits."""
    return f"{secrets.token_hex(32)}\n"


def run(words: Sequence[str]) -> int:
    """Write the file; 1 where it exists or cannot be written: another key would give every meter another name."""
    parser = argparse.ArgumentParser(
        prog="tic-exporter pseudonym-key",
        description="Make the key of pseudonymise_ids. Keep a copy: with another key every meter has another name.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="must not exist yet")
    flags = parser.parse_args(words)
    try:
        descriptor = os.open(flags.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_key())
    except OSError as error:
        print(f"tic-exporter pseudonym-key: {error}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    print(f"{flags.out} is written")  # noqa: T201
    return 0
