"""Prometheus exporter for the TIC output of French electricity meters."""

__version__ = "0.1.0"
