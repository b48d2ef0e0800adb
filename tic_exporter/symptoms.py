"""What can be wrong between a meter and a port, in words for who stands in front of them, and what to try."""

from enum import Enum


class Symptom(Enum):
    """What a line looks like, with what to try."""

    OK = ("a meter that is understood", ())
    STANDBY = (
        "a meter in standby: it sends its id (ADCO) and nothing else",
        (
            "the output of an older meter has three settings: standby, métrologie, télé-information",
            "ask the grid operator to set it to télé-information (free of charge)",
        ),
    )
    TEST = (
        "a PME-PMI meter in test mode: its values are made up",
        ("leave the test mode in the menu of the meter",),
    )
    WEAK = (
        "a weak signal: some groups are right, many are wrong",
        (
            "shorten the cable, or take a twisted pair; keep it away from mains cables",
            "tighten the terminals; give the adaptor a terminal of its own if several share the output",
            "an adaptor made for older meters may need another input resistor on a Linky",
        ),
    )
    STOPPED = (
        "a meter that stopped talking: right groups at first, then silence",
        (
            "an older meter is silent while it is read remotely: wait a few minutes",
            "an adaptor that takes too much from terminal A (over 130 mW) makes the meter cut its supply",
            "a loose wire",
        ),
    )
    COOKED = (
        "a meter behind a terminal that translates: CR has become LF, and ETX is missing",
        (
            "it is read all the same, but single frames can be lost",
            "set the terminal of the program in between to raw: stty -F PORT raw -echo",
        ),
    )
    BARE = (
        "right groups without a start of frame (STX): control characters are taken out on the way",
        ("let the program in between pass every byte: raw mode, no line discipline, no text protocol",),
    )
    WRONG_SPEED = (
        "characters that are read faster than they are sent: the speed is wrong",
        (
            "set the speed of the bridge: 9600 for Linky in mode standard, 1200 for nearly all other meters",
            "a PME-PMI or SAPHIR meter may have been set to another speed by the grid operator",
        ),
    )
    INVERTED = (
        "frames with every bit turned round: the signal is inverted",
        (
            "on a PME-PMI, exchange the two wires (pin 6 is the signal, pin 4 the ground)",
            "an opto-coupler circuit may invert: use its other output, or an adaptor that can invert",
        ),
    )
    NOISE = (
        "noise: characters that are no groups at any speed",
        (
            "check that the wires are on I1 and I2, and not on a telephone or contact terminal",
            "a meter set to métrologie sends bursts without text: ask the grid operator for télé-information",
            "a signal that is far too weak looks like this too: try a short cable",
        ),
    )
    MUTE = (
        "nothing at all: no carrier, or nobody is talking",
        (
            "check the wires: I1 and I2 of the meter, in any order (RJ45 of a PME-PMI: pins 4 and 6)",
            "does the adaptor blink? If not: is it powered, and is this its port?",
            "disconnect everything else from the TIC output, then wait a minute",
            "an older meter may have its output switched off: ask the grid operator for télé-information",
        ),
    )

    def __init__(self, text: str, remedies: tuple[str, ...]) -> None:
        self.text = text
        self.remedies = remedies
