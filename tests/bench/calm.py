#!/usr/bin/env python3
"""How long hits take while other things go on: a 1 GiB response that is filled, and one that makes room for another; the purge of a group
of 100 000, scrapes, the log.

usage: calm.py PATH_TO_FRESHET [OBJECTS [A_SECOND]]
Freshet, all its threads, runs on processor 0; the client that measures runs on the last one, before all others there if this process
may say so. Origin and other clients are on that processor, too: "past Freshet" is 1 GiB that goes from one to the other directly, and so
what is to be seen of them alone. It prints microseconds, and how many times those of the same hits alone. Takes two minutes; needs g++
and taskset.
"""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts/benching"))
from memory import read_answer  # noqa: E402
from processes import Failed, Running, free_port  # noqa: E402

HOT, CONNECTIONS = 100, 4
CONFIGURATION = """
workers: 1
admin: {{bind: "127.0.0.1:{admin}"}}
access_log: {{path: "{log}"}}
cache: {{max_size: 3GiB, max_object_size: 1200MiB}}
listeners: [{{bind: "127.0.0.1:{port}", routes: [{{upstream: origin}}]}}]
upstreams: {{origin: {{servers: ["http://127.0.0.1:{origin}"]}}}}
"""
CPU = max(os.sched_getaffinity(0))


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: calm.test\r\n\r\n".encode()


