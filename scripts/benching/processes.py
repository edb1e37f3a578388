"""Processes of one program and its children: started on one processor, measured, and ended by their ids."""
import os
import pathlib
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 20  # seconds, until a program listens or has ended


class Failed(Exception):
    """Something could not be measured; the text says why."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def tree(pid):
    """`pid` and all its descendants."""
    found, children = [pid], []
    for tasks in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += tasks.read_text().split()
        except OSError:
            continue
    for child in set(children):
        found += tree(int(child))
    return found


def parse_stat(text):
    """(user, system) ticks from /proc/PID/stat; the name in it may hold anything."""
    fields = text.rsplit(")", 1)[1].split()
    return int(fields[11]), int(fields[12])


def parse_pss(text):
    """Bytes from /proc/PID/smaps_rollup."""
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def read_all(pids, name):
    for pid in pids:
        try:
            yield pathlib.Path(f"/proc/{pid}/{name}").read_text()
        except OSError:
            continue


class Running:
    """One program, pinned to `cpu`, or to several: "0,1". Also a `with` block, that ends it."""

    def __init__(self, command, cpu, port, log, environment=None):
        self.port, self.ports, self.log = port, [port], pathlib.Path(log)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(["taskset", "-c", str(cpu), *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env={**os.environ, **(environment or {})}, cwd=self.log.parent, start_new_session=True)
        try:
            self.wait_until_it_listens()
        except BaseException:
            self.end()
            raise

    def wait_until_it_listens(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.3).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failed("it does not start: " + self.log.read_text(errors="replace")[-500:].strip())

    def cpu_seconds(self):
        """(user, system), of all its processes that live."""
        ticks = [parse_stat(text) for text in read_all(tree(self.process.pid), "stat")]
        return sum(user for user, _ in ticks) / TICKS, sum(system for _, system in ticks) / TICKS

    def memory(self):
        """Bytes (proportional set size), of all its processes."""
        return sum(parse_pss(text) for text in read_all(tree(self.process.pid), "smaps_rollup"))

    def end(self):
        pids = tree(self.process.pid) if self.process.poll() is None else []
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in reversed(pids):
                try:
                    os.kill(pid, number)
                except OSError:
                    continue
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                continue
            end = time.monotonic() + 5
            while time.monotonic() < end and any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids):
                time.sleep(0.05)
            pids = [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists()]
            if not pids:
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Several:
    """Programs that are measured as one."""

    def __init__(self, running):
        self.running, self.ports = running, [one.port for one in running]

    def cpu_seconds(self):
        each = [one.cpu_seconds() for one in self.running]
        return sum(user for user, _ in each), sum(system for _, system in each)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.running:
            one.end()


def pin_threads(pid, name, cpus):
    """The n-th thread of that name, with its number behind it, to the n-th processor; as soon as all of them have started."""
    end = time.monotonic() + PATIENCE
    found = {}
    while len(found) < len(cpus):
        if time.monotonic() > end:
            raise Failed(f"it has not as many threads {name}N as there are processors")
        for comm in pathlib.Path(f"/proc/{pid}/task").glob("*/comm"):
            thread = comm.read_text().strip()
            if thread.startswith(name) and thread[len(name):].isdigit():
                found[int(thread[len(name):])] = int(comm.parent.name)
    for number, thread in found.items():
        os.sched_setaffinity(thread, {cpus[number % len(cpus)]})
