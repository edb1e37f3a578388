"""The origin of a soak: small, strict about nothing, and killed and started again while it serves."""
import asyncio
import socket

import bodies

# path prefix -> (least bytes, most bytes, Cache-Control)
KINDS = {
    "/hot/": (100, 20_000, "max-age=3"),
    "/cold/": (100, 200_000, "max-age=60"),
    "/large/": (500_000, 3_000_000, "max-age=60"),
    "/huge/": (9_000_000, 9_000_000, "max-age=60"),  # larger than what is stored
    "/stale/": (1_000, 10_000, "max-age=1, stale-while-revalidate=5, stale-if-error=30"),
    "/private/": (100, 5_000, "private"),
    "/slow/": (50_000, 50_000, "max-age=30"),
    "/cut/": (100_000, 100_000, "max-age=60"),
    "/wild/": (100, 30_000, None),
}
BLOCK = 1 << 16


def is_chunked(path):
    """Whether the whole of that path comes without a length."""
    return len(path) % 3 == 0


class Origin:
    def __init__(self):
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        listening.close()
        self.server, self.open = None, set()
        self.requests = 0

    async def start(self):
        # Somebody else may have the port for a moment.
        for _ in range(50):
            try:
                self.server = await asyncio.start_server(self.talk, "127.0.0.1", self.port, backlog=1024)
                return
            except OSError:
                await asyncio.sleep(0.1)
        raise RuntimeError(f"port {self.port} cannot be had again")

    def kill(self):
        """As when its process dies: nobody listens, and what was open is reset."""
        if self.server:
            self.server.close()
            self.server = None
        for writer in list(self.open):
            writer.transport.abort()

    async def talk(self, reader, writer):
        self.open.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ")
                fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
                self.requests += 1
                body = await self.read_body(reader, fields)
                if not await self.answer(writer, method, target, fields, body):
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError, OSError):
            pass
        finally:
            self.open.discard(writer)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    @staticmethod
    async def read_body(reader, fields):
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size = int(await reader.readline(), 16)
                body += (await reader.readexactly(size + 2))[:size]
                if size == 0:
                    return body
        return await reader.readexactly(int(fields.get("content-length", 0)))

    async def answer(self, writer, method, target, fields, body):
        """False: the connection is over."""
        path = target.split("?")[0]
        kind = next((prefix for prefix in KINDS if path.startswith(prefix)), None)
        if path == "/echo":
            writer.write(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            return True
        if kind is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        least, most, control = KINDS[kind]
        name = path + fields.get("x-client", "") if kind == "/private/" else path
        size = bodies.size_of(name, least, most)
        etag = '"%s"' % path.strip("/").replace("/", "-")
        head = f"ETag: {etag}\r\n"
        if control:
            head += f"Cache-Control: {control}\r\n"
        if kind == "/wild/":
            head += "Vary: Accept-Language\r\nCache-Control: max-age=10\r\n"
            name += fields.get("accept-language", "")
        if fields.get("if-none-match") == etag and kind != "/wild/":
            writer.write(f"HTTP/1.1 304 Not Modified\r\n{head}\r\n".encode())
            return True
        first, last, status = 0, size - 1, "200 OK"
        if fields.get("range", "").startswith("bytes=") and fields.get("if-range", etag) == etag and kind not in ("/cut/", "/wild/"):
            begin, _, end = fields["range"][6:].partition("-")
            if begin and "," not in end:
                first, last = int(begin), min(int(end or last), last)
                if first > last:
                    writer.write(f"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{size}\r\nContent-Length: 0\r\n\r\n".encode())
                    return True
                status = "206 Partial Content"
                head += f"Content-Range: bytes {first}-{last}/{size}\r\n"
        chunked = status == "200 OK" and is_chunked(path) and kind != "/cut/"
        head += "Transfer-Encoding: chunked\r\n" if chunked else f"Content-Length: {last - first + 1}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode())
        if method == "HEAD":
            return True
        await self.send(writer, name, first, last, chunked, slow=kind == "/slow/", cut=kind == "/cut/")
        return kind != "/cut/"

    async def send(self, writer, name, first, last, chunked, slow, cut):
        end = first + (last - first) // 2 if cut else last + 1
        block = 5_000 if slow else BLOCK
        for at in range(first, end, block):
            data = bodies.piece(name, at, min(block, end - at))
            writer.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)
            await writer.drain()
            if slow:
                await asyncio.sleep(0.02)
        if cut:
            writer.transport.abort()
        elif chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()


async def echo_bytes(reader, writer):
    """What is at the other end of a tunnel."""
    try:
        while data := await reader.read(BLOCK):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
