"""Sends mutated requests through a reverse proxy to an origin that records, and has two unrelated parsers judge the record.

What the origin gets must be the same requests to both parsers, without an error; and exactly those requests that were answered to the
client as coming from the origin. tests/differential/run calls this.
"""
import argparse
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import mutations
import parsers

PATIENCE = 10  # seconds that anything may take
MARK = b"X-Origin-Answer: "
CONFIGURATION = """
listeners:
  - bind: 127.0.0.1:0
    routes: [{upstream: origin}]
upstreams:
  origin: {servers: ["http://127.0.0.1:%d"]}
admin: off
access_log: {path: %s, format: json}
workers: 1
"""


class Origin:
    """Records every connection, and answers what h11 takes for a request."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.records, self.answered = [], []  # bytes of each connection; (method, target) of each request, in order
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            record = bytearray()
            self.records.append(record)
            threading.Thread(target=self.talk, args=(connection, record), daemon=True).start()

    def talk(self, connection, record):
        reader = parsers.H11Reader()

        def answer(request):
            self.answered.append((request.method, request.target))
            connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n" + MARK + b"%d\r\n\r\n" % len(self.answered))

        with connection:
            while True:
                try:
                    data = connection.recv(1 << 16)
                except OSError:
                    return
                record += data
                reader.feed(data, answer, lambda: connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))
                if reader.error is not None and data:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                if not data or reader.error is not None:
                    return


class Proxy:
    """A Freshet in front of the origin."""

    def __init__(self, program, origin_port, folder):
        file = pathlib.Path(folder, "differential.yaml")
        self.log = pathlib.Path(folder, "access.log")
        file.write_text(CONFIGURATION % (origin_port, self.log))
        self.process = subprocess.Popen([program, "run", "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said, self.port, self.known = [], None, threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        self.known.wait(PATIENCE)
        if self.port is None:
            self.close()
            raise SystemExit(f"{program} does not start:\n{''.join(self.said)}")

    def listen(self):
        for line in self.process.stderr:
            self.said.append(line)
            found = re.search(r"proxy.* on 127\.0\.0\.1:(\d+)\n", line)
            if found and self.port is None:
                self.port = int(found.group(1))
                self.known.set()
        self.known.set()

    def check(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the proxy has ended with {self.process.returncode}\n{''.join(self.said[-50:])}")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)

    def forwarded(self):
        """(method, target) of the requests that an origin has answered, in order. REQUIRES: closed."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [(line["method"].encode(), line["uri"].encode()) for line in lines if line.get("upstream_status") == 200]


def exchange(port, text, cut):
    """All that the proxy answers to one connection with these bytes; None when it does not come to an end."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for part in (text[:cut], text[cut:]):
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        except OSError as failure:
            if failure.errno != 107:  # it has closed already
                raise
        while True:
            try:
                data = client.recv(1 << 16)
            except socket.timeout:
                return None
            except ConnectionResetError:
                return received
            if not data:
                return received
            received += data


def send_all(proxy, origin, cases):
    """Sends every case; returns (complaints, how many were refused). A case: (its number, bytes, where to cut them)."""
    complaints, refused = [], 0
    for number, text, cut in cases:
        before = len(origin.answered)
        answer = exchange(proxy.port, text, cut)
        seen = len(origin.answered) - before
        refused += seen == 0
        what = None
        if answer is None:
            what = "the proxy does not finish with it"
        elif answer.count(MARK) != seen:
            what = f"the origin answered {seen} requests, the client got {answer.count(MARK)} of the answers"
        if what:
            complaints.append(f"case {number}: {what}\n  sent: {text!r}")
        proxy.check()
        if len(complaints) >= 10:
            break
    return complaints, refused


def judge(origin):
    """What is wrong with what the origin got."""
    llhttp, known = parsers.Llhttp(), parsers.methods_of_llhttp()
    complaints, found = [], 0
    for record in map(bytes, origin.records):
        requests, wrong = parsers.compare(record, llhttp, known)
        found += len(requests)
        complaints += [f"what an origin got: {what}\n  recorded: {record!r}" for what in wrong]
    if found != len(origin.answered):
        complaints.append(f"the origin answered {len(origin.answered)} requests, its records have {found}")
    llhttp.close()
    return complaints


def run(options):
    began = time.monotonic()
    origin = Origin()
    numbers = options.only or range(options.cases)
    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(options.freshet, origin.port, folder)
        try:
            complaints, refused = send_all(proxy, origin, ((n, *mutations.make_case(options.seed, n)) for n in numbers))
        finally:
            proxy.close()
        forwarded = proxy.forwarded()
    complaints += judge(origin)
    # A left-over of one request that begins the next one is a request that the proxy knows nothing of.
    if forwarded != origin.answered:
        differ = [pair for pair in zip(forwarded, origin.answered) if pair[0] != pair[1]]
        complaints.append(f"the proxy forwarded other requests than the origin answered: {differ[:1]}")
    if not options.only and not (len(origin.answered) > options.cases / 10 and refused > options.cases / 10):
        complaints.append("too few were forwarded, or refused, to mean anything")
    for complaint in complaints[:20]:
        print(complaint)
    print(f"differential: {len(numbers)} cases, {refused} refused, {len(origin.answered)} requests forwarded on {len(origin.records)} connections, "
          f"{len(complaints)} complaints, {time.monotonic() - began:.0f} s")
    return 1 if complaints else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freshet", default=str(pathlib.Path(__file__).parents[2] / "build/release/freshet"))
    parser.add_argument("--cases", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, action="append", help="one case; again for several")
    options = parser.parse_args()
    if not os.access(options.freshet, os.X_OK):
        sys.exit(f"differential: {options.freshet} is not there")
    sys.exit(run(options))


if __name__ == "__main__":
    main()
