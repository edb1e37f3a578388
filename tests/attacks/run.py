#!/usr/bin/env python3
"""Attacks a running Freshet with raw bytes, from both sides, and says which attacks it did not withstand.

    run.py FRESHET [-k WORD]...   with -k: only attacks whose names contain all words

Freshet listens on ports that the system chooses: a reverse listener, a reverse listener for one host, a forward listener that may
reach loopback, and one with the defaults. After every attack the origin must have read what one parser and every other would have
read, and other clients must get right answers. The tables: framing.py and grammar.py (requests), answers.py (origins),
desync.py, poisoning.py and doors.py (what takes several steps)."""
import argparse
import sys
import traceback

import answers
import desync  # this one, doors and poisoning fill steps.SEQUENCES
import doors
import framing
import grammar
import poisoning
import steps
import wire
from bench import Bench, Failed, expect


def collect(client, attack):
    """All answers until the connection ends, or until there is one and it stays open; and whether it has ended."""
    got = []
    while True:
        answer = client.answer(attack.head_only)
        if answer is None:
            return got, True
        got.append(answer)
        if attack.closes is not True and "close" not in answer.values("connection"):
            return got, False
        expect(len(got) <= attack.answers, f"{len(got)} answers: {[a.start for a in got]}")


def run_attack(bench, attack, listener):
    path = bench.fresh_path()
    bench.origin.forget()
    with wire.Client(bench.ports[listener]) as client:
        client.send(bench.fill(attack.send, listener, path))
        if attack.ends:
            client.end()
        try:
            got, ended = collect(client, attack)
        except TimeoutError:
            raise Failed("the connection stays open" if attack.closes else "no answer") from None
        expect(got or not attack.statuses, "no answer")
        if got:
            expect(got[0].status in attack.statuses, f"answered {got[0].start!r}, expected {attack.statuses}")
        if attack.closes is False:
            expect(not ended, "the connection was closed")
        if not ended:
            bench.must_be_well(listener, client)
    bench.must_be_well(listener)
    check_origin(bench, attack, path.decode())


def check_origin(bench, attack, path):
    with bench.origin.lock:
        seen, faults = list(bench.origin.seen), list(bench.origin.faults)
    expect(not faults, f"the origin could not read: {faults}")
    own = [r for r in seen if r.target.split("?")[0] == path or r.target in attack.only]
    others = [r.target for r in seen if r not in own and not r.target.startswith("/clean/")]
    expect(not others, f"the origin saw {others}")
    expect(len(own) in attack.origin, f"the origin saw the request {len(own)} times, expected {attack.origin}")
    for request in own:
        if attack.body is not None:
            expect(request.body == attack.body, f"the origin understood the body {request.body[:80]!r}")
        text = repr((request.fields, request.trailers)).lower().encode()
        for secret in attack.hidden:
            expect(secret.lower() not in text, f"the origin saw {secret!r}")
        for needed in attack.shown:
            expect(needed.lower() in text, f"the origin did not see {needed!r}")


def scripted(answer):
    def act(sock, _):
        act.sock = sock
        try:
            sock.sendall(answer.raw)
        except OSError:
            return "close"
        if answer.then == "reset":
            sock.setsockopt(wire.socket.SOL_SOCKET, wire.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return "close" if answer.then != "keep" else "keep"
    return act


def clean(sock, _):
    sock.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 5\r\n\r\nclean")


def run_answer(bench, answer, listener):
    path = bench.fresh_path()
    bench.origin.forget()
    act = scripted(answer)
    # A kept connection that dies before it says anything is tried once more on a fresh one (RFC 9112 9.3.1).
    repeated = not answer.raw and answer.then != "keep"
    bench.origin.script(path.decode(), [act] * (2 if repeated else 1) + [clean])
    text = bench.fill(answer.method + b" <U> HTTP/1.1\r\nHost: <H>\r\n" + answer.fields + b"\r\n" + answer.content, listener, path)
    with wire.Client(bench.ports[listener]) as client:
        client.send(text)
        try:
            got = client.answer(answer.method == b"HEAD")
        except (EOFError, wire.Malformed):
            got = None
        except TimeoutError:
            raise Failed("no answer") from None
        seen = repr((got.start, got.fields, got.trailers)).lower().encode() if got else b""
        if answer.statuses:
            expect(got is not None and got.status in answer.statuses, f"answered {got and got.start}, expected {answer.statuses}")
            if answer.body is not None:
                expect(got.body == answer.body, f"the body is {got.body[:80]!r}")
        elif got is not None:
            ended_by_reset = client.reader.reset and "content-length" not in dict(got.fields) and "transfer-encoding" not in dict(got.fields)
            expect(got.status == 502 or ended_by_reset, f"a complete answer: {got.start!r} {got.body[:80]!r}")
        if got is not None and got.status == 502:
            expect(got.values("proxy-status"), "502 without a reason in Proxy-Status")
        for secret in answer.hidden:
            expect(secret.lower() not in seen, f"the client saw {secret!r}")
        if answer.late:
            try:
                act.sock.sendall(answer.late)
            except OSError:
                pass  # closed by the proxy: as it should be
    bench.must_be_well(listener)
    bench.must_be_well(listener)
    if answer.statuses != (200,):
        again = bench.ask(listener, path)
        expect(again is not None and again.body == b"clean", f"asked again, the answer is {again and (again.start, again.body[:80])}")
    with bench.origin.lock:
        expect(not bench.origin.faults, f"the origin could not read: {bench.origin.faults}")


def cases():
    for attack in framing.ATTACKS + grammar.ATTACKS:
        for listener in attack.listeners:
            yield attack.name, listener, lambda bench, a=attack, w=listener: run_attack(bench, a, w)
    for answer in answers.ANSWERS:
        for listener in ("reverse", "forward"):
            yield "origin: " + answer.name, listener, lambda bench, a=answer, w=listener: run_answer(bench, a, w)
    for name, listener, sequence in steps.all_of_them():
        yield name, listener, lambda bench, s=sequence, w=listener: s(bench, w)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("-k", action="append", default=[])
    options = parser.parse_args()
    bench = Bench(options.program)
    ran, failures = 0, []
    for name, listener, case in cases():
        if not all(word in f"{name} [{listener}]" for word in options.k):
            continue
        ran += 1
        try:
            case(bench)
        except Failed as failure:
            failures.append(f"{name} [{listener}]: {failure}")
        except Exception as failure:  # whatever it is: this attack was not withstood, and the others are to run
            failures.append(f"{name} [{listener}]: {type(failure).__name__} {failure} {traceback.format_exc(limit=-1).splitlines()[1].strip()}")
        if bench.proxy.poll() is not None:
            failures.append(f"{name} [{listener}]: freshet has ended")
            break
    if bench.stop() != 0:
        failures.append(f"freshet ended with {bench.proxy.returncode}")
    for failure in failures:
        print("FAILED", failure)
    print(f"{ran} attacks, {len(failures)} not withstood")
    return 1 if failures or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
