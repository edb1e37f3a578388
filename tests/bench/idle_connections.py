#!/usr/bin/env python3
"""What a connection costs that does nothing: memory of the proxy for each, and the time of a request beside all of them.

    tests/bench/idle_connections.py build/release/freshet [--connections 10000] [--settle 12]

Starts the proxy and an origin on loopback, on ports of the system's choice, and ends both. Needs two descriptors for each
connection (ulimit -Hn). Each kind gets a proxy of its own:

    silent      connected, and never sent a byte
    half-head   has sent half of a request's head
    idle        has had one answer, and keeps the connection
"""
import argparse
import http.server
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HALF = b"GET /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: half\r\nAccept: */*\r\n"
WHOLE = HALF + b"\r\n"


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"x" * 1000
        self.send_response(200)
        self.send_header("Cache-Control", "max-age=3600")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


def ask(sock):
    """One request on `sock`, in seconds."""
    began = time.perf_counter()
    sock.sendall(WHOLE)
    got = b""
    while not got.endswith(b"x" * 1000):
        some = sock.recv(65536)
        if not some:
            raise RuntimeError("the proxy closed a connection")
        got += some
    return time.perf_counter() - began


def start(binary, origin, config):
    config.write(f"""
listeners: [{{bind: "127.0.0.1:0", routes: [{{upstream: o}}]}}]
upstreams: {{o: {{servers: ["http://127.0.0.1:{origin}"]}}}}
admin: off
access_log: off
workers: 1
limits: {{connections: 30000}}
timeouts: {{client_header: 5m, client_idle: 5m}}
""")
    config.flush()
    proxy = subprocess.Popen([binary, "run", "--config", config.name], stderr=subprocess.PIPE, text=True)
    for line in proxy.stderr:
        found = re.search(r"127\.0\.0\.1:([1-9]\d*)", line)
        if found:
            threading.Thread(target=proxy.stderr.read, daemon=True).start()
            return proxy, int(found.group(1))
    raise SystemExit("the proxy did not start")


def measure(binary, origin, kind, connections, settle, stages):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        proxy, port = start(binary, origin, config)
        crowd = []
        try:
            asker = socket.create_connection(("127.0.0.1", port))
            for _ in range(100):
                ask(asker)
            before = resident(proxy.pid)
            alone = statistics.median(ask(asker) for _ in range(1000))
            for number in range(1, connections + 1):
                one = socket.create_connection(("127.0.0.1", port))
                crowd.append(one)
                if kind == "half-head":
                    one.sendall(HALF)
                elif kind == "idle":
                    ask(one)
                if stages > 1 and number % (connections // stages) == 0:
                    print(f"{kind:10} {number:7} {(resident(proxy.pid) - before) / number:11.0f}", flush=True)
                    time.sleep(settle)
            ask(asker)
            opened = resident(proxy.pid) - before
            time.sleep(settle)
            settled = resident(proxy.pid) - before
            beside = statistics.median(ask(asker) for _ in range(1000))
            print(f"{kind:10} {connections:7} {opened / connections:11.0f} {settled / connections:11.0f} "
                  f"{alone * 1e6:9.0f} {beside * 1e6:9.0f}", flush=True)
        finally:
            for one in crowd:
                one.close()
            proxy.terminate()
            proxy.wait(20)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--settle", type=float, default=12, help="seconds")
    parser.add_argument("--stages", type=int, default=1,
                        help="come in so many crowds, with --settle between them: shows that memory is used again")
    parser.add_argument("kinds", nargs="*", default=["silent", "half-head", "idle"])
    wanted = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    possible = (hard - 200) // 2
    if wanted.connections > possible:
        print(f"{hard} descriptors are enough for {possible} connections only")
        wanted.connections = possible
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    print("kind       connections  bytes each  later, each  alone us  beside us")
    for kind in wanted.kinds:
        measure(os.path.abspath(wanted.binary), origin.server_address[1], kind, wanted.connections, wanted.settle, wanted.stages)


if __name__ == "__main__":
    sys.exit(main())