def store(port, prefix, count):
    """Fetches `count` objects once, over four connections."""
    def some(first):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as sock, sock.makefile("rb") as stream:
            numbers = range(first, count, 4)
            for at in range(0, len(numbers), 50):
                part = numbers[at:at + 50]
                sock.sendall(b"".join(request(f"{prefix}/{n}") for n in part))
                for _ in part:
                    read_answer(stream)
    threads = [threading.Thread(target=some, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def admin(port, text):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(text.encode())
        answer = b""
        while got := sock.recv(1 << 20):
            answer += got
    return answer.decode()


def figure(port, name):
    return float(re.search(rf"^{name} (\S+)$", admin(port, "GET /metrics HTTP/1.0\r\n\r\n"), re.MULTILINE)[1])


@contextlib.contextmanager
def freshet(program, folder, origin, log):
    port, admin_port = free_port(), free_port()
    settings = pathlib.Path(folder, f"{port}.yaml")
    settings.write_text(CONFIGURATION.format(port=port, admin=admin_port, origin=origin, log=log))
    with Running([program, "run", "-c", str(settings)], 0, port, f"{folder}/{port}.said") as running:
        running.admin, running.origin = admin_port, origin
        store(port, "/hot", HOT)
        yield running


class Measuring:
    """Hits at a steady pace, from `with` to its end or for `seconds`."""

    def __init__(self, folder, port, rate, seconds):
        self.command = [f"{folder}/calm_client", str(port), str(CONNECTIONS), str(rate), str(HOT), str(seconds)]

    def __enter__(self):
        self.process = subprocess.Popen(["taskset", "-c", str(CPU), *self.command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with contextlib.suppress(OSError):
            os.sched_setscheduler(self.process.pid, os.SCHED_FIFO, os.sched_param(10))
        self.runs_for(0.5)
        return self

    def __exit__(self, *_):
        self.process.wait()
        out = self.process.stdout.read()
        if self.process.returncode != 0:
            raise Failed("the client failed")
        self.figures = [float(word) for word in out.split()]

    def runs_for(self, seconds):
        """Waits; false when it has ended."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def end(self):
        with contextlib.suppress(OSError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()


def alone(folder, running, rate):
    with Measuring(folder, running.port, rate, 5) as measuring:
        pass
    return measuring.figures


def load_large(port, name):
    """Seconds that a response of 1 GiB takes."""
    begun, left = time.monotonic(), 1 << 30
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(request(f"/large/{name}"))
        while left > 0 and (got := sock.recv(1 << 20, socket.MSG_TRUNC)):
            left -= len(got)
    if left > 0:
        raise Failed("a large response was cut short")
    return time.monotonic() - begun


def beside_fill(folder, running, rate):
    with Measuring(folder, running.port, rate, 20) as measuring:
        took = load_large(running.port, 1)
        measuring.end()
    stored = figure(running.admin, "freshet_cache_bytes") > 1 << 30
    return measuring.figures, f"1 GiB in {took:.1f} s, {'stored' if stored else 'NOT stored'}"


def beside_other_traffic(folder, running, rate):
    with Measuring(folder, running.port, rate, 20) as measuring:
        took = load_large(running.origin, 1)
        measuring.end()
    return measuring.figures, f"1 GiB in {took:.1f} s"


def beside_eviction(folder, running, rate):
    """There is room for two."""
    load_large(running.port, 2)
    before = figure(running.admin, "freshet_cache_bytes")
    with Measuring(folder, running.port, rate, 20) as measuring:
        took = load_large(running.port, 3)
        measuring.end()
    more = figure(running.admin, "freshet_cache_bytes") - before
    return measuring.figures, f"1 GiB in {took:.1f} s, {'in place of another' if abs(more) < 1 << 29 else 'NO OTHER HAS LEFT'}"


def beside_purge(folder, running, rate):
    objects = figure(running.admin, "freshet_cache_objects")
    with Measuring(folder, running.port, rate, 20) as measuring:
        begun = time.monotonic()
        answer = admin(running.admin, "POST /purge/groups HTTP/1.0\r\nContent-Length: 3\r\n\r\nall")
        took = time.monotonic() - begun
        measuring.process.wait()
    left = figure(running.admin, "freshet_cache_objects")
    return measuring.figures, f"{answer.splitlines()[-1]} in {took * 1000:.2f} ms; of {objects:.0f} objects {left:.0f} were left 20 s later"


def beside_scrapes(folder, running, rate):
    with Measuring(folder, running.port, rate, 6) as measuring:
        sizes = []
        while measuring.runs_for(1):
            sizes.append(len(admin(running.admin, "GET /metrics HTTP/1.0\r\n\r\n")))
    return measuring.figures, f"{len(sizes)} scrapes of {sizes[0]} bytes"


def report(name, figures, before=None, note=""):
    count, late, no_hits, *times = figures
    cells = []
    for i, micros in enumerate(times):
        ratio = f" ({micros / before[3 + i]:4.2f})" if before else ""
        cells.append(f"{micros:8.0f}{ratio:7}")
    print(f"{name:18} {count:7.0f} {''.join(cells)}  {note}{f'; NO HITS: {no_hits:.0f}' if no_hits else ''}"
          f"{f'; late: {late:.0f}' if late else ''}", flush=True)


def main():
    program = os.path.abspath(sys.argv[1])
    objects = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 4000
    os.sched_setaffinity(0, {CPU})
    with tempfile.TemporaryDirectory() as folder:
        subprocess.check_call(["g++", "-std=c++20", "-O2", "-o", f"{folder}/calm_client", f"{HERE}/calm_client.cpp"])
        origin = free_port()
        with Running([sys.executable, f"{HERE}/calm_origin.py", str(origin)], CPU, origin, f"{folder}/origin.said"):
            print(f"{'hits, in us':18} {'count':>7} {'p50':>8}{'':7}{'p99':>8}{'':7}{'p99.9':>8}{'':7}{'max':>8}")
            with freshet(program, folder, origin, "off") as running:
                store(running.port, "/group", objects)
                for name, beside in [("1 GiB is filled", beside_fill), ("1 GiB past Freshet", beside_other_traffic),
                                     ("1 GiB for 1 GiB", beside_eviction), ("group is purged", beside_purge),
                                     ("/metrics each s", beside_scrapes)]:
                    before = alone(folder, running, rate)
                    report("alone", before)
                    figures, note = beside(folder, running, rate)
                    report(name, figures, before, note)
            with freshet(program, folder, origin, f"{folder}/access.log") as running:
                figures = alone(folder, running, rate)
                lines = sum(1 for _ in open(f"{folder}/access.log", "rb"))
                report("log is written", figures, before, f"{lines} lines")


main()
