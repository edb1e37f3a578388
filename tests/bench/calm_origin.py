"""The origin of calm.py: /group/N is in the group "all", /hot/N in none; both are 1 KiB. /large/N is 1 GiB. usage: calm_origin.py PORT"""
import re
import socket
import sys
import threading

LARGE = 1 << 30
BLOCK = b"x" * (1 << 20)
SMALL = b"x" * 1024


def head(length, more=""):
    return f"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nETag: \"v1\"\r\nContent-Length: {length}\r\n{more}\r\n".encode()


HOT, GROUPED, FILM = head(len(SMALL)) + SMALL, head(len(SMALL), 'Cache-Groups: "all"\r\n') + SMALL, head(LARGE)


def serve(sock):
    text = b""
    while got := sock.recv(65536):
        text += got
        while (end := text.find(b"\r\n\r\n")) >= 0:
            path, text = re.match(rb"GET (/\w+)/", text)[1], text[end + 4:]
            sock.sendall({b"/hot": HOT, b"/group": GROUPED, b"/large": FILM}[path])
            if path == b"/large":
                for _ in range(LARGE // len(BLOCK)):
                    sock.sendall(BLOCK)


def main():
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512) as listening:
        while True:
            sock, _ = listening.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(sock,), daemon=True).start()


main()
