"""Open doors, metrics, loops."""
import threading

import wire
from attack import FORWARD, REVERSE
from bench import expect
from steps import attack, for_each, no_evil


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
