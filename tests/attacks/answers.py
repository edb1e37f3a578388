"""Origins that attack: malformed, ambiguous and endless answers."""
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\n"
LIFE = b"Cache-Control: max-age=3600\r\n"
# What would be taken for the answer to somebody else's request.
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


@dataclass
class Answer:
    name: str
    raw: bytes
    statuses: tuple          # () : no complete answer may reach the client, 502 apart
    body: object = None
    method: bytes = b"GET"
    then: str = "keep"       # what the origin does next: keep, close or reset
    fields: bytes = b""      # of the client's request
    late: bytes = b""        # sent when the client has its answer
    content: bytes = b""     # of the client's request
    hidden: tuple = ()       # what the client must not get


def bad(name, raw, **more):
    return Answer(name, raw, (502,), **more)


def cut(name, raw, **more):
    return Answer(name, raw, (), **more)


def fine(name, raw, body, status=200, **more):
    return Answer(name, raw, (status,), body, **more)


def head(*lines, status=OK):
    return status + b"".join(line + b"\r\n" for line in lines) + LIFE + b"\r\n"


STATUS_LINES = [
    bad(f"status line: {name}", start + b"\r\nContent-Length: 2\r\n" + LIFE + b"\r\nxx")
    for name, start in (
        ("no code", b"HTTP/1.1 "), ("no space", b"HTTP/1.1200 OK"), ("two digits", b"HTTP/1.1 20 OK"), ("four digits", b"HTTP/1.1 2000 OK"),
        ("letters", b"HTTP/1.1 2x0 OK"), ("zero first", b"HTTP/1.1 099 OK"), ("negative", b"HTTP/1.1 -20 OK"), ("plus", b"HTTP/1.1 +20 OK"),
        ("two spaces", b"HTTP/1.1  200 OK"), ("a tab", b"HTTP/1.1\t200 OK"), ("a leading space", b" HTTP/1.1 200 OK"), ("HTTP/2", b"HTTP/2 200 OK"),
        ("HTTP/2.0", b"HTTP/2.0 200 OK"), ("HTTP/0.9", b"HTTP/0.9 200 OK"), ("lower case", b"http/1.1 200 OK"), ("another protocol", b"ICY 200 OK"),
        ("no dot", b"HTTP/11 200 OK"), ("NUL in the reason", b"HTTP/1.1 200 O\x00K"), ("a bare CR in the reason", b"HTTP/1.1 200 O\rK"),
        ("ESC in the reason", b"HTTP/1.1 200 \x1b[31m"), ("a request", b"GET / HTTP/1.1"), ("nothing", b""), ("version 1.11", b"HTTP/1.11 200 OK"))
] + [
    bad("status line: LF alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nxx"), bad("no HTTP at all", b"<html>hello</html>\r\n\r\n", then="close"),
    bad("status line without end", b"HTTP/1.1 200 " + b"x" * 200000), bad("an answer that is cut off in the status line", b"HTTP/1.1 2", then="close"),
    bad("an answer that is cut off in the fields", OK + b"X: y\r\n", then="close"), bad("no answer", b"", then="close"), bad("a reset", b"", then="reset"),
    bad("a reset in the fields", OK + b"X: y", then="reset"),
    fine("status line without reason", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nxx", b"xx"),
]

FIELD_LINES = [
    bad(f"answer's field line: {name}", head(line, b"Content-Length: 2") + b"xx")
    for name, line in (
        ("no colon", b"X-A"), ("an empty name", b": x"), ("a space in the name", b"X A: b"), ("NUL in the name", b"X\x00: b"), ("NUL in the value", b"X: \x00"),
        ("a control byte", b"X: \x01"), ("a bare CR", b"X: a\rSet-Cookie: b"), ("a bare LF", b"X: a\nSet-Cookie: b"), ("a high byte in the name", b"X\xe9: b"),
        ("white space first", b" : x"))
] + [
    bad("answer's field line: white space before the first", OK + b" X: y\r\nContent-Length: 2\r\n\r\nxx"),
    bad("answer's fields without end", OK + b"X: y\r\n" * 100000), bad("answer's field value without end", OK + b"X: " + b"y" * 200000),
    bad("too many fields", OK + b"X: y\r\n" * 1000 + b"Content-Length: 0\r\n\r\n"),
    bad("answer's Connection with thousands of options", head(b"Connection: " + b",".join([b"aa"] * 9000), b"Content-Length: 2") + b"xx"),
    fine("answer's field folded: the fold goes", head(b"X-Fold: a\r\n b", b"Content-Length: 2") + b"xx", b"xx", hidden=(b"\r\n b",)),
    fine("answer's field with a space before the colon: the space goes", head(b"X-Space : a", b"Content-Length: 2") + b"xx", b"xx", hidden=(b"X-Space :",)),
    fine("hop-by-hop fields stay here", head(b"Connection: X-Secret, close", b"X-Secret: s3cret", b"Keep-Alive: timeout=99", b"Proxy-Authenticate: Basic",
                                         b"Content-Length: 2") + b"xx", b"xx", hidden=(b"s3cret", b"timeout=99", b"Proxy-Authenticate"), then="close"),
    fine("Connection cannot take Cache-Control away", OK + b"Connection: Cache-Control, Set-Cookie, close\r\nCache-Control: no-store\r\nContent-Length: 2\r\n\r\nxx", b"xx", then="close"),
]

FRAMING = [
    bad(f"answer's Content-Length {name}", head(b"Content-Length: " + value) + b"xx" + EVIL)
    for name, value in (("with a plus", b"+2"), ("negative", b"-2"), ("hexadecimal", b"0x2"), ("empty", b""), ("of letters", b"abc"), ("unequal list", b"2, 3"),
                        ("with a space", b"1 0"), ("beyond 63 bits", b"9223372036854775808"), ("beyond 64 bits", b"18446744073709551618"),
                        ("a trailing comma", b"2,"), ("quoted", b'"2"'))
] + [
    bad("answer's Content-Length twice, unequal", head(b"Content-Length: 2", b"Content-Length: 3") + b"xx" + EVIL),
    bad("answer's Content-Length malformed for HEAD", head(b"Content-Length: +2"), method=b"HEAD"),
    fine("answer's Content-Length twice, equal", head(b"Content-Length: 2", b"Content-Length: 2") + b"xx", b"xx"),
    bad("P3 answer with chunked and Content-Length", head(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n" + EVIL),
    bad("P3 answer with Content-Length: 0 and chunked", head(b"Transfer-Encoding: chunked", b"Content-Length: 0") + b"5\r\nhello\r\n0\r\n\r\n" + EVIL),
    bad("P3 answer with an unknown coding and Content-Length", head(b"Transfer-Encoding: xchunked", b"Content-Length: 1") + b"hello", then="close"),
    bad("answer's coding chunked twice", head(b"Transfer-Encoding: chunked, chunked") + b"5\r\nhello\r\n0\r\n\r\n"),
    bad("answer's coding chunked on two lines", head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n"),
    bad("answer's coding gzip, chunked", head(b"Transfer-Encoding: gzip, chunked") + b"5\r\nhello\r\n0\r\n\r\n"),
    bad("answer's coding chunked, identity", head(b"Transfer-Encoding: chunked, identity") + b"5\r\nhello\r\n0\r\n\r\n"),
    bad("answer's coding with a vertical tab", head(b"Transfer-Encoding: \x0bchunked") + b"5\r\nhello\r\n0\r\n\r\n"),
    fine("answer's coding unknown: read to the end", head(b"Transfer-Encoding: xchunked") + b"hello", b"hello", then="close"),
    fine("answer with chunked on HTTP/1.0", head(b"Transfer-Encoding: chunked", status=b"HTTP/1.0 200 OK\r\n") + b"5\r\nhello\r\n0\r\n\r\n" + EVIL, b"hello"),
    fine("answer longer than its Content-Length", head(b"Content-Length: 2") + b"xx" + EVIL, b"xx"),
    fine("P22 an answer behind the answer, later", head(b"Content-Length: 2") + b"xx", b"xx", late=EVIL),
    fine("an answer behind a chunked answer", head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n" + EVIL, b"hello"),
    fine("a body behind 204", b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL, b"", 204), fine("a body behind 204, later", b"HTTP/1.1 204 No Content\r\n\r\n", b"", 204, late=EVIL),
    fine("204 with a length", b"HTTP/1.1 204 No Content\r\nContent-Length: 43\r\n\r\n", b"", 204, late=EVIL),
    fine("204 with chunked", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", b"", 204, late=b"4\r\nevil\r\n0\r\n\r\n"),
    fine("a body behind 304", b"HTTP/1.1 304 Not Modified\r\n\r\n" + EVIL, b"", 304, fields=b'If-None-Match: "a"\r\nCache-Control: no-store\r\n'),
    fine("a body for HEAD", head(b"Content-Length: 43") + EVIL, b"", method=b"HEAD"), fine("a body for HEAD, later", head(b"Content-Length: 4"), b"", method=b"HEAD", late=EVIL),
    fine("a chunked body for HEAD", head(b"Transfer-Encoding: chunked") + b"4\r\nevil\r\n0\r\n\r\n", b"", method=b"HEAD"),
    cut("an answer shorter than its Content-Length", head(b"Content-Length: 100") + b"xx", then="close"),
    cut("a reset in the body", head(b"Content-Length: 100000") + b"x" * 50000, then="reset"),
    cut("a reset in a body that ends with the connection", head() + b"x" * 50000, then="reset"),
    cut("a reset behind the first byte of the body", head(b"Content-Length: 9") + b"x", then="reset"),
    fine("a body that ends with the connection", head(b"Connection: close") + b"hello", b"hello", then="close"),
    fine("no length at all on HTTP/1.0", head(status=b"HTTP/1.0 200 OK\r\n") + b"hello", b"hello", then="close"),
    cut("a chunked answer without end", head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n", then="close"),
    cut("a chunked answer without last line", head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n", then="close"),
    *[cut(f"P4 answer's chunk: {name}", head(b"Transfer-Encoding: chunked") + body + EVIL)
      for name, body in (("bad size", b"x\r\nhello\r\n0\r\n\r\n"), ("size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"), ("space after the size", b"5 \r\nhello\r\n0\r\n\r\n"),
                         ("LF alone", b"5\nhello\n0\n\n"), ("size beyond 64 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"), ("negative", b"-5\r\nhello\r\n0\r\n\r\n"),
                         ("no CRLF behind the data", b"5\r\nhelloX\r\n0\r\n\r\n"), ("extension without end", b"5;" + b"x" * 100000),
                         ("extension with LF", b"5;a\nb\r\nhello\r\n0\r\n\r\n"), ("bad trailer", b"5\r\nhello\r\n0\r\nX Y: z\r\n\r\n"),
                         ("trailers without end", b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 20000), ("extension first", b";a\r\nhello\r\n0\r\n\r\n"))],
    fine("P4 answer's chunk extensions and forbidden trailers stay here",
         head(b"Transfer-Encoding: chunked") + b"5;secret=1\r\nhello\r\n0\r\nSet-Cookie: evil=1\r\nContent-Length: 1\r\nCache-Control: max-age=9\r\n\r\n", b"hello",
         hidden=(b"secret", b"Set-Cookie", b"max-age=9")),
]

INTERIM = [
    fine("an interim answer with a length: nothing behind it counts", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 43\r\n\r\n" + head(b"Content-Length: 2") + b"xx", b"xx", late=EVIL),
    bad("P2 101 that nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + EVIL),
    bad("P2 101 to another protocol", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + EVIL,
        fields=b"Connection: upgrade\r\nUpgrade: websocket\r\n"),
    bad("P2 101 without Upgrade", b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + EVIL, fields=b"Connection: upgrade\r\nUpgrade: websocket\r\n"),
    bad("interim answers without end", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2000),
    bad("a malformed interim answer", b"HTTP/1.1 100\x00\r\n\r\n" + head(b"Content-Length: 2") + b"xx"),
    fine("an early answer: the connection is not used again", head(b"Content-Length: 2") + b"xx", b"xx", method=b"POST", fields=b"Content-Length: 10\r\n",
         content=b"0123456789", late=EVIL),
]

ANSWERS = STATUS_LINES + FIELD_LINES + FRAMING + INTERIM
