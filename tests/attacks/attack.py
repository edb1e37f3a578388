"""The form of an attack, and short ways to write one.

In the bytes <U> stands for the target of the attack's own path (absolute on a forward listener), <B> for what comes before a path
there, <H> for the right Host, <A> for the origin's address."""
from dataclasses import dataclass

BOTH, REVERSE, FORWARD = ("reverse", "forward"), ("reverse",), ("forward",)


@dataclass
class Attack:
    name: str
    send: bytes
    statuses: tuple            # of the first answer; () when the connection may end without one
    closes: object             # True: must; False: must not; None: may
    origin: tuple              # how many requests for its own path the origin may have seen
    listeners: tuple = BOTH
    ends: bool = False         # the client shuts its side down
    body: object = None        # what the origin must have understood
    answers: int = 1           # how many may come at most
    hidden: tuple = ()         # bytes that the origin must not have seen anywhere in the request
    shown: tuple = ()          # bytes that the origin must have seen there
    head_only: bool = False
    only: tuple = ()           # targets that count as its own path


def refused(name, send, *statuses, **more):
    """Answered here, closed, and never seen by the origin."""
    return Attack(name, send, statuses or (400,), True, (0,), **more)


def passed(name, send, *statuses, **more):
    """Odd, but clear: the origin sees exactly one request."""
    more.setdefault("closes", None)
    return Attack(name, send, statuses or (200,), origin=(1,), **more)


def either(name, send, *statuses, **more):
    """May be refused, and then closes; or understood in one way only."""
    more.setdefault("closes", None)
    return Attack(name, send, statuses or (200, 400, 501), origin=(0, 1), **more)


def post(fields, body=b"", method=b"POST", version=b"HTTP/1.1"):
    return method + b" <U> " + version + b"\r\nHost: <H>\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def get(*fields, method=b"GET", version=b"HTTP/1.1"):
    return post(fields, b"", method, version)


def chunked(body, *fields):
    return post((b"Transfer-Encoding: chunked",) + fields, body)


# A second request, for a parser that ends the first one too early.
EVIL = b"GET <B>/evil HTTP/1.1\r\nHost: <H>\r\n\r\n"
