"""Requests with faults in them, the same for the same seed: what a hostile client tries in order that two parsers disagree."""
import random

HOST = b"differential.example"
# No end of it can be taken for the beginning of a method: left over, it does not hide.
BODY = b"(ok)("

LENGTHS = [b"5", b"+5", b"-5", b"05", b"0x5", b"5 ", b"5, 5", b"5, 6", b"5,", b"", b" ", b"5\x0b", b"5\x00", b"\"5\"", b"5.0", b"5e0", b"0",
           b"00", b"4", b"6", b"99999999999999999999", b"18446744073709551621", b"5;a", b"5\t", b"\xef\xbc\x95"]
CODINGS = [b"chunked", b"Chunked", b"CHUNKED", b"xchunked", b"chunked, identity", b"identity, chunked", b"identity", b"chunked, chunked",
           b"gzip, chunked", b"chunked;q=1", b"chunked ", b"\tchunked", b"chunked\x0b", b"\x0bchunked", b"\"chunked\"", b"chunked,", b",chunked",
           b"", b"chun\x00ked", b"chunked\x00", b"cow", b"chunked\r", b"c\xc5\xb0hunked", b"trailers"]
FRAMING_NAMES = [b"Content-Length", b"content-length", b"Content-Length ", b"Content-Length\t", b" Content-Length", b"Content_Length",
                 b"Content-Length\x00", b"Content\xadLength", b"Transfer-Encoding", b"Transfer-Encoding ", b"Transfer-Encoding\t",
                 b" Transfer-Encoding", b"\tTransfer-Encoding", b"Transfer_Encoding", b"X\nTransfer-Encoding", b"X: y\rTransfer-Encoding",
                 b"Transfer-Encoding\x0b", b"TE", b"Trailer", b"Content-Encoding"]
LINE_ENDS = [b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\r\n\r\n", b"\x00\r\n", b" \r\n", b"\t\r\n", b"\x0b\r\n", b"\r\n ", b"\r\n\t", b"\\r\\n", b"",
             b"\x85\r\n", b"\r\x00\n"]
METHODS = [b"GET", b"get", b"GET ", b" GET", b"", b"G T", b"GET\t", b"G\x00T", b"\r\nGET", b"\nGET", b"\r\n\r\nGET", b"GET/", b"POST", b"PUT", b"DELETE",
           b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"PRI", b"PURGE", b"QUERY", b"M-SEARCH", b"GET:", b"\"GET\"", b"X" * 40, b"\xc7ET", b"HTTP/1.1"]
TARGETS = [b"/", b"", b"/a b", b"//x", b"/%00", b"/\x80", b"/\xc3\xa9", b"/a#f", b"/..;/x", b"/../x", b"/\t", b"?q", b"*", b"/x HTTP/1.1\r\nHost: z\r\n\r\n",
           b"http://differential.example/x", b"http://u@differential.example/x", b"HTTP://differential.example:80/x", b"http://other.example/x",
           b"http:///x", b"http://a\\b/x", b"https://differential.example/x", b"ftp://a/x", b"differential.example:80", b"/x HTTP/1.0", b"/\x7f", b"/\x00",
           b"/a\rb", b"/{}|\\^`<>\"", b"http:/x", b"/x?y=http://z/", b"/" + b"a" * 3000]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/01.1", b"HTTP/1.1x", b"HTTP/1",
            b"", b"HTTP/1.10", b"HTTP /1.1", b"HTTP/1.1\t", b"ICE/1.0", b"HTTP/\xb1.1"]
HOSTS = [b"", b"a, b", b"a b", b"a/b", b"u@a", b"a:99999", b"a:", b"a:0", b"[::1]", b"[::1", b"a\x00", b"a#b", b"a?b", b"A.Example.", b"a\\b", b"\xe4", b"a:80:80",
         b"%61", b"127.1", b" a ", b"differential.example"]
CHUNK_SIZES = [b"5", b"05", b"0005", b"0x5", b"+5", b"-5", b"5 ", b" 5", b"5\t", b"5;x", b"5;x=y", b"5 ; x", b"5;\"", b"5;x=\"\r\n\"", b"5;x\n", b"FFFFFFFFFFFFFFFFF",
               b"8000000000000005", b"10000000000000005", b"g", b"", b"5g", b"5\x00", b"5\r", b"5,5", b"5;" + b"x" * 200, b"4", b"6", b"0"]
