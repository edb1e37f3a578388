"""Attacks that take several steps: poisoning, deception, desynchronisation across hits, upgrades and loops."""
import threading

import wire
from attack import BOTH, FORWARD, REVERSE, EVIL
from bench import expect

SEQUENCES = []


def attack(name, listeners=BOTH):
    def add(sequence):
        SEQUENCES.append((name, listeners, sequence))
        return sequence
    return add


def for_each(names, template, listeners=BOTH):
    """One attack for each of `names`, which becomes the last argument."""
    def add(sequence):
        for each in names:
            SEQUENCES.append((template % (each[0] if isinstance(each, tuple) else each), listeners,
                              lambda bench, listener, x=each: sequence(bench, listener, x)))
        return sequence
    return add


def all_of_them():
    for name, listeners, sequence in SEQUENCES:
        for listener in listeners:
            yield name, listener, sequence


def no_evil(bench):
    with bench.origin.lock:
        seen, faults = [r.target for r in bench.origin.seen], list(bench.origin.faults)
    expect(not faults, f"the origin could not read: {faults}")
    expect(not any("evil" in target for target in seen), f"the origin saw {seen}")


def warm(bench, listener, kind="cached"):
    path = bench.fresh_path(kind)
    first = bench.ask(listener, path)
    second = bench.ask(listener, path)
    expect(first.status == second.status == 200 and "hit" in second.values("cache-status")[0], "could not be cached")
    bench.origin.forget()
    return path


# ---- bodies on hits, pipelines


@for_each((("Content-Length", b"Content-Length: %d\r\n\r\n"), ("chunked", b"Transfer-Encoding: chunked\r\n\r\n")), "P1 a body on what is cached, %s")
def body_on_hit(bench, listener, how):
    path = warm(bench, listener)
    evil = bench.fill(EVIL, listener, path)
    head = how[1] % len(evil) + evil if b"%d" in how[1] else how[1] + b"%x\r\n%s\r\n0\r\n\r\n" % (len(evil), evil)
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"GET <U> HTTP/1.1\r\nHost: <H>\r\n" + head, listener, path))
        answer = client.answer()
        expect(answer.status == 200 and b"cached" in answer.body, f"answered {answer.start} {answer.body}")
        if "close" in answer.values("connection"):
            expect(client.is_closed(), "two answers")
        else:
            bench.must_be_well(listener, client)
    bench.must_be_well(listener)
    no_evil(bench)


@attack("P1 a body that does not come, on what is cached")
def body_missing_on_hit(bench, listener):
    path = warm(bench, listener)
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"GET <U> HTTP/1.1\r\nHost: <H>\r\nContent-Length: 9\r\n\r\n", listener, path))
        client.end()
        answer = client.answer()
        expect(answer is None or answer.status in (200, 400), f"answered {answer and answer.start}")
        expect(client.is_closed(), "stays open")
    bench.must_be_well(listener)
    no_evil(bench)


@attack("P1 a body on a HEAD of what is cached")
def body_on_head_hit(bench, listener):
    path = warm(bench, listener)
    evil = bench.fill(EVIL, listener, path)
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"HEAD <U> HTTP/1.1\r\nHost: <H>\r\nContent-Length: %d\r\n\r\n" % len(evil), listener, path) + evil)
        answer = client.answer(head_only=True)
        expect(answer.status in (200, 400), f"answered {answer.start}")
        if "close" not in answer.values("connection"):
            bench.must_be_well(listener, client)
    no_evil(bench)


@attack("P1 an answer of our own before the body has come")
def body_on_own_answer(bench, listener):
    evil = bench.fill(EVIL, listener, b"/x")
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"POST <U> HTTP/1.1\r\nHost: <H>\r\nVia: 1.1 x\r\nCache-Control: only-if-cached\r\nContent-Length: %d\r\n\r\n" % len(evil),
                               listener, bench.fresh_path()) + evil)
        answer = client.answer()
        if "close" not in answer.values("connection"):
            bench.must_be_well(listener, client)
    no_evil(bench)


