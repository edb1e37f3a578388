#!/usr/bin/env python3
"""What a CONNECT tunnel costs beside a bare splice(2) relay: processor time for each GiB that it moves, and for each message of
100 bytes that goes there and comes back.

usage: tunnel.py PATH_TO_FRESHET [GIB [ROUNDS]]
The relays run on processor 0, client and target on processor 1; rounds alternate. It needs gcc and taskset.
"""
import os, socket, statistics, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = b"x" * (256 * 1024)
MESSAGES = 20000
CONFIGURATION = """
workers: 1
admin: off
access_log: off
listeners:
  - bind: 127.0.0.1:{listen}
    forward: {{allow_private: true, connect_ports: [{target}]}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def processor_time(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(port):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            pass
    raise SystemExit(f"nothing listens on {port}")


class Target(threading.Thread):
    """Sends `size` bytes to whoever connects and asks with "!"; sends back what others send."""

    def __init__(self, size):
        super().__init__(daemon=True)
        self.size, self.listening = size, socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listening.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = client.recv(4096)
            if asked == b"!":
                for _ in range(self.size // len(BLOCK)):
                    client.sendall(BLOCK)
            while asked and asked != b"!":
                client.sendall(asked)
                asked = client.recv(4096)
            client.close()


def open_tunnel(port, connect_to):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if connect_to:
        s.sendall(f"CONNECT 127.0.0.1:{connect_to} HTTP/1.1\r\nHost: 127.0.0.1:{connect_to}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += s.recv(1)
        assert answer.startswith(b"HTTP/1.1 200"), answer
    return s


def talk(port, connect_to):
    """MESSAGES of 100 bytes there and back."""
    with open_tunnel(port, connect_to) as s:
        for _ in range(MESSAGES):
            s.sendall(b"x" * 100)
            got = 0
            while got < 100:
                got += len(s.recv(100))


def fetch(port, connect_to, size):
    """Seconds for `size` bytes through the relay on `port`."""
    s = open_tunnel(port, connect_to)
    start, room, got = time.monotonic(), bytearray(1 << 20), 0
    s.sendall(b"!")
    while got < size:
        n = s.recv_into(room)
        if n == 0:
            raise SystemExit(f"cut off after {got} bytes")
        got += n
    s.close()
    return time.monotonic() - start


def main():
    freshet, gib = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 2
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    size = int(gib * (1 << 30)) // len(BLOCK) * len(BLOCK)
    os.sched_setaffinity(0, {os.cpu_count() - 1})
    target = Target(size)
    target.start()
    with tempfile.TemporaryDirectory() as work:
        subprocess.check_call(["gcc", "-O2", "-o", f"{work}/splice_relay", f"{HERE}/splice_relay.c"])
        ports = {"splice": free_port(), "freshet": free_port()}
        with open(f"{work}/freshet.yaml", "w") as settings:
            settings.write(CONFIGURATION.format(listen=ports["freshet"], target=target.port))
        commands = {
            "splice": [f"{work}/splice_relay", str(ports["splice"]), str(target.port)],
            "freshet": [freshet, "run", "-c", f"{work}/freshet.yaml"],
        }
        running = {n: subprocess.Popen(["taskset", "-c", "0"] + c, stdout=subprocess.DEVNULL) for n, c in commands.items()}
        figures = {n: [] for n in commands}
        try:
            for port in ports.values():
                wait_for(port)
            for _ in range(rounds):
                for name, process in running.items():
                    connect_to = target.port if name == "freshet" else None
                    before = processor_time(process.pid)
                    took = fetch(ports[name], connect_to, size)
                    moved = processor_time(process.pid)
                    talk(ports[name], connect_to)
                    talked = processor_time(process.pid)
                    figures[name].append(((moved - before) * 1e3 / gib, gib / took, (talked - moved) * 1e6 / MESSAGES))
        finally:
            for process in running.values():
                process.terminate()
                process.wait()
        for name, rows in figures.items():
            print(f"{name:8} {statistics.median(r[0] for r in rows):7.0f} ms of processor time for a GiB, "
                  f"{statistics.median(r[1] for r in rows):5.2f} GiB/s, "
                  f"{statistics.median(r[2] for r in rows):5.1f} us for a message and its answer")
        spent = [statistics.median(r[0] for r in figures[name]) for name in ("freshet", "splice")]
        print(f"a tunnel takes {spent[0] / spent[1]:.2f} times what the relay takes")


main()
