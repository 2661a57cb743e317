"""A client that costs little beside the server it measures: one connection, raw sockets, no parsing but the length.

python benchmarks/_client.py PORT PATH SECONDS [COOKIE]     prints one line of JSON: how many, milliseconds of each
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


def ask_for(port: int, path: str, seconds: float, cookie: str) -> list[float]:
    """Milliseconds of each request, one after the other on one connection."""
    wire = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n".encode()
    found: list[float] = []
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            connection.sendall(wire)
            answer = b""
            while (end := answer.find(b"\r\n\r\n")) < 0:
                answer += received(connection)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{path}: {answer[:200]!r}")
            length = LENGTH.search(answer[:end])
            assert length is not None, answer[:end]
            missing = int(length[1]) - (len(answer) - end - 4)
            while missing > 0:
                missing -= len(received(connection))
            found.append((time.perf_counter() - began) * 1000)
    return found


def received(connection: socket.socket) -> bytes:
    part = connection.recv(1 << 20)
    if not part:
        raise SystemExit("The server closed the connection.")
    return part


def together(port: int, path: str, *, seconds: float, connections: int, cookie: str = "") -> tuple[float, list[float]]:
    """Requests a second of so many clients at once, and the milliseconds of all their requests, sorted."""
    command = [sys.executable, str(Path(__file__).resolve()), str(port), path, str(seconds), cookie]
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(connections)]
    answers = [client.communicate()[0] for client in clients]
    assert all(client.returncode == 0 for client in clients), path
    times = [json.loads(answer) for answer in answers]
    return sum(len(one) for one in times) / seconds, sorted(ms for one in times for ms in one)


if __name__ == "__main__":
    print(
        json.dumps(ask_for(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else ""))
    )
