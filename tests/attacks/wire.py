"""HTTP/1.1 as the tests see it from outside: a client of raw bytes, and strict readers for both sides' messages."""
import os
import re
import socket

PATIENCE = float(os.environ.get("PATIENCE", 10))  # seconds until a silent proxy counts as a failure; nothing waits that long when all is well
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
CHUNK = re.compile(rb"[0-9A-Fa-f]{1,16}\Z")


class Malformed(Exception):
    """Bytes that are not a message of RFC 9112."""


class Message:
    """`start`: the start line; `fields`: pairs of lower-case name and value; `body`: as understood."""

    def __init__(self, start, fields, body, trailers=()):
        self.start, self.fields, self.body, self.trailers = start, fields, body, list(trailers)

    def values(self, name):
        return [value for key, value in self.fields if key == name.lower()]

    @property
    def status(self):
        return int(self.start.split(b" ")[1])

    @property
    def method(self):
        return self.start.split(b" ")[0].decode()

    @property
    def target(self):
        return self.start.split(b" ")[1].decode("latin-1")


class Reader:
    """Takes bytes from a socket as they are needed."""

    def __init__(self, sock):
        self.sock, self.data, self.ended, self.reset = sock, b"", False, False

    def more(self):
        if self.ended:
            return False
        try:
            got = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            self.reset, got = True, b""
        if not got:
            self.ended = True
            return False
        self.data += got
        return True

    def take(self, size):
        while len(self.data) < size:
            if not self.more():
                raise EOFError
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self):
        while b"\n" not in self.data:
            if not self.more():
                raise EOFError
        line, self.data = self.data.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Malformed(f"line end: {line!r}")
        return line[:-1]

    def field_lines(self):
        fields = []
        while line := self.line():
            name, colon, value = line.partition(b":")
            if not colon or not TOKEN.match(name):
                raise Malformed(f"field line: {line!r}")
            value = value.strip(b" \t")
            if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value):
                raise Malformed(f"control byte: {line!r}")
            fields.append((name.decode().lower(), value.decode("latin-1")))
        return fields

    def chunked(self):
        body = b""
        while True:
            line = self.line()
            if not CHUNK.match(line):
                raise Malformed(f"chunk line: {line!r}")
            size = int(line, 16)
            if size == 0:
                return body, self.field_lines()
            body += self.take(size)
            if self.take(2) != b"\r\n":
                raise Malformed("chunk data without CRLF")

    def rest(self):
        while self.more():
            pass
        taken, self.data = self.data, b""
        return taken


def framing(fields):
    """Content-Length as a number, "chunked", or None; a message that says more than one of them is malformed."""
    lengths = [v for k, v in fields if k == "content-length"]
    codings = [v for k, v in fields if k == "transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise Malformed(f"more than one framing: {lengths} {codings}")
    if lengths:
        if not lengths[0].isdigit() or (lengths[0] != "0" and lengths[0][0] == "0"):
            raise Malformed(f"Content-Length: {lengths[0]}")
        return int(lengths[0])
    if codings and codings[0] != "chunked":
        raise Malformed(f"Transfer-Encoding: {codings[0]}")
    return "chunked" if codings else None


def read_request(reader, continues=None):
    """One request, as strictly as an origin could read it; None at the end. `continues`: called when a 100 is awaited."""
    while not reader.data:
        if not reader.more():
            return None
    start = reader.line()
    parts = start.split(b" ")
    if len(parts) != 3 or not TOKEN.match(parts[0]) or parts[2] != b"HTTP/1.1" or re.search(rb"[^\x21-\x7e]|#", parts[1]):
        raise Malformed(f"request line: {start!r}")
    fields = reader.field_lines()
    if len([1 for name, _ in fields if name == "host"]) != 1:
        raise Malformed("not one Host")
    request = Message(start, fields, b"")
    if continues and request.values("expect"):
        continues()
    size = framing(fields)
    if size == "chunked":
        request.body, request.trailers = reader.chunked()
    elif size:
        request.body = reader.take(size)
    return request


def read_response(reader, head_only=False):
    """One response, 1xx included; None when the connection ends before it begins."""
    while not reader.data:
        if not reader.more():
            return None
    start = reader.line()
    if not re.match(rb"HTTP/1\.1 [1-9][0-9][0-9] [^\x00-\x08\x0a-\x1f\x7f]*\Z", start):
        raise Malformed(f"status line: {start!r}")
    response = Message(start, reader.field_lines(), b"")
    size = framing(response.fields)
    if head_only or response.status < 200 or response.status in (204, 304):
        return response
    if size == "chunked":
        response.body, response.trailers = reader.chunked()
    elif size is None:
        response.body = reader.rest()
    else:
        response.body = reader.take(size)
    return response


class Client:
    """One connection to the proxy."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass  # it has been refused already; the answer says more

    def end(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def answer(self, head_only=False):
        """The next final response."""
        while True:
            response = read_response(self.reader, head_only)
            if response is None or response.status >= 200 or response.status == 101:
                return response

    def is_closed(self):
        """Whether the proxy has nothing more to say and closes. What it says is left in reader.data."""
        self.reader.more()
        return self.reader.ended and not self.reader.data
