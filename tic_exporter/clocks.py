"""The two clocks of a running exporter. Whoever needs one is given it, so that tests need not wait."""

import time


def steady() -> float:
    """Give seconds that never jump, whatever happens to the date; those that a suspended host slept count too.

    `time.monotonic` stands still in suspend: readings from before it would pass for fresh after it.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)
