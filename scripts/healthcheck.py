#!/usr/bin/env python3
"""Health check of the container image: one raw GET of /-/healthy, without loading the package.

Run as `python -I -S healthcheck.py [HOST PORT]`. A password (401) does not hide that the exporter lives.
With TLS on, the answer is not readable: the accepted connection has to do.
"""

import socket
import sys

host, port = sys.argv[1:] or ("127.0.0.1", "15402")
try:
    with socket.create_connection((host, int(port)), timeout=4) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.0\r\nHost: localhost\r\n\r\n")
        try:
            answer = connection.recv(64)
        except ConnectionResetError:  # what a TLS listener may answer to plain text
            answer = b""
except OSError as error:
    sys.exit(f"{host}:{port}: {error}")

# status line = "HTTP/" version SP status SP reason CR LF
if answer.startswith(b"HTTP/") and answer.split(b" ")[1:2] not in ([b"200"], [b"401"]):
    sys.exit(f"{host}:{port}: {answer!r}")
