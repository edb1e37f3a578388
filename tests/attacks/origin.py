"""An origin that keeps what it was sent, complains about what it could not read, and answers as the tests tell it."""
import re
import socket
import threading

import wire

# Fields that some origins let decide about method, URL or host: a cacheable answer shows what it saw of them.
STEERING = ("forwarded", "front-end-https", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-scheme",
            "x-forwarded-server", "x-forwarded-ssl", "x-host", "x-http-host-override", "x-http-method", "x-http-method-override",
            "x-method-override", "x-original-host", "x-original-url", "x-rewrite-url", "x-forwarded-path", "x-forwarded-uri")
LIFE = b"Cache-Control: max-age=3600\r\n"


def whole(status, fields, body):
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, fields, len(body), body)


def bites(request):
    """What an origin, or what guards it, refuses."""
    text = " ".join(value for _, value in request.fields)
    return (len(text) > 7000 or len(request.fields) > 60 or re.search(r"[<>{}\x80-\xff]|\t", text) is not None or
            any(name == "x-metachar" for name, _ in request.fields))


def plain_answer(request):
    """By the first segment of the path."""
    kind = request.target.split("?")[0].lstrip("/").split("/")[0]
    if kind == "steered":  # cacheable, and made from all that should not decide
        seen = [f"{k}={v}" for k, v in request.fields if k in STEERING] + [request.method, request.body.decode("latin-1")]
        return whole(b"200 OK", LIFE, ";".join(seen).encode("latin-1"))
    if kind == "bites":
        status = (request.target.split("/")[2] + " Refused").encode()
        fields = LIFE + b"Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\n"
        return whole(status, fields, b"refused") if bites(request) else whole(b"200 OK", LIFE, b"clean")
    if kind == "account":  # a page that says nothing about caching, but something about whom it is for
        return whole(b"200 OK", b'ETag: "same"\r\nLast-Modified: Sat, 01 Jan 2000 00:00:00 GMT\r\nContent-Type: text/html\r\n',
                     ("for " + "".join(request.values("cookie"))).encode())
    if kind == "cached":
        return whole(b"200 OK", LIFE, ("cached " + request.target).encode())
    return whole(b"200 OK", b"Cache-Control: no-store\r\n", ("saw " + request.target).encode())


class Origin:
    """`seen`: requests in the order of their arrival; `faults`: what could not be read."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.seen, self.faults, self.raw, self.scripts = [], [], b"", {}
        threading.Thread(target=self.accept, daemon=True).start()

    def script(self, path, answers):
        """What comes, one after another, for requests to `path`: functions of the connection and the request."""
        with self.lock:
            self.scripts[path] = list(answers)

    def forget(self):
        with self.lock:
            self.seen, self.faults, self.raw = [], [], b""

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        reader = wire.Reader(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                request = wire.read_request(reader, lambda: sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))
                if request is None:
                    break
                with self.lock:
                    self.seen.append(request)
                    path = re.sub(r"\Ahttp://[^/]*", "", request.target)
                    queue = self.scripts.get(path)
                    answer = queue.pop(0) if queue else None
                if answer is None:
                    sock.sendall(plain_answer(request))
                elif answer(sock, request) == "close":
                    break
        except wire.Malformed as fault:
            with self.lock:
                self.faults.append(str(fault))
        except (EOFError, OSError):
            pass  # the proxy gave up on a request: it was not complete, and counts for nothing
        finally:
            sock.close()
