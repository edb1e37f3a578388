"""Freshet under test with the origin behind it, and what every attack needs of both."""
import re
import subprocess
import tempfile

import wire
from origin import Origin

CONFIG = """
listeners:
  - {{bind: "127.0.0.1:0", routes: [{{upstream: origin}}]}}
  - {{bind: "127.0.0.1:0", routes: [{{host: only.test, path: /public/, upstream: origin}}]}}
  - {{bind: "127.0.0.1:0", forward: {{allow_private: [127.0.0.0/8], connect_ports: [{port}]}}}}
  - {{bind: "127.0.0.1:0", forward: {{}}}}
upstreams:
  origin: {{servers: ["http://127.0.0.1:{port}"]}}
admin: {{bind: "127.0.0.1:0"}}
access_log: off
workers: 1
"""


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Bench:
    """The proxy, the origin, and what every attack needs."""

    def __init__(self, program):
        self.origin = Origin()
        self.config = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.config.write(CONFIG.format(port=self.origin.port))
        self.config.flush()
        self.proxy = subprocess.Popen([program, "run", "-c", self.config.name], stderr=subprocess.PIPE, text=True)
        ports = []
        for line in self.proxy.stderr:
            ports += re.findall(r" on (?:http://)?127\.0\.0\.1:(\d+)", line)
            if "try, twice" in line:
                break
        expect(len(ports) == 5, f"freshet did not start: {ports}")
        names = ("reverse", "only", "forward", "strict", "admin")
        self.ports = dict(zip(names, map(int, ports)))
        self.count = 0

    def address(self):
        return f"127.0.0.1:{self.origin.port}".encode()

    def fill(self, text, listener, path):
        """Replaces the placeholders of attack.py."""
        forward = listener == "forward"
        base = b"http://" + self.address() if forward else b""
        host = self.address() if forward else b"only.test" if listener == "only" else b"ok.test"
        for mark, value in ((b"<U>", b"<B><P>"), (b"<B>", base), (b"<P>", path), (b"<H>", host), (b"<A>", self.address())):
            text = text.replace(mark, value)
        return text

    def fresh_path(self, kind="a"):
        self.count += 1
        return f"/{kind}/{self.count}".encode()

    def ask(self, listener, path, fields=b"", method=b"GET", client=None):
        """One clean request and its answer, on a connection of its own unless `client` is given."""
        text = self.fill(method + b" <U> HTTP/1.1\r\nHost: <H>\r\n" + fields + b"\r\n", listener, path)
        if client:
            client.send(text)
            return client.answer(method == b"HEAD")
        with wire.Client(self.ports[listener]) as own:
            own.send(text)
            return own.answer(method == b"HEAD")

    def ask_admin(self, path):
        with wire.Client(self.ports["admin"]) as client:
            client.send(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return client.answer()

    def must_be_well(self, listener, client=None):
        """A clean request gets its own answer."""
        path = self.fresh_path("clean")
        answer = self.ask(listener, path, client=client)
        expect(answer is not None and answer.status == 200, f"a clean request afterwards got {answer and answer.start}")
        expect(answer.body.endswith(b"saw " + path) or answer.body == b"saw http://" + self.address() + path,
               f"a clean request afterwards got {answer.body!r}")

    def stop(self):
        self.proxy.terminate()
        self.proxy.wait(20)
        self.proxy.stderr.close()
        return self.proxy.returncode