CHUNK_ENDS = [b"\n", b"\r", b"", b"XX", b"\r\n\r\n", b" \r\n", b"\n\r"]
LAST_CHUNKS = [b"0", b"00", b"000000000000000000000", b"0;x", b"0 ", b"-0", b"0x0", b"+0", b"", b"0\r\n0"]
TRAILERS = [b"T: v\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: z\r\n", b"T\r\n", b" folded\r\n", b"T : v\r\n", b"T: v\n", b": v\r\n",
            b"GET /smuggled HTTP/1.1\r\nHost: z\r\n"]
MORE_FIELDS = [b"X: y\r\n folded", b"X: y\r\n\tTransfer-Encoding: chunked", b"X", b": y", b"X : y", b"X\x00: y", b"X: y\x00z", b"X: \r", b"X: y\nZ: w", b"\xff: y",
               b"X: \xff", b"Connection: close", b"Connection: Content-Length", b"Connection: Transfer-Encoding", b"Connection: Host, X-Case", b"Connection: keep-alive",
               b"Upgrade: h2c\r\nConnection: Upgrade", b"Upgrade: websocket\r\nConnection: upgrade, close", b"Expect: 100-continue", b"Expect: x",
               b"TE: trailers, chunked", b"Max-Forwards: 0", b"X-HTTP-Method-Override: DELETE", b"Forwarded: for=\"", b"X: " + b"y" * 4000,
               b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: 0\r\nContent-Length: 5", b"Host: other.example", b"(X): y", b"X: y\x7f", b"Proxy-Connection: keep-alive",
               b"Range: bytes=0-1", b"Cookie: a=b\r\nCookie: c=d", b"Trailer: Content-Length"]
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: smuggled.example\r\nX-Smuggled: yes\r\n\r\n"
ODD_BYTES = [b"\x00", b"\t", b"\n", b"\r", b" ", b":", b";", b",", b"\"", b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff", b"0", b"/", b"%", b"\\"]


class Message:
    """One request in the parts that a mutation takes hold of."""

    def __init__(self, number, method, target, fields, body):
        self.start = [method, target, b"HTTP/1.1"]
        self.fields = [b"Host: " + HOST, b"X-Case: %d" % number] + fields
        self.body = body          # bytes, or chunks: [[size, end of the line, data, end of the data]...]
        self.last = [b"0", b"\r\n", b""]
        self.ends = {}            # of the lines of the head, where they are not CRLF
        self.space = [b" ", b" "]

    def render(self):
        lines = [self.start[0] + self.space[0] + self.start[1] + self.space[1] + self.start[2]] + self.fields
        head = b"".join(line + self.ends.get(i, b"\r\n") for i, line in enumerate(lines)) + self.ends.get(len(lines), b"\r\n")
        if isinstance(self.body, bytes):
            return head + self.body
        return head + b"".join(b"".join(chunk) for chunk in self.body) + self.last[0] + self.last[1] + self.last[2] + b"\r\n"


def base(dice, number):
    kind = dice.randrange(6)
    if kind == 0:
        return Message(number, b"GET", b"/%d" % number, [b"Accept: */*"], b"")
    if kind == 1:
        return Message(number, dice.choice([b"HEAD", b"DELETE", b"OPTIONS"]), b"/%d" % number, [], b"")
    if kind in (2, 3):
        body = dice.choice([BODY, b"GET /", b"0\r\n\r\n"])
        return Message(number, dice.choice([b"POST", b"PUT", b"GET"]), b"/%d" % number, [b"Content-Length: %d" % len(body)], body)
    chunks = [[b"%x" % len(data), b"\r\n", data, b"\r\n"] for data in [BODY, SMUGGLED][:dice.randint(1, 2)]]
    return Message(number, b"POST", b"/%d" % number, [b"Transfer-Encoding: chunked"], chunks)


def length_field(dice, m):
    m.fields.insert(dice.randint(0, len(m.fields)), b"Content-Length:" + dice.choice([b" ", b"", b"\t", b"  "]) + dice.choice(LENGTHS))


def coding_field(dice, m):
    m.fields.insert(dice.randint(0, len(m.fields)), b"Transfer-Encoding:" + dice.choice([b" ", b"", b"\t", b"\x0b"]) + dice.choice(CODINGS))


def framing_name(dice, m):
    value = dice.choice([b"5", b"chunked", b"0"])
    m.fields.insert(dice.randint(0, len(m.fields)), dice.choice(FRAMING_NAMES) + b": " + value)


def drop_field(dice, m):
    if m.fields:
        m.fields.pop(dice.randrange(len(m.fields)))


def double_field(dice, m):
    if m.fields:
        m.fields.insert(dice.randint(0, len(m.fields)), dice.choice(m.fields))


def line_end(dice, m):
    m.ends[dice.randint(0, len(m.fields) + 1)] = dice.choice(LINE_ENDS)


def all_line_ends(dice, m):
    end = dice.choice([b"\n", b"\r", b"\r\r\n"])
    m.ends = {i: end for i in range(len(m.fields) + 2)}


def method(dice, m):
    m.start[0] = dice.choice(METHODS)


def target(dice, m):
    m.start[1] = dice.choice(TARGETS)


def version(dice, m):
    m.start[2] = dice.choice(VERSIONS)


def spaces(dice, m):
    m.space[dice.randrange(2)] = dice.choice([b"", b"  ", b"\t", b" \t", b"\x0b", b"\x0c", b"\r", b"\xa0", b"\x00"])


def host(dice, m):
    line = dice.choice([b"Host: ", b"Host:", b"host: ", b"Host : ", b"HOST:\t"]) + dice.choice(HOSTS)
    where = [i for i, field in enumerate(m.fields) if field.lower().startswith(b"host")]
    if where and dice.random() < 0.7:
        m.fields[where[0]] = line
    else:
        m.fields.insert(dice.randint(0, len(m.fields)), line)


def more_field(dice, m):
    m.fields.insert(dice.randint(0, len(m.fields)), dice.choice(MORE_FIELDS))


def chunk(dice, m):
    if isinstance(m.body, bytes):
        return length_field(dice, m)
    piece = dice.choice(m.body)
    part = dice.randrange(4)
    if part == 0:
        piece[0] = dice.choice(CHUNK_SIZES)
    elif part == 1:
        piece[1] = dice.choice(LINE_ENDS)
    elif part == 2:
        piece[3] = dice.choice(CHUNK_ENDS)
    else:
        piece[2] = dice.choice([b"", b"x" * 70000, BODY + b"\r\n0\r\n\r\n" + SMUGGLED])
        if dice.random() < 0.7:
            piece[0] = b"%X" % len(piece[2])
    return None


def last_chunk(dice, m):
    m.last[dice.randrange(3)] = dice.choice([dice.choice(LAST_CHUNKS), dice.choice(LINE_ENDS), dice.choice(TRAILERS)])


def trailer(dice, m):
    m.last[2] = b"".join(dice.choice(TRAILERS) for _ in range(dice.randint(1, 2)))


KINDS = [length_field, length_field, coding_field, coding_field, framing_name, drop_field, double_field, line_end, line_end, all_line_ends, method, target, version,
         spaces, host, more_field, more_field, chunk, chunk, chunk, last_chunk, trailer]


def odd_byte(dice, text):
    at = dice.randrange(len(text) + 1)
    how = dice.randrange(3)
    return text[:at] + (b"" if how == 2 else dice.choice(ODD_BYTES)) + text[at + (how > 0):]


def make_case(seed, number):
    """The bytes of one connection, and where to cut them in two."""
    dice = random.Random(seed * 1_000_003 + number)
    messages = [base(dice, number) for _ in range(dice.choice([1, 1, 2]))]
    for _ in range(dice.choice([0, 1, 1, 1, 2, 2, 3])):
        dice.choice(KINDS)(dice, messages[0])
    text = messages[0].render()
    if dice.random() < 0.15:
        text = odd_byte(dice, text)
    text += b"".join(m.render() for m in messages[1:])
    if dice.random() < 0.3:
        text += SMUGGLED
    return text, dice.randint(0, len(text))
