"""The decoder of TIC frames: standard library only, no I/O, no clock, no threads, no logging."""