@attack("pipelined requests get their own answers, in order")
def pipeline(bench, listener):
    cached, other = warm(bench, listener), bench.fresh_path()
    one = lambda path: bench.fill(b"GET <U> HTTP/1.1\r\nHost: <H>\r\n\r\n", listener, path)
    with wire.Client(bench.ports[listener]) as client:
        client.send(one(cached) + one(other) + one(cached) + one(other))
        for path in (cached, other, cached, other):
            expect(client.answer().body.endswith(path), "answers are out of order")


@attack("a request behind one that is refused is not parsed")
def behind_refused(bench, listener):
    bench.origin.forget()
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"GET <U> HTTP/1.1\r\nHost: <H>\r\nHost: <H>\r\n\r\n" + EVIL, listener, bench.fresh_path()))
        expect(client.answer().status == 400 and client.is_closed(), "went on")
    no_evil(bench)


@attack("Expect: 100-continue, and a request instead of the body")
def expect_and_request(bench, listener):
    bench.origin.forget()
    evil = bench.fill(EVIL, listener, b"/x")
    path = bench.fresh_path()
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"POST <U> HTTP/1.1\r\nHost: <H>\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(evil), listener, path) + evil)
        expect(client.answer().status == 200, "not answered")
        bench.must_be_well(listener, client)
    no_evil(bench)
    expect([r.body for r in bench.origin.seen if r.target.endswith(path.decode())] == [evil], "the body did not arrive as a body")


# ---- upgrades and tunnels (RFC 9931)


@for_each(("foo", "websocket", "h2c", "TLS/1.2, x"), "P2 Upgrade: %s is refused, and a request behind it is not parsed")
def upgrade_refused(bench, listener, protocol):
    bench.origin.forget()
    path = bench.fresh_path()
    request = b"GET <U> HTTP/1.1\r\nHost: <H>\r\nConnection: upgrade\r\nUpgrade: " + protocol.encode() + b"\r\n\r\n"
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(request + (EVIL if protocol != "h2c" else b""), listener, path))
        answer = client.answer()
        expect(answer.status == 200, f"answered {answer.start}")
        if protocol == "h2c":  # is never offered to the origin: an ordinary request
            bench.must_be_well(listener, client)
        else:
            expect("close" in answer.values("connection") and client.is_closed(), "went on")
    bench.must_be_well(listener)
    no_evil(bench)


@attack("P2 Upgrade without Connection is none: the next request is an ordinary one")
def upgrade_without_connection(bench, listener):
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"GET <U> HTTP/1.1\r\nHost: <H>\r\nUpgrade: websocket\r\n\r\n", listener, bench.fresh_path()))
        expect(client.answer().status == 200, "not answered")
        bench.must_be_well(listener, client)


@attack("P2 Upgrade on HTTP/1.0 is none")
def upgrade_on_old(bench, listener):
    bench.origin.forget()
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"GET <U> HTTP/1.0\r\nHost: <H>\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + EVIL, listener, bench.fresh_path()))
        expect(client.answer().status == 200 and client.is_closed(), "went on")
    expect(not bench.origin.seen[0].values("upgrade"), "Upgrade was handed on")
    no_evil(bench)


@for_each((("to a closed port", b"127.0.0.1:1", "forward"), ("to a port that is not allowed", b"127.0.0.1:25", "forward"),
           ("to a private address", b"127.0.0.1:443", "strict"), ("to the metadata address", b"169.254.169.254:443", "strict"),
           ("without a port", b"127.0.0.1", "forward"), ("to port 0", b"127.0.0.1:0", "forward"), ("with userinfo", b"a@127.0.0.1:443", "forward"),
           ("with a scheme", b"http://127.0.0.1:443/", "forward"), ("with a path", b"127.0.0.1:443/x", "forward"), ("on a reverse listener", b"ok.test:443", "reverse"),
           ("with an IPv6-mapped address", b"[::ffff:127.0.0.1]:443", "strict"), ("with an octal address", b"0177.0.0.1:443", "strict"),
           ("with a decimal address", b"2130706433:443", "strict"), ("with a short address", b"127.1:443", "strict")),
          "P2 P19 CONNECT %s: refused and closed, what is behind it is not parsed", ("reverse",))
