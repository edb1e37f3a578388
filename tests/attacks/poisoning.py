"""What is not in the key, what is for one client alone, and what breaks while it is stored."""
import threading

import wire
from attack import EVIL, REVERSE
from bench import expect
from steps import attack, for_each, no_evil, warm


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
