"""Counts the instructions that the program takes for requests of one kind: under valgrind, which counts the same on every machine.

An origin and a client on loopback, in this process; the client asks one request after the other on one connection. A figure is the
difference between two runs that differ in the number of such requests alone, so that starting and stopping are not in it.
"""
import email.utils
import os
import re
import socket
import subprocess
import tempfile
import threading

BODY = b"x" * 1024
PATIENCE = 60  # seconds, for anything: what takes longer has failed
FIRST = 50  # requests of every kind in the run that the others are compared with: buffers have grown, codes are translated

BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nUpgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n")

# kind -> (path of the n-th request, more fields, how many more of them)
KINDS = {
    "hit": (lambda n: "/stored/hit", "", 20000),
    "hit_browser": (lambda n: "/stored/hit", BROWSER, 16000),
    "miss": (lambda n: "/passed/miss", "", 8000),
    "miss_stored": (lambda n: f"/stored/{n:06}", "", 12000),  # as many as make all shards of the store grow equally often
}

# libc chooses its memcpy and the like by the processor: here it takes the same everywhere.
SAME_EVERYWHERE = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX2,-AVX2_Usable,-AVX,-AVX512F,-AVX512VL,-AVX512BW,-BMI2,-ERMS,-FSRM,-RTM",
    "LC_ALL": "C",
}


class Origin:
    """Answers /stored/... with something that may be stored for an hour, everything else with what may not."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listening.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def serve(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffered = b""
        while received := connection.recv(1 << 16):
            buffered += received
            while b"\r\n\r\n" in buffered:
                head, buffered = buffered.split(b"\r\n\r\n", 1)
                control = "max-age=3600" if b" /stored/" in head else "no-store"
                answer = (f"HTTP/1.1 200 OK\r\nServer: origin\r\nDate: {email.utils.formatdate(usegmt=True)}\r\nContent-Type: text/plain\r\n"
                          f"Cache-Control: {control}\r\nETag: \"0123456789abcdef\"\r\nContent-Length: {len(BODY)}\r\n\r\n")
                connection.sendall(answer.encode() + BODY)


def ask(connection, path, more):
    """One request; returns the head of its answer."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: www.example.com\r\n{more}\r\n".encode())
    answer = b""
    while not answer.endswith(BODY):
        received = connection.recv(1 << 16)
        if not received:
            raise RuntimeError(f"the connection was closed after {answer!r}")
        answer += received
    return answer[:-len(BODY)].decode("latin-1")


def check_kind(kind, head):
    """That it was what it should be: otherwise the figure would be that of something else."""
    is_hit = re.search(r"^cache-status:.*; ?hit", head, re.IGNORECASE | re.MULTILINE) is not None
    if not head.startswith("HTTP/1.1 200 ") or is_hit != kind.startswith("hit"):
        raise RuntimeError(f"this is no {kind}:\n{head}")


def collected(said):
    """The sum that callgrind tells at the end."""
    found = re.search(r"Collected *: *(\d+)", said)
    if not found:
        raise RuntimeError(f"valgrind has counted nothing:\n{said[-3000:]}")
    return int(found.group(1))


class Proxy:
    """The program under valgrind, as a reverse proxy with one worker."""

    def __init__(self, program, origin_port, folder):
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, "reverse", "--listen", "127.0.0.1:0",
                   "--to", f"http://127.0.0.1:{origin_port}", "--admin", "off", "--workers", "1", "--access-log", "off"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **SAME_EVERYWHERE})
        self.alarm = threading.Timer(PATIENCE, self.process.kill)
        self.alarm.start()
        said = ""
        for line in self.process.stderr:
            said += line
            found = re.search(r"reverse proxy to .* on 127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                return
        self.end()
        raise RuntimeError(f"{program} does not start under valgrind:\n{said}")

    def end(self):
        """Stops it; returns all that it said since it was ready."""
        self.process.terminate()
        said = self.process.stderr.read()
        self.process.wait()
        self.alarm.cancel()
        return said


def count(program, origin, more_of=None):
    """Instructions of one run: FIRST requests of each kind, and with `more_of` the further ones of that kind."""
    with tempfile.TemporaryDirectory() as folder:
        proxy = Proxy(program, origin.port, folder)
        try:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as connection:
                ask(connection, "/stored/hit", "")
                for kind, (path, fields, more) in KINDS.items():
                    for n in range(FIRST + (more if kind == more_of else 0)):
                        check_kind(kind, ask(connection, path(n), fields))
        finally:
            said = proxy.end()
        return collected(said)


def measure(program, kinds):
    """kind -> instructions for one request. On one processor: who runs beside whom, and so who waits for whom, is then always the same."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    origin = Origin()
    base = count(program, origin)
    return {kind: round((count(program, origin, kind) - base) / KINDS[kind][2]) for kind in kinds}
