"""Bodies on hits, pipelines, upgrades and tunnels: what is left of one message must not become the next."""
import wire
from attack import EVIL, FORWARD
from bench import expect
from steps import attack, for_each, no_evil, warm


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
