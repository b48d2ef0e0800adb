"""Targets for a fuzzer: `make fuzz`. Each is a function of bytes that raises when a promise does not hold."""
