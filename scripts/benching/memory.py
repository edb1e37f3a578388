"""What a proxy's memory grows by: for an idle connection, for a stored object."""
import resource
import socket
import time

from processes import Failed

SETTLE = 3  # seconds, until what is idle has given back what it gives back


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def read_answer(stream):
    status, length = stream.readline(), 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    if b" 200 " not in status or len(stream.read(length)) != length:
        raise Failed(f"not the answer that was asked for: {status!r}")


def connection(running, quick):
    """Bytes for each of 5000 connections that have had one answer and now keep silent."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = min(500 if quick else 5000, hard - 100)
    before, open_ones = 0, []
    try:
        for n in range(count + 64):
            if n == 64:  # the first ones have made what is made once
                before = running.memory()
            sock = socket.create_connection(("127.0.0.1", running.port), timeout=20)
            open_ones.append(sock)
            sock.sendall(request("/h/1k"))
            with sock.makefile("rb", buffering=0) as raw:
                read_unbuffered(raw)
        time.sleep(0.5 if quick else SETTLE)
        return (running.memory() - before) / count
    finally:
        for sock in open_ones:
            sock.close()


def read_unbuffered(raw):
    got = b""
    while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < 1024:
        some = raw.read(65536)
        if not some:
            raise Failed("the connection was closed")
        got += some


def stored_object(running, quick):
    """Bytes for each of 200 000 objects that were fetched once."""
    count, at_once = 10_000 if quick else 200_000, 50
    before = running.memory()
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as sock, sock.makefile("rb") as stream:
        for first in range(0, count, at_once):
            sock.sendall(b"".join(request(f"/h{n}/1k") for n in range(first, first + at_once)))
            for _ in range(at_once):
                read_answer(stream)
    time.sleep(1)
    return (running.memory() - before) / count


MEASURES = {"connection": connection, "stored_object": stored_object}
