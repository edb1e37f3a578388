#!/usr/bin/env python3
"""The mistakes that other proxies have made, by number. Complains about one that no test names: pitfalls.py TESTS"""
import pathlib
import re
import sys

PITFALLS = {
    "P1": "a hit before the request body is drained: what is left becomes the next request",
    "P2": "an upgrade or tunnel that counts as accepted before the origin has said so (RFC 9931)",
    "P3": "Content-Length and Transfer-Encoding that contradict each other or themselves",
    "P4": "chunk lines, extensions and trailers that two parsers read differently",
    "P5": "targets and Host that name different authorities",
    "P6": "a cache key without host, scheme or port",
    "P7": "poisoning by what is not in the key",
    "P8": "deception: a private page stored under a name that looks public",
    "P9": "private answers handed to others who waited for the same URL",
    "P10": "requests that queue for what cannot be stored",
    "P17": "ranges that cost more than the whole, and slices that do not fit",
    "P18": "variants without end",
    "P19": "the check of a name and the dialling of another address",
    "P20": "an open proxy by accident",
    "P21": "metric series that clients make",
    "P22": "bytes injected before or after a handshake or an upgrade",
    "P23": "races that leave a broken object in the store",
    "P25": "loops",
}


def main():
    root = pathlib.Path(sys.argv[1])
    own = pathlib.Path(__file__).name
    text = "\n".join(path.read_text(encoding="utf-8", errors="ignore") for path in root.rglob("*")
                     if path.suffix in (".py", ".cpp") and path.name != own)
    missing = [f"{name}: no test names it ({what})" for name, what in PITFALLS.items() if not re.search(rf"\b{name}\b", text)]
    print("\n".join(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