def connect_refused(bench, _, case):
    _, authority, listener = case
    bench.origin.forget()
    with wire.Client(bench.ports[listener]) as client:
        client.send(b"CONNECT " + authority + b" HTTP/1.1\r\nHost: " + authority + b"\r\n\r\n" + bench.fill(EVIL, "forward", b"/x"))
        answer = client.answer()
        expect(answer.status >= 400 and "close" in answer.values("connection"), f"answered {answer.start} {answer.fields}")
        expect(client.is_closed(), "went on")
    no_evil(bench)


@attack("P2 CONNECT that succeeds: what comes behind it reaches the other end as it is", FORWARD)
def connect_accepted(bench, listener):
    bench.origin.forget()
    path = bench.fresh_path("through")
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"CONNECT <A> HTTP/1.1\r\nHost: <A>\r\n\r\nGET <P> HTTP/1.1\r\nHost: inside.test\r\n\r\n", listener, path))
        client.reader.line()
        fields = client.reader.field_lines()
        expect(not any(name in ("content-length", "transfer-encoding") for name, _ in fields), f"a tunnel with framing: {fields}")
        expect(client.answer().body == b"saw " + path, "no answer through the tunnel")
    expect(bench.origin.seen[0].values("host") == ["inside.test"], "the tunnel was parsed")


# ---- the key, and what is not in it

STEERING = [("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "PUT"), ("X-Method-Override", "POST"), ("X-Original-URL", "/evil"),
            ("X-Rewrite-URL", "/evil"), ("X-Original-Host", "evil.test"), ("X-Host", "evil.test"), ("X-HTTP-Host-Override", "evil.test"),
            ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Server", "evil.test"), ("X-Forwarded-Port", "1337"), ("X-Forwarded-Scheme", "evil"),
            ("X-Forwarded-Ssl", "off"), ("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Path", "/evil"), ("X-Forwarded-Uri", "/evil"),
            ("Front-End-Https", "evil"), ("Forwarded", "for=x;host=evil.test;proto=evil"), ("Forwarded", 'host="evil.test'), ("Forwarded", "proto=ftp")]


@for_each([(f"{name}: {value}", name, value) for name, value in STEERING], "P7 unkeyed input %s cannot poison")
def steering(bench, listener, case):
    _, name, value = case
    path = bench.fresh_path("steered")
    dirty = bench.ask(listener, path, f"{name}: {value}\r\n".encode())
    expect(dirty.status == 200, f"answered {dirty.start}")
    clean = bench.ask(listener, path)
    for word in (value, name.lower() + "="):
        own = listener == "reverse" and name in ("X-Forwarded-Host", "Forwarded") and word == name.lower() + "="
        expect(own or word.encode() not in clean.body, f"a clean client got {clean.body}")
    again = bench.ask(listener, path, f"{name}: {value}\r\n".encode())
    if listener == "forward":  # there the origin hears it, and its answer is for this client alone
        expect(value.encode() in again.body, f"answered from what others got: {again.body}")


@attack("P7 what X-Forwarded-For says first is kept, and the rest of the family replaced", REVERSE)
def forwarded_family(bench, listener):
    bench.origin.forget()
    bench.ask(listener, bench.fresh_path(), b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: evil\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Whatever: evil\r\n"
              b"Forwarded: for=192.0.2.1;host=evil;by=evil, host=evil\r\n")
    seen = bench.origin.seen[0]
    expect(seen.values("x-forwarded-for") == ["192.0.2.1, 127.0.0.1"] and seen.values("x-forwarded-host") == ["ok.test"] and
           seen.values("x-forwarded-proto") == ["http"] and not seen.values("x-forwarded-whatever"), f"the origin saw {seen.fields}")
    expect(seen.values("forwarded") == ["for=192.0.2.1, for=127.0.0.1;host=ok.test;proto=http"], f"the origin saw {seen.values('forwarded')}")


@attack("P7 a GET with a body is neither stored nor answered from the store")
def fat_get(bench, listener):
    path = bench.fresh_path("steered")
    fat = bench.fill(b"GET <U> HTTP/1.1\r\nHost: <H>\r\nContent-Length: 4\r\n\r\nevil", listener, path)
    for _ in range(2):
        with wire.Client(bench.ports[listener]) as client:
            client.send(fat)
            expect(b"evil" in client.answer().body, "the body did not count")
        expect(b"evil" not in bench.ask(listener, path).body, "poisoned")


ODDITIES = [("many bytes", b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1500) for i in range(6))), ("many lines", b"".join(b"X-%d: y\r\n" % i for i in range(80))),
            ("a long line", b"X: " + b"y" * 7500 + b"\r\n"), ("markup", b"X: <script>\r\n"), ("braces", b"X: ${jndi}\r\n"), ("high bytes", b"X: \xff\xfe\r\n"),
            ("a tab", b"X: a\tb\r\n")]


