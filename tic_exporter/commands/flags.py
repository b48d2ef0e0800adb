"""What may stand after a flag: types for argparse, which say what was expected."""

import argparse

from ..config import ListenAddress, parse_listen_address


def listen_address(text: str) -> ListenAddress:
    """[HOST]:PORT."""
    try:
        return parse_listen_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
