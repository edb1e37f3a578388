"""Where a message ends (RFC 9112 6): P3 and P4."""
from attack import EVIL, chunked, either, get, passed, post, refused

OK_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


def length(name, value, body=b"hello", **more):
    return refused(f"P3 Content-Length {name}", post([b"Content-Length: " + value], body), **more)


def coding(name, value, *statuses, body=OK_CHUNKS):
    return refused(f"P3 Transfer-Encoding {name}", post([b"Transfer-Encoding: " + value], body + EVIL), *(statuses or (400, 501)))


def bad_chunks(name, body, **more):
    # The head may be at the origin before the chunks prove bad: the request never becomes complete there.
    return refused(f"P4 chunked: {name}", chunked(body), **more)


LENGTHS = [
    length("with a plus", b"+5"), length("with a minus", b"-5"), length("minus zero", b"-0"), length("hexadecimal", b"0x5"),
    length("octal prefix", b"0o5"), length("with an underscore", b"1_0", b"0123456789"), length("with a point", b"5.0"),
    length("with an exponent", b"5e0"), length("with a letter", b"5a"), length("of letters", b"abc"), length("empty", b""),
    length("with an inner space", b"1 0", b"0123456789"), length("with an inner tab", b"1\t0", b"0123456789"),
    length("list, equal", b"5, 5"), length("list, unequal", b"5, 0"), length("list of three", b"5, 5, 5"), length("list, trailing comma", b"5,"),
    length("list, leading comma", b",5"), length("with a semicolon", b"5;x"), length("quoted", b'"5"'),
    length("beyond 64 bits", b"18446744073709551621"), length("beyond 63 bits", b"9223372036854775808"),
    length("of thirty digits", b"9" * 30), length("padded with zeros beyond reason", b"0" * 40 + b"5"),
    length("with NUL", b"5\x00"), length("with a vertical tab", b"\x0b5"), length("with a form feed", b"5\x0c"),
    length("with a bare CR", b"5\r0"), length("in full-width digits", "\uff15".encode()), length("in Latin-1 digits", b"\xb2"),
    refused("P3 Content-Length twice, equal", post([b"Content-Length: 5", b"Content-Length: 5"], b"hello")),
    refused("P3 Content-Length twice, unequal", post([b"Content-Length: 5", b"Content-Length: 0"], b"hello" + EVIL)),
    refused("P3 Content-Length twice, unequal, other order", post([b"Content-Length: 0", b"Content-Length: 5"], b"hello" + EVIL)),
    refused("P3 Content-Length twice, in another case", post([b"Content-Length: 5", b"CONTENT-LENGTH: 6"], b"hello")),
    refused("P3 Content-Length with a space before the colon", post([b"Content-Length : 5"], b"hello")),
    refused("P3 Content-Length with a tab before the colon", post([b"Content-Length\t: 5"], b"hello")),
    refused("P3 Content-Length folded", post([b"Content-Length:\r\n 5"], b"hello")),
    refused("P3 Content_Length", post([b"Content_Length: 5"], b"hello")),
    refused("P3 Content_Length beside Content-Length", post([b"Content-Length: 5", b"Content_Length: 0"], b"hello")),
    refused("P3 request body shorter than Content-Length", post([b"Content-Length: 10"], b"hello"), ends=True),
    refused("P3 Content-Length in CONNECT", b"CONNECT <A> HTTP/1.1\r\nHost: <A>\r\nContent-Length: 5\r\n\r\nhello", 400, 405),
    refused("P3 Content-Length in TRACE", post([b"Content-Length: 5"], b"hello", b"TRACE"), 400, 405),
    refused("P3 chunked in TRACE", post([b"Transfer-Encoding: chunked"], OK_CHUNKS, b"TRACE"), 400, 405),
    either("P3 Content-Length with few leading zeros", post([b"Content-Length: 005"], b"hello"), body=b"hello"),
    either("P3 Content-Length of two zeros", post([b"Content-Length: 00"])),
    passed("P3 Content-Length with tabs and spaces around", post([b"Content-Length:\t 5 \t"], b"hello"), body=b"hello"),
    passed("P3 Content-Length in OPTIONS", post([b"Content-Length: 5"], b"hello", b"OPTIONS"), body=b"hello"),
    either("P3 Content-Length in HEAD", post([b"Content-Length: 5"], b"hello", b"HEAD"), head_only=True),
    either("P3 Content-Length in DELETE", post([b"Content-Length: 5"], b"hello", b"DELETE"), body=b"hello"),
]

