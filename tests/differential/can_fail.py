"""Shows the checker what a proxy must not send: a check that cannot fail checks nothing."""
import socket
import threading
import unittest

import differential
import mutations
import parsers

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


class Comparing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.llhttp, cls.known = parsers.Llhttp(), parsers.methods_of_llhttp()

    @classmethod
    def tearDownClass(cls):
        cls.llhttp.close()

    def expect(self, data, requests, good):
        found, complaints = parsers.compare(data, self.llhttp, self.known)
        self.assertEqual(not complaints, good, f"{data!r}: {complaints}")
        if good:
            self.assertEqual(len(found), requests, data)

    def test_clear_requests_pass(self):
        for data, requests in [
            (NEXT, 1),
            (NEXT * 20, 20),
            (HEAD + b"Content-Length: 5\r\n\r\nhello" + NEXT, 2),
            (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n\r\n" + NEXT, 2),
            (b"ODD" + NEXT[3:] + b"ODD" + NEXT[3:] + NEXT, 3),
            (NEXT[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n" + NEXT, 2),
            (HEAD + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx" + NEXT, 2),
            (NEXT + HEAD + b"Content-Length: 5\r\n\r\nhel", 1),
            (NEXT + b"ODD /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel", 1),
            (b"", 0),
        ]:
            self.expect(data, requests, True)

    def test_what_can_be_read_in_two_ways_does_not(self):
        for data in [
            HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT,
            HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + NEXT,
            HEAD + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello" + NEXT,
            HEAD + b"X: y\nContent-Length: 5\r\n\r\nhello" + NEXT,
            HEAD + b"X: y\r\n Content-Length: 5\r\n\r\n",
            HEAD + b"Content-Length : 5\r\n\r\nhello" + NEXT,
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" + NEXT,
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n" + NEXT,
            b"GET /x HTTP/1.1\r\n\r\n" + NEXT,
            NEXT + b"(ok)(" + NEXT,
        ]:
            self.expect(data, 0, False)

    def test_any_difference_between_the_parsers_is_told(self):
        one = parsers.Request(b"GET", b"/", [(b"host", b"a")], b"", [])
        for name, value in [("method", b"PUT"), ("target", b"/x"), ("fields", []), ("body", b"x"), ("trailers", [(b"t", b"v")])]:
            other = parsers.Request(b"GET", b"/", [(b"host", b"a")], b"", [])
            self.assertEqual(one.differences(other), [])
            setattr(other, name, value)
            self.assertEqual(len(one.differences(other)), 1, name)


class Wire:
    """A proxy that hands on whatever comes."""

    def __init__(self, origin_port):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.origin_port = self.socket.getsockname()[1], origin_port
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.origin_port)) as origin:
            back = threading.Thread(target=self.copy, args=(origin, client), daemon=True)
            back.start()
            self.copy(client, origin)
            back.join()

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def check(self):
        pass


class Proxies(unittest.TestCase):
    def test_a_wire_is_no_good_proxy(self):
        origin = differential.Origin()
        differential.send_all(Wire(origin.port), origin, [(n, *mutations.make_case(1, n)) for n in range(60)])
        self.assertGreater(len(differential.judge(origin)), 5)

    def test_a_case_is_always_the_same(self):
        self.assertEqual([mutations.make_case(1, n) for n in range(50)], [mutations.make_case(1, n) for n in range(50)])
        self.assertNotEqual(mutations.make_case(1, 5), mutations.make_case(2, 5))


if __name__ == "__main__":
    unittest.main()
