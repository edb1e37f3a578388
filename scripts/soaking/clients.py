"""The clients of a soak. Each is a coroutine that does one thing for ever; every byte that it gets is checked."""
import asyncio
import pathlib
import random
import sys

import bodies
from origin import KINDS, is_chunked

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests/differential"))
import mutations  # noqa: E402

PATIENCE = 40  # seconds that an answer may take at most


class Wrong(Exception):
    """What must never come."""


class Broken(Exception):
    """The connection ended, or an error came: what a fault of the origin may lead to."""


class Answer:
    def __init__(self, status, fields):
        self.status, self.fields, self.body = status, fields, b""


class Connection:
    """A client's connection, with just enough HTTP to know when a response is complete."""

    def __init__(self, host, reader, writer):
        self.host, self.reader, self.writer = host, reader, writer

    @classmethod
    async def open(cls, port, host="soak.example"):
        return cls(host, *await asyncio.open_connection("127.0.0.1", port, limit=1 << 18))

    def close(self, reset=False):
        self.writer.transport.abort() if reset else self.writer.close()

    async def ask(self, method, target, fields=(), body=None, chunked=False):
        host = target.split("/")[2] if target.startswith("http://") else target if method == "CONNECT" else self.host
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields)
        if chunked:
            self.writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            for at in range(0, len(body), 30_000):
                data = body[at:at + 30_000]
                self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
                await self.writer.drain()
            self.writer.write(b"0\r\n\r\n")
        else:
            self.writer.write(head.encode() + (b"Content-Length: %d\r\n\r\n" % len(body) + body if body is not None else b"\r\n"))
        await self.writer.drain()

    async def head(self):
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        return Answer(int(lines[0].split(" ")[1]), {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)})

    async def pieces(self, answer):
        if answer.status in (204, 304):
            return
        if answer.fields.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readline(), 16):
                yield (await self.reader.readexactly(size + 2))[:size]
            await self.reader.readline()
            return
        left = int(answer.fields["content-length"])
        while left:
            data = await self.reader.read(min(left, 1 << 16))
            if not data:
                raise Broken("cut short")
            left -= len(data)
            yield data

    async def get(self, target, fields=(), method="GET", body=None, chunked=False):
        await self.ask(method, target, fields, body, chunked)
        answer = await self.head()
        pieces = [piece async for piece in self.pieces(answer)]
        answer.body = b"".join(pieces)
        return answer


def check(answer, name, first=0, size=None):
    """That a 200 or 206 has exactly these bytes."""
    if answer.status >= 500:
        raise Broken(f"status {answer.status}")
    if answer.status not in (200, 206):
        raise Wrong(f"{name}: status {answer.status}")
    if size is not None and len(answer.body) != size:
        raise Wrong(f"{name}: {len(answer.body)} bytes instead of {size}")
    if answer.body != bodies.piece(name, first, len(answer.body)):
        raise Wrong(f"{name}: wrong bytes")


