"""What two parsers that have nothing in common make of the same bytes: h11 (Python) and llhttp (C, inside Node)."""
import base64
import json
import pathlib
import re
import subprocess

import h11

HERE = pathlib.Path(__file__).parent
# h11 and llhttp are used as they come, but for the size of a head.
MOST_HEAD = 1 << 20


class Request:
    """One complete request, as a parser understood it. All in bytes; names in lower case."""

    def __init__(self, method, target, fields, body, trailers):
        self.method, self.target, self.fields, self.body, self.trailers = method, target, fields, body, trailers

    def differences(self, other):
        return [f"{name}: {getattr(self, name)!r} and {getattr(other, name)!r}"
                for name in ("method", "target", "fields", "body", "trailers") if getattr(self, name) != getattr(other, name)]


class H11Reader:
    """Reads requests as they come; `answer` writes what the server says to each."""

    def __init__(self):
        self.connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self.requests, self.error = [], None
        self.head, self.body = None, b""
        self.fed, self.starts = 0, [0]  # bytes, and where requests begin in them

    def feed(self, data, answer=lambda request: None, go_on=lambda: None):
        """Takes bytes, b"" for the end. Calls answer(request) for each one that is complete."""
        if self.error is not None:
            return
        self.fed += len(data)
        try:
            self.connection.receive_data(data)
            while self.step(answer, go_on):
                pass
        except h11.RemoteProtocolError as failure:
            # The end of the bytes within a request is no fault of theirs.
            if data != b"":
                self.error = str(failure)

    def step(self, answer, go_on):
        event = self.connection.next_event()
        if event is h11.NEED_DATA:
            if self.connection.they_are_waiting_for_100_continue:
                self.connection.send(h11.InformationalResponse(status_code=100, headers=[]))
                go_on()
            return False
        if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            if event is h11.PAUSED:
                self.error = "bytes behind a request that was the last one"
            return False
        if isinstance(event, h11.Request):
            self.head, self.body = event, b""
        elif isinstance(event, h11.Data):
            self.body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            request = Request(bytes(self.head.method), bytes(self.head.target), [(bytes(n), bytes(v)) for n, v in self.head.headers],
                              self.body, [(bytes(n), bytes(v)) for n, v in event.headers])
            self.requests.append(request)
            self.starts.append(self.fed - len(self.connection.trailing_data[0]))
            self.connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            self.connection.send(h11.EndOfMessage())
            answer(request)
            if self.connection.our_state is h11.DONE and self.connection.their_state is h11.DONE:
                self.connection.start_next_cycle()
        return True


def read_h11(data):
    """(requests, where each begins and where the last one ends, what h11 says against the bytes or None)."""
    reader = H11Reader()
    reader.feed(data)
    if data:
        reader.feed(b"")
    return reader.requests, reader.starts, reader.error


class Llhttp:
    """A Node process that reads recorded connections."""

    def __init__(self):
        self.process = subprocess.Popen(["node", "--no-warnings", str(HERE / "llhttp.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self, pieces):
        """(requests, what llhttp says against the bytes or None). Pieces: as they come, one after the other."""
        self.process.stdin.write(json.dumps({"pieces": [base64.b64encode(piece).decode() for piece in pieces]}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("node has ended")
        got = json.loads(line)
        pairs = lambda fields: [(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields]
        return [Request(r["method"].encode("latin-1"), r["target"].encode("latin-1"), pairs(r["fields"]), base64.b64decode(r["body"]), pairs(r["trailers"]))
                for r in got["requests"]], got["error"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def methods_of_llhttp():
    """It knows a list of methods; h11 takes any token."""
    out = subprocess.run(["node", "-p", "require('http').METHODS.join(' ')"], capture_output=True, text=True, check=True).stdout
    return {name.encode() for name in out.split()}


TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ ")


def prepare(data, starts, known):
    """What llhttp is shown: the bytes of each request by themselves, with the methods that it does not know spelled as POST."""
    pieces = [data[start:end] for start, end in zip(starts, starts[1:] + [len(data)])]
    for i, piece in enumerate(pieces):
        method = TOKEN.match(piece)
        if method and method.group()[:-1] not in known:
            pieces[i] = b"POST " + piece[method.end():]
    return [piece for piece in pieces if piece]


def compare(data, llhttp, known):
    """(complete requests, complaints): whether both parsers find the same requests in these bytes, and nothing to complain of."""
    requests, starts, error = read_h11(data)
    complaints = [f"h11 refuses it: {error}"] if error else []
    others, error = llhttp.read(prepare(data, starts, known))
    complaints += [f"llhttp refuses it: {error}"] if error else []
    if len(requests) != len(others):
        complaints.append(f"h11 finds {len(requests)} requests, llhttp {len(others)}")
    for i, (one, other) in enumerate(zip(requests, others)):
        if one.method not in known and other.method == b"POST":
            other.method = one.method
        complaints += [f"request {i + 1}: {difference}" for difference in one.differences(other)]
    return requests, complaints