@for_each([(f"{name}, {status}", fields, status) for name, fields in ODDITIES for status in (400, 403, 405, 413, 414, 431, 500, 501, 503)],
          "P7 an error provoked by %s is not stored", REVERSE)
def provoked(bench, listener, case):
    _, fields, status = case
    path = b"/bites/%d/%d" % (status, bench.count)
    bench.count += 1
    dirty = bench.ask(listener, path, fields)
    expect(dirty.status in (status, 431), f"answered {dirty.start}")
    clean = bench.ask(listener, path)
    expect(clean.status == 200 and clean.body == b"clean", f"a clean client got {clean.start}")


@for_each((428, 429, 431, 511, 407, 408, 417), "P7 %d says that it is about one client: not stored, whatever lifetime it has")
def for_one_client(bench, listener, status):
    path = bench.fresh_path()
    bench.origin.script(path.decode(), [lambda sock, _: sock.sendall(b"HTTP/1.1 %d X\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n" % status)])
    expect(bench.ask(listener, path).status == status, "not handed on")
    expect(bench.ask(listener, path).status == 200, "stored")


@attack("P6 P5 one authority in all its forms is one key; another one is another", REVERSE)
def one_authority(bench, listener):
    path = bench.fresh_path("cached")
    def asked(start, host):
        with wire.Client(bench.ports[listener]) as client:
            client.send(b"GET " + start + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            return client.answer().values("cache-status")[0]
    expect("hit" not in asked(b"", b"key.test"), "a hit at first")
    for start, host in ((b"", b"KEY.test"), (b"", b"key.test:80"), (b"", b"key.test."), (b"", b"Key.Test.:80"), (b"http://key.test", b"key.test"),
                        (b"HTTP://KEY.TEST:80", b"key.test"), (b"", b"key.test:")):
        expect("; hit" in asked(start, host), f"no hit for {start} {host}")
    for host in (b"key.test:8080", b"key.tes", b"xkey.test", b"key.test.x"):
        expect("; hit" not in asked(b"", host), f"a hit for {host}")


@for_each((("%2e", b"/x/.", b"/x/%2e"), ("%2f", b"/x/y", b"/x%2fy"), ("case of hex", b"/x%2F", b"/x%2f"), ("an encoded letter", b"/xa", b"/x%61"), ("two slashes", b"/x/y", b"/x//y"),
           ("dots", b"/x", b"/y/../x"), ("a dot", b"/x", b"/./x"), ("an empty query", b"/x", b"/x?"), ("order of the query", b"/x?a&b", b"/x?b&a"), ("case", b"/x", b"/X"),
           ("a path parameter", b"/x", b"/x;y"), ("an encoded question mark", b"/x?y", b"/x%3fy"), ("an encoded NUL elsewhere", b"/x", b"/x%0a"), ("a plus", b"/x?a+b", b"/x?a%20b")),
          "P7 paths that two parsers may read differently have two keys: %s")
def two_keys(bench, listener, case):
    base = bench.fresh_path("cached")
    first = bench.ask(listener, base + case[1])
    second = bench.ask(listener, base + case[2])
    expect(second.body != first.body and second.body.endswith(base + case[2]), f"got {second.body}")


@for_each((b"/x.css", b";x.css", b"%2fx.css", b"%2f..%2fx.css", b"/..%2fx.js", b"%00.png", b"%0ax.css", b"?x.css", b"%3fx.css", b"%23x.css", b"/.well-known/x.ico", b"$x.css", b"//x.css"),
          "P8 cache deception: %s")
def deception(bench, listener, suffix):
    path = bench.fresh_path("account") + suffix
    mine = bench.ask(listener, path, b"Cookie: alice\r\n")
    if mine.status == 400:
        return
    expect(mine.body == b"for alice", f"got {mine.body}")
    expect(b"alice" not in bench.ask(listener, path).body, "somebody else got it")
    expect(b"alice" not in bench.ask(listener, path, b"Cookie: bob\r\n").body, "somebody else got it")


@attack("P9 cookies of parallel misses are not shared")
def parallel_cookies(bench, listener):
    path = bench.fresh_path()
    numbers = iter(range(1000))
    def mint(sock, _):
        sock.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nSet-Cookie: id=%d\r\nContent-Length: 2\r\n\r\nok" % next(numbers))
    bench.origin.script(path.decode(), [mint] * 30)
    got, crew = [], []
    for _ in range(30):
        crew.append(threading.Thread(target=lambda: got.append(bench.ask(listener, path).values("set-cookie"))))
        crew[-1].start()
    for each in crew:
        each.join()
    cookies = [c for answer in got for c in answer]
    expect(len(got) == 30 and len(cookies) == 30 and len(set(cookies)) == 30, f"{len(got)} answers with {len(set(cookies))} cookies")


@for_each((("no-store, nominated by Connection", b"Cache-Control: no-store\r\nConnection: cache-control"),
           ("private, nominated by Connection", b"Expires: Fri, 01 Jan 2100 00:00:00 GMT\r\nCache-Control: private\r\nConnection: Cache-Control"),
           ("Set-Cookie, nominated by Connection", b"Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\nConnection: set-cookie"),
           ("Vary, nominated by Connection", b"Cache-Control: max-age=60\r\nVary: *\r\nConnection: vary"),
           ("private", b"Cache-Control: private, max-age=60"), ("no-store", b"Cache-Control: no-store"), ("Vary: *", b"Cache-Control: max-age=60\r\nVary: *"),
           ("Set-Cookie", b"Set-Cookie: a=b\r\nLast-Modified: Sat, 01 Jan 2000 00:00:00 GMT")), "P9 what is for one client is not kept: %s")
def not_kept(bench, listener, case):
    path = bench.fresh_path()
    bench.origin.script(path.decode(), [lambda sock, _: sock.sendall(b"HTTP/1.1 200 OK\r\n" + case[1] + b"\r\nContent-Length: 6\r\n\r\nsecret")])
    expect(bench.ask(listener, path).body == b"secret", "not handed on")
    expect(b"secret" not in bench.ask(listener, path).body, "kept")


@attack("P9 an answer to Authorization is not kept")
def authorization(bench, listener):
    path = bench.fresh_path()
    bench.origin.script(path.decode(), [lambda sock, _: sock.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 6\r\n\r\nsecret")])
    expect(bench.ask(listener, path, b"Authorization: Basic eDp5\r\nConnection: Authorization\r\n").body == b"secret", "not handed on")
    expect(b"secret" not in bench.ask(listener, path).body, "kept")


@attack("P10 what cannot be stored does not queue")
def no_queue(bench, listener):
    path, together = bench.fresh_path(), threading.Barrier(20, timeout=4)
    bench.ask(listener, path)  # from now on it is known not to be storable
    def meet(sock, _):
        together.wait()  # breaks unless all are at the origin at once
        sock.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 2\r\n\r\nok")
    bench.origin.script(path.decode(), [meet] * 20)
    got = []
    crew = [threading.Thread(target=lambda: got.append(bench.ask(listener, path).status)) for _ in range(20)]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    expect(got == [200] * 20, f"got {got}: they waited for one another")


# ---- ranges, variants


@for_each((("many overlapping", b"bytes=" + b",".join([b"0-"] * 1000)), ("many tiny", b"bytes=" + b",".join(b"%d-%d" % (i, i) for i in range(1000))),
           ("backwards", b"bytes=9-1"), ("of letters", b"bytes=a-b"), ("beyond 64 bits", b"bytes=0-99999999999999999999999"), ("negative", b"bytes=--5"),
           ("empty", b"bytes="), ("another unit", b"evil=0-1"), ("suffix of nothing", b"bytes=-0")), "P17 Range: %s costs no more than the whole")
def ranges(bench, listener, case):
    path = warm(bench, listener)
    whole = bench.ask(listener, path).body
    answer = bench.ask(listener, path, b"Range: " + case[1] + b"\r\n")
    expect(answer.status in (200, 206, 416, 431), f"answered {answer.start}")
    expect(len(answer.body) <= 2 * len(whole) + 2000, f"{len(answer.body)} bytes for a whole of {len(whole)}")
    if answer.status == 200:
        expect(answer.body == whole, "not the whole")


@for_each((("many", b"bytes=" + b",".join(b"%d-%d" % (i * 9, i * 9) for i in range(500))), ("overlapping", b"bytes=0-,0-,0-,1-"), ("malformed", b"bytes=9-1"),
           ("twice", b"bytes=0-1\r\nRange: bytes=0-")), "P17 Range: %s does not reach the origin")
def range_amplified(bench, listener, case):
    path = bench.fresh_path("cached")
    bench.origin.forget()
    answer = bench.ask(listener, path, b"Range: " + case[1] + b"\r\n")
    expect(answer.status in (200, 416), f"answered {answer.start}")
    expect(not bench.origin.seen[0].values("range"), "the origin got it")


@attack("P17 Range of few parts, or of another unit, reaches the origin")
def range_handed_on(bench, listener):
    for value in ("bytes=0-0", "bytes=0-1,5-6", "bytes=-5", "items=0-5"):
        bench.origin.forget()
        bench.ask(listener, bench.fresh_path(), b"Range: " + value.encode() + b"\r\n")
        expect(bench.origin.seen[0].values("range") == [value], "it was changed")


@attack("a request behind Connection: close is not parsed")
def behind_close(bench, listener):
    bench.origin.forget()
    for version, fields in ((b"HTTP/1.1", b"Connection: close\r\n"), (b"HTTP/1.1", b"Connection: keep-alive, Close\r\n"), (b"HTTP/1.0", b"")):
        with wire.Client(bench.ports[listener]) as client:
            client.send(bench.fill(b"GET <U> " + version + b"\r\nHost: <H>\r\n" + fields + b"\r\n" + EVIL, listener, bench.fresh_path()))
            expect(client.answer().status == 200 and client.is_closed(), "went on")
    no_evil(bench)


@attack("P17 slices are slices of the whole")
def slices(bench, listener):
    path = warm(bench, listener)
    whole = bench.ask(listener, path).body
    for first, last in ((0, 0), (0, 5), (3, 3), (5, len(whole) - 1), (len(whole) - 1, 1000)):
        part = bench.ask(listener, path, b"Range: bytes=%d-%d\r\n" % (first, last))
        expect(part.status == 206 and part.body == whole[first:last + 1], f"{first}-{last}: {part.start} {part.body}")


@attack("P18 random Accept-Encoding makes no flood of variants or fetches")
def accept_encoding(bench, listener):
    path = bench.fresh_path()
    def vary(sock, _):
        sock.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nVary: Accept-Encoding\r\nContent-Length: 2\r\n\r\nok")
    bench.origin.script(path.decode(), [vary] * 400)
    bench.origin.forget()
    for i in range(200):
        expect(bench.ask(listener, path, b"Accept-Encoding: x%d, gzip;q=0.%d\r\n" % (i, i % 10)).status == 200, "not answered")
    fetches = len(bench.origin.seen)
    expect(fetches < 100, f"{fetches} fetches for 200 values that mean the same")


# ---- open doors, metrics, loops


@for_each((("another Host", b"GET /public/x HTTP/1.1\r\nHost: evil.test\r\n\r\n"), ("an absolute target elsewhere", b"GET http://evil.test/public/x HTTP/1.1\r\nHost: evil.test\r\n\r\n"),
           ("CONNECT", b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n")), "P20 a reverse listener is no open proxy: %s", ("only",))
def foreign(bench, listener, case):
    bench.origin.forget()
    with wire.Client(bench.ports[listener]) as client:
        client.send(case[1])
        expect(client.answer().status in (400, 403, 404, 405, 421, 501), "answered")
    expect(not bench.origin.seen, "the origin was asked")


@for_each((b"../evil", b"%2e%2e/evil", b"..%2fevil", b"a/..%2f..%2fevil", b"..%5cevil", b"..;/evil", b"./../evil", b".%2e/evil"),
          "P5 nobody climbs out of the path of a route: %s", ("only",))
def climbing(bench, listener, path):
    bench.origin.forget()
    answer = bench.ask(listener, b"/public/" + path)
    expect(answer.status == 400, f"answered {answer.start}")
    no_evil(bench)


@attack("P1 a body behind a request that has no route is not the next request", ("only",))
def body_without_route(bench, listener):
    bench.origin.forget()
    evil = b"GET /public/evil HTTP/1.1\r\nHost: only.test\r\n\r\n"
    with wire.Client(bench.ports[listener]) as client:
        client.send(b"POST /elsewhere HTTP/1.1\r\nHost: only.test\r\nContent-Length: %d\r\n\r\n" % len(evil) + evil)
        expect(client.answer().status == 404, "not refused")
        client.end()
        expect(client.answer() is None, "two answers")
    no_evil(bench)


@attack("one byte at a time makes no difference")
def drip(bench, listener):
    bench.origin.forget()
    path = bench.fresh_path()
    text = bench.fill(b"POST <U> HTTP/1.1\r\nHost: <H>\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n", listener, path)
    with wire.Client(bench.ports[listener]) as client:
        for i in range(len(text)):
            client.send(text[i:i + 1])
        expect(client.answer().status == 200, "not answered")
        bench.must_be_well(listener, client)
        bad = bench.fill(b"GET <U> HTTP/1.1\r\nHost: <H>\r\nX: a\r\n b\r\n\r\n", listener, path)
        for i in range(len(bad)):
            client.send(bad[i:i + 1])
        expect(client.answer().status == 400 and client.is_closed(), "not refused")
    no_evil(bench)


@attack("an HTTP/1.0 client never gets chunks or interim answers")
def old_client(bench, listener):
    path = bench.fresh_path()
    bench.origin.script(path.decode(), [lambda sock, _: sock.sendall(
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n")])
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(b"GET <U> HTTP/1.0\r\nHost: <H>\r\n\r\n", listener, path))
        answer = wire.read_response(client.reader)
        expect(answer.status == 200 and answer.body == b"hello" and not answer.values("transfer-encoding"), f"{answer.start} {answer.fields} {answer.body}")
        expect(client.is_closed(), "stays open")


@attack("P9 P10 an odd request that fails does not fail for those who wait")
def odd_leader(bench, listener):
    path, odd_is_there, clean_is_there = bench.fresh_path(), threading.Event(), threading.Event()
    def fails(*_):
        odd_is_there.set()
        clean_is_there.wait(4)  # the clean request is at the origin too, and not in a queue behind this one
        return "close"
    def answers(sock, _):
        clean_is_there.set()
        sock.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok")
    bench.origin.script(path.decode(), [lambda sock, request: (fails if request.values("x") else answers)(sock, request)] * 4)
    odd = threading.Thread(target=lambda: bench.ask(listener, path, b"X: <odd>\r\n"))
    odd.start()
    odd_is_there.wait(4)
    clean = bench.ask(listener, path)
    expect(clean_is_there.is_set(), "the clean request waited")
    odd.join()
    expect(clean.status == 200, f"answered {clean.start}")


@for_each((b"127.0.0.1", b"localhost", b"[::1]", b"0.0.0.0", b"10.0.0.1", b"192.168.0.1", b"169.254.169.254", b"[::ffff:127.0.0.1]", b"[fd00::1]", b"[fe80::1]", b"[64:ff9b::7f00:1]",
           b"[2002:7f00:1::]", b"100.64.0.1", b"2130706433", b"0x7f000001", b"0177.0.0.1", b"127.1", b"[::]", b"224.0.0.1", b"255.255.255.255"),
          "P19 P20 a forward listener by default does not reach %s", ("strict",))
def strict(bench, listener, host):
    bench.origin.forget()
    authority = host + b":%d" % bench.origin.port
    with wire.Client(bench.ports[listener]) as client:
        client.send(b"GET http://" + authority + b"/evil HTTP/1.1\r\nHost: " + authority + b"\r\n\r\n")
        answer = client.answer()
        expect(answer.status in (400, 403, 502, 504), f"answered {answer.start}")
    no_evil(bench)


@attack("P21 clients cannot make metric series, and metrics are not to be stored", REVERSE)
def metrics(bench, listener):
    def names():
        page = bench.ask_admin(b"/metrics")
        expect(page.status == 200 and "no-store" in ",".join(page.values("cache-control")), f"{page.start} {page.fields}")
        return {line.rsplit(b" ", 1)[0] for line in page.body.splitlines() if line and not line.startswith(b"#")}
    with wire.Client(bench.ports[listener]) as client:  # every series that one request can make is there after it
        client.send(b"FROB /x HTTP/1.1\r\nHost: warm.test\r\n\r\n")
        client.answer()
    before = names()
    for i in range(100):
        with wire.Client(bench.ports[listener]) as client:
            client.send(b"FROB%d /%d HTTP/1.1\r\nHost: h%d.test\r\nUser-Agent: %d\r\nX-%d: x\r\n\r\n" % (i, i, i, i, i))
            client.answer()
    expect(names() == before, f"new series: {names() - before}")


@attack("P25 a request that comes back is refused", FORWARD)
def loop(bench, listener):
    own = b"127.0.0.1:%d" % bench.ports[listener]
    with wire.Client(bench.ports[listener]) as client:
        client.send(b"GET http://" + own + b"/evil HTTP/1.1\r\nHost: " + own + b"\r\n\r\n")
        expect(client.answer().status in (403, 508), "not refused")
    bench.origin.forget()
    bench.ask(listener, bench.fresh_path())
    via = bench.origin.seen[0].values("via")[0]
    for fields in (b"Via: " + via.encode(), b'Via: 1.1 "x, ' + via.encode(), b"Via: 1.1 (x, " + via.encode(), b"Connection: close, x\r\nVia: 1.0 a, " + via.encode() + b", 1.1 b"):
        expect(bench.ask(listener, bench.fresh_path(), fields + b"\r\n").status == 508, f"not refused: {fields}")


@attack("P25 Max-Forwards ends here")
def max_forwards(bench, listener):
    bench.origin.forget()
    for method in (b"TRACE", b"OPTIONS"):
        expect(bench.ask(listener, b"/evil", b"Max-Forwards: 0\r\nCookie: s3cret\r\nAuthorization: s3cret\r\n", method).status == 200, "not answered")
        expect(bench.ask(listener, b"/evil", b"Max-Forwards: -1\r\n", method).status == 400, "not refused")
    echo = bench.ask(listener, b"/evil", b"Max-Forwards: 0\r\nCookie: s3cret\r\nAuthorization: s3cret\r\n", b"TRACE")
    expect(b"s3cret" not in echo.body, "TRACE shows credentials")
    no_evil(bench)


# ---- what breaks while it is stored


@attack("P23 a body that is cut off is not kept as complete, and the next client gets all of it")
def cut_off(bench, listener):
    path = bench.fresh_path()
    head = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 20\r\n\r\n"
    def half(sock, _):
        sock.sendall(head + b"0123456789")
        return "close"
    bench.origin.script(path.decode(), [half, lambda sock, _: sock.sendall(head + b"01234567890123456789")])
    try:
        expect(bench.ask(listener, path) is None, "a complete answer")
    except (EOFError, wire.Malformed):
        pass
    expect(bench.ask(listener, path).body == b"01234567890123456789", "not the whole")


@attack("P23 a 304 about another representation does not refresh what is stored")
def wrong_304(bench, listener):
    path = bench.fresh_path()
    stale = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nETag: \"a\"\r\nContent-Length: 3\r\n\r\nold"
    bench.origin.script(path.decode(), [
        lambda sock, _: sock.sendall(stale),
        lambda sock, _: sock.sendall(b"HTTP/1.1 304 Not Modified\r\nETag: \"b\"\r\nCache-Control: max-age=60\r\n\r\n"),
        lambda sock, _: sock.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 3\r\n\r\nnew")])
    bench.ask(listener, path)
    expect(bench.ask(listener, path).body == b"new", "the stored one came back")