class Clients:
    """`soak`: has port, forward_port, admin_port, origin_port, echo_port, dice, and counts what happens."""

    def __init__(self, soak):
        self.soak, self.dice = soak, random.Random(7)

    def a_path(self, kind, count):
        path = f"{kind}{self.dice.randrange(count)}"
        return path, bodies.size_of(path, *KINDS[kind][:2])

    async def reader(self):
        """Hits, misses, revalidations, over one connection for a while."""
        connection = await Connection.open(self.soak.port)
        try:
            for _ in range(self.dice.randrange(1, 60)):
                path, size = self.a_path(*self.dice.choice([("/hot/", 40), ("/hot/", 40), ("/cold/", 3000), ("/stale/", 50), ("/large/", 20)]))
                fields = [("Cache-Control", "no-cache")] if self.dice.random() < 0.05 else []
                check(await connection.get(path, fields), path, 0, size)
                self.soak.good()
        finally:
            connection.close()

    async def ranges(self):
        connection = await Connection.open(self.soak.port)
        try:
            for _ in range(20):
                path, size = self.a_path(*self.dice.choice([("/large/", 20), ("/cold/", 3000)]))
                first = self.dice.randrange(size)
                last = min(size - 1, first + self.dice.randrange(100_000))
                answer = await connection.get(path, [("Range", f"bytes={first}-{last}")])
                if answer.status == 200:
                    check(answer, path, 0, size)
                else:
                    check(answer, path, first, last - first + 1)
                    # "*": the origin sent the whole without a length, and it is still filling (RFC 9110 14.4).
                    sizes = (size, "*") if is_chunked(path) else (size,)
                    if answer.fields.get("content-range") not in [f"bytes {first}-{last}/{each}" for each in sizes]:
                        raise Wrong(f"{path}: Content-Range {answer.fields.get('content-range')}")
                self.soak.good()
        finally:
            connection.close()

    async def variants(self):
        connection = await Connection.open(self.soak.port)
        try:
            for _ in range(20):
                path, language = f"/wild/{self.dice.randrange(100)}", self.dice.choice(["en", "de", "fr", "it"])
                check(await connection.get(path, [("Accept-Language", language)]), path + language, 0, bodies.size_of(path, *KINDS["/wild/"][:2]))
                self.soak.good()
        finally:
            connection.close()

    async def private(self):
        """Many at once ask the same; each must get its own."""
        path = f"/private/{self.dice.randrange(50)}"

        async def one(name):
            connection = await Connection.open(self.soak.port)
            try:
                check(await connection.get(path, [("X-Client", name)]), path + name, 0, bodies.size_of(path + name, *KINDS["/private/"][:2]))
                self.soak.good()
            finally:
                connection.close()

        await gather_all(one(str(self.dice.randrange(1 << 30))) for _ in range(8))

    async def together(self):
        """A burst for something that is not stored: one fetch, or a few, for all."""
        path, size = f"/slow/{self.dice.randrange(1 << 40)}", KINDS["/slow/"][0]

        async def one():
            connection = await Connection.open(self.soak.port)
            try:
                check(await connection.get(path), path, 0, size)
                self.soak.good()
            finally:
                connection.close()

        await gather_all(one() for _ in range(20))

    async def slow_reader(self):
        path, _ = self.a_path(*self.dice.choice([("/large/", 20), ("/huge/", 3)]))
        connection = await Connection.open(self.soak.port)
        try:
            await connection.ask("GET", path)
            answer = await connection.head()
            if answer.status != 200:
                raise Broken(f"status {answer.status}")
            at, end = 0, self.dice.randrange(300_000, 12_000_000)
            async for data in connection.pieces(answer):
                if data != bodies.piece(path, at, len(data)):
                    raise Wrong(f"{path}: wrong bytes at {at}")
                at += len(data)
                if at > end:
                    break
                await asyncio.sleep(0.01)
            self.soak.good()
        finally:
            connection.close(reset=self.dice.random() < 0.5)

    async def leaver(self):
        """Goes away at any moment."""
        path, _ = self.a_path(*self.dice.choice([("/large/", 20), ("/huge/", 3), ("/slow/", 1000), ("/cold/", 3000)]))
        connection = await Connection.open(self.soak.port)
        try:
            await connection.ask("GET", path)
            if self.dice.random() < 0.7:
                await connection.reader.read(self.dice.randrange(1, 100_000))
            self.soak.good()
        finally:
            connection.close(reset=self.dice.random() < 0.7)

    async def cut_short(self):
        """The origin breaks off in the middle: that must never look complete, nor be stored."""
        path, size = self.a_path("/cut/", 50)
        connection = await Connection.open(self.soak.port)
        try:
            answer = await connection.get(path)
            if answer.status == 200:
                raise Wrong(f"{path}: complete, {len(answer.body)} of {size} bytes")
        except (asyncio.IncompleteReadError, ConnectionError, Broken):
            self.soak.good()
        finally:
            connection.close()

    async def uploads(self):
        connection = await Connection.open(self.soak.port)
        try:
            for _ in range(5):
                body = bodies.piece("upload", self.dice.randrange(1000), self.dice.randrange(300_000))
                answer = await connection.get("/echo", (), "POST", body, self.dice.random() < 0.5)
                if answer.status >= 500:
                    raise Broken(f"status {answer.status}")
                if answer.body != body:
                    raise Wrong(f"/echo: status {answer.status}, other bytes than were sent")
                self.soak.good()
        finally:
            connection.close()

    async def tunnel(self):
        connection = await Connection.open(self.soak.forward_port)
        try:
            await connection.ask("CONNECT", f"127.0.0.1:{self.soak.echo_port}")
            if (await connection.head()).status != 200:
                raise Broken("tunnel refused")
            for _ in range(self.dice.randrange(1, 10)):
                data = bodies.piece("tunnel", self.dice.randrange(1000), self.dice.randrange(1, 100_000))
                connection.writer.write(data)
                if await connection.reader.readexactly(len(data)) != data:
                    raise Wrong("a tunnel changed bytes")
            self.soak.good()
        finally:
            connection.close(reset=self.dice.random() < 0.3)

    async def forward(self):
        connection = await Connection.open(self.soak.forward_port)
        try:
            path, size = self.a_path("/cold/", 200)
            check(await connection.get(f"http://127.0.0.1:{self.soak.origin_port}{path}"), path, 0, size)
            self.soak.good()
            nowhere = await connection.get(f"http://{self.dice.randrange(1 << 30)}.invalid/")
            if nowhere.status not in (502, 504):
                raise Wrong(f"a name that does not exist: status {nowhere.status}")
            self.soak.good()
        finally:
            connection.close()

    async def purger(self):
        connection = await Connection.open(self.soak.admin_port, "localhost")
        try:
            urls = "\n".join(f"http://soak.example{self.a_path('/hot/', 40)[0]}" for _ in range(5))
            answer = await connection.get("/purge", (), "POST", urls.encode())
            if answer.status != 200:
                raise Wrong(f"/purge: status {answer.status}")
            self.soak.good()
        finally:
            connection.close()
        await asyncio.sleep(0.2)

    async def garbage(self):
        text, cut = mutations.make_case(99, self.dice.randrange(1 << 30))
        connection = await Connection.open(self.soak.port)
        try:
            connection.writer.write(text[:cut])
            await connection.writer.drain()
            connection.writer.write(text[cut:])
            connection.writer.write_eof()
            while await connection.reader.read(1 << 16):
                pass
            self.soak.good()
        finally:
            connection.close()

    def all(self):
        """(what a client does, how many do it at once)."""
        return [(self.reader, 8), (self.ranges, 2), (self.variants, 1), (self.private, 1), (self.together, 1), (self.slow_reader, 4), (self.leaver, 4),
                (self.cut_short, 1), (self.uploads, 2), (self.tunnel, 2), (self.forward, 1), (self.purger, 1), (self.garbage, 2)]


async def gather_all(tasks):
    """Waits for all of them, then raises what one of them raised; Wrong goes first."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failures = sorted((r for r in results if isinstance(r, BaseException)), key=lambda r: not isinstance(r, Wrong))
    if failures:
        raise failures[0]