CODINGS = [
    refused("P3 chunked and Content-Length", post([b"Content-Length: 5", b"Transfer-Encoding: chunked"], OK_CHUNKS)),
    refused("P3 Content-Length after chunked", post([b"Transfer-Encoding: chunked", b"Content-Length: 3"], OK_CHUNKS + EVIL)),
    refused("P3 chunked and Content-Length: 0", post([b"Transfer-Encoding: chunked", b"Content-Length: 0"], OK_CHUNKS + EVIL)),
    refused("P3 CL.TE with a request inside", post([b"Content-Length: 60", b"Transfer-Encoding: chunked"], b"0\r\n\r\n" + EVIL)),
    refused("P3 unknown coding and Content-Length", post([b"Transfer-Encoding: xchunked", b"Content-Length: 5"], b"hello" + EVIL)),
    refused("P3 identity and Content-Length", post([b"Transfer-Encoding: identity", b"Content-Length: 5"], b"hello" + EVIL)),
    refused("P3 empty Transfer-Encoding and Content-Length", post([b"Transfer-Encoding: ", b"Content-Length: 5"], b"hello" + EVIL)),
    refused("P3 chunked, Connection: close and Content-Length",
            post([b"Connection: close", b"Transfer-Encoding: chunked", b"Content-Length: 5"], OK_CHUNKS)),
    refused("P3 Connection nominates Content-Length, chunked besides",
            post([b"Connection: content-length", b"Content-Length: 5", b"Transfer-Encoding: chunked"], OK_CHUNKS)),
    refused("P3 Connection nominates Transfer-Encoding, a length besides",
            post([b"Connection: transfer-encoding", b"Content-Length: 5", b"Transfer-Encoding: chunked"], OK_CHUNKS)),
    refused("P3 chunked on HTTP/1.0", post([b"Transfer-Encoding: chunked"], OK_CHUNKS, version=b"HTTP/1.0")),
    refused("P3 chunked on HTTP/1.0 with keep-alive",
            post([b"Connection: keep-alive", b"Transfer-Encoding: chunked"], OK_CHUNKS + EVIL, version=b"HTTP/1.0")),
    refused("P3 two Transfer-Encoding lines", post([b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], OK_CHUNKS)),
    refused("P3 two Transfer-Encoding lines, chunked first",
            post([b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"], OK_CHUNKS + EVIL), 400, 501),
    refused("P3 two Transfer-Encoding lines, chunked last",
            post([b"Transfer-Encoding: x", b"Transfer-Encoding: chunked"], OK_CHUNKS + EVIL), 400, 501),
    refused("P3 Transfer-Encoding with a space before the colon", post([b"Transfer-Encoding : chunked"], OK_CHUNKS)),
    refused("P3 Transfer-Encoding with a tab in the name", post([b"Transfer-Encoding\t: chunked"], OK_CHUNKS)),
    refused("P3 Transfer-Encoding after a leading space", post([b" Transfer-Encoding: chunked"], OK_CHUNKS)),
    refused("P3 Transfer-Encoding folded", post([b"Transfer-Encoding:\r\n chunked"], OK_CHUNKS)),
    refused("P3 Transfer-Encoding folded behind another field", post([b"X: y\r\n Transfer-Encoding: chunked"], OK_CHUNKS)),
    refused("P3 Transfer_Encoding", post([b"Transfer_Encoding: chunked"], OK_CHUNKS)),
    refused("P3 Transfer-Encoding with NUL in the name", post([b"Transfer-Encoding\x00: chunked"], OK_CHUNKS)),
    refused("P3 Transfer-Encoding behind a bare CR", post([b"X: y\rTransfer-Encoding: chunked"], OK_CHUNKS)),
    refused("P3 Transfer-Encoding behind a bare LF", post([b"X: y\nTransfer-Encoding: chunked"], OK_CHUNKS)),
    coding("gzip alone", b"gzip"), coding("identity", b"identity"), coding("unknown", b"xchunked"), coding("chunkedx", b"chunkedx"),
    coding("empty", b""), coding("a comma", b","), coding("doubled", b"chunked, chunked"), coding("chunked first", b"chunked, gzip"),
    coding("chunked, identity", b"chunked, identity"), coding("identity, chunked", b"identity, chunked"), coding("gzip, chunked", b"gzip, chunked"),
    coding("leading comma", b",chunked"), coding("trailing comma", b"chunked,"), coding("with a parameter", b"chunked;q=1"),
    coding("quoted", b'"chunked"'), coding("in single quotes", b"'chunked'"), coding("in brackets", b"[chunked]"),
    coding("with a vertical tab", b"\x0bchunked"), coding("with a form feed", b"chunked\x0c"), coding("with NUL", b"chunked\x00"),
    coding("with a no-break space", b"\xa0chunked"), coding("with a high byte", b"chunked\xff"), coding("with a bare CR", b"chunked\r,x"),
    coding("in two words", b"chunked chunked"), coding("with a colon", b": chunked"), coding("with a semicolon", b"chunked;"),
    passed("P3 Transfer-Encoding in another case", post([b"tRANSFER-eNCODING: ChUnKeD"], OK_CHUNKS), body=b"hello"),
    passed("P3 Transfer-Encoding with spaces around", post([b"Transfer-Encoding: \t chunked \t"], OK_CHUNKS), body=b"hello"),
]

CHUNKS = [
    bad_chunks("size with 0x", b"0x5\r\nhello\r\n0\r\n\r\n"), bad_chunks("size with a plus", b"+5\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("size with a minus", b"-5\r\nhello\r\n0\r\n\r\n"), bad_chunks("size with an underscore", b"0_5\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("size with a leading space", b" 5\r\nhello\r\n0\r\n\r\n"), bad_chunks("size with a trailing space", b"5 \r\nhello\r\n0\r\n\r\n"),
    bad_chunks("size with a trailing tab", b"5\t\r\nhello\r\n0\r\n\r\n"), bad_chunks("no size", b"\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("size that is no number", b"xyz\r\nhello\r\n0\r\n\r\n"), bad_chunks("size with a point", b"5.0\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("size beyond 64 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"), bad_chunks("size beyond 63 bits", b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("size of zeros without end", b"0" * 64 + b"5\r\nhello\r\n0\r\n\r\n"), bad_chunks("size with NUL", b"5\x00\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("size line with LF alone", b"5\nhello\r\n0\r\n\r\n"), bad_chunks("size line with CR alone", b"5\rhello\r\n0\r\n\r\n"),
    bad_chunks("size line with CR CR LF", b"5\r\r\nhello\r\n0\r\n\r\n"), bad_chunks("data with LF alone", b"5\r\nhello\n0\r\n\r\n"),
    bad_chunks("data without line end", b"5\r\nhello0\r\n\r\n"), bad_chunks("data longer than its size", b"5\r\nhelloworld\r\n0\r\n\r\n"),
    bad_chunks("data shorter than its size", b"a\r\nhello\r\n0\r\n\r\n", ends=True), bad_chunks("data with two other bytes behind", b"5\r\nhelloXX0\r\n\r\n"),
    bad_chunks("last chunk with LF alone", b"5\r\nhello\r\n0\n\r\n"), bad_chunks("end with LF alone", b"5\r\nhello\r\n0\r\n\n"),
    bad_chunks("end with CR alone", b"5\r\nhello\r\n0\r\n\rX\r\n"), bad_chunks("no last chunk", b"5\r\nhello\r\n", ends=True),
    bad_chunks("no end of trailers", b"5\r\nhello\r\n0\r\n", ends=True),
    bad_chunks("extension without name", b"5;\r\nhello\r\n0\r\n\r\n"), bad_chunks("extension with LF", b"5;a=b\nc\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("extension with a bare CR", b"5;a=\rb\r\nhello\r\n0\r\n\r\n"), bad_chunks("extension with NUL", b"5;a=\x00\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("extension with a control byte", b"5;a=\x01\r\nhello\r\n0\r\n\r\n"), bad_chunks("extension that is no token", b"5;a@=b\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("extension with an open quote", b'5;a="b\r\nhello\r\n0\r\n\r\n'), bad_chunks("extension with LF in quotes", b'5;a="\n"\r\nhello\r\n0\r\n\r\n'),
    bad_chunks("extension name behind a space only", b"5 a\r\nhello\r\n0\r\n\r\n"), bad_chunks("extension beyond reason", b"5;a=" + b"b" * 9000 + b"\r\nhello\r\n0\r\n\r\n"),
    bad_chunks("extensions that outweigh the data", b"".join(b"1;x=" + b"y" * 500 + b"\r\nz\r\n" for _ in range(200)) + b"0\r\n\r\n"),
    passed("P4 chunked: extensions are not handed on", chunked(b'5;secret=1;b="q\\"q" ;c\r\nhello\r\n0;end\r\n\r\n'), body=b"hello", hidden=(b"secret", b"end")),
    passed("P4 chunked: digits in both cases, zeros in front", chunked(b"00a\r\n0123456789\r\n000A\r\n0123456789\r\n0\r\n\r\n"), body=b"0123456789" * 2),
    passed("P4 chunked: empty", chunked(b"0\r\n\r\n"), body=b""),
    passed("P4 chunked: what looks like a request is data", chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (42, b"GET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\nab1"[:42])),
           body=b"GET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\nab1"[:42]),
    refused("P4 chunked: bad chunk in a GET", post([b"Transfer-Encoding: chunked"], b"5 \r\nhello\r\n0\r\n\r\n" + EVIL, b"GET")),
]


def trailer(line, *statuses):
    name = line.split(b":")[0].decode("latin-1")
    return refused(f"P4 trailer {name}", chunked(b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n"), *statuses)


TRAILERS = [
    *[trailer(line) for line in (
        b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Host: evil.test", b"Connection: close", b"Upgrade: x", b"TE: trailers",
        b"Authorization: Basic eDp5", b"Proxy-Authorization: Basic eDp5", b"Cookie: a=b", b"Content-Type: text/html", b"Content-Encoding: gzip",
        b"Content-Range: bytes 0-1/2", b"X-Forwarded-For: 10.0.0.1", b"X-Forwarded-Host: evil.test", b"Forwarded: for=x", b"Via: 1.1 x",
        b"Cache-Control: no-store", b"Expect: 100-continue", b"Max-Forwards: 0", b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /evil",
        b"Range: bytes=0-0", b"If-None-Match: x")],
    *[refused(f"P4 trailer section with {what}", chunked(b"5\r\nhello\r\n0\r\n" + lines)) for what, lines in (
        ("a folded line", b"A: b\r\n c\r\n\r\n"), ("no colon", b"nothing\r\n\r\n"), ("an empty name", b": x\r\n\r\n"), ("LF alone", b"A: b\n\r\n"),
        ("a space before the colon", b"A : b\r\n\r\n"), ("NUL", b"A: \x00\r\n\r\n"), ("a line beyond reason", b"A: " + b"b" * 20000 + b"\r\n\r\n"),
        ("lines beyond reason", b"A: b\r\n" * 500 + b"\r\n"))],
    passed("P4 trailer that does no harm", chunked(b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n"), body=b"hello"),
]

ATTACKS = LENGTHS + CODINGS + CHUNKS + TRAILERS
