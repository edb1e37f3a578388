#!/usr/bin/env python3
"""Reads every #include in src/ and include/ and complains about an arrow that the table of modules does not have.

The shape is an hourglass: protocols at the edge (frontend, upstream), one narrow seam (exchange), pure decisions in the middle
(proxy, cache, http). proxy, upstream and frontend never include one another. docs/architecture.md explains why.
"""
import re

import sources

# module: the other modules that it may include
MODULES = {
    "base": "",
    "http": "base",
    "cache": "http base",
    "async": "base",
    "auth": "async http base",
    "exchange": "async http base",
    "metrics": "base",
    "proxy": "exchange async auth cache http metrics base",
    "codec": "http base",
    "net": "async base",
    "upstream": "exchange async codec net http metrics base",
    "frontend": "exchange async codec net http metrics base",
    "config": "http base",
    "admin": "exchange async cache metrics config http base",
    "app": "admin config frontend upstream net codec proxy auth metrics exchange cache http async base",
}

# Third-party headers, by what their path begins with, that a module may name
#   in its public headers and in src/,
ANYWHERE = {
    "cache": ["boost/container/", "boost/intrusive/", "boost/unordered/"],
    "async": ["boost/asio/awaitable.hpp", "boost/asio/io_context.hpp", "boost/asio/use_awaitable.hpp",
              "boost/system/result.hpp"],
    "net": ["boost/asio/", "boost/asio.hpp", "boost/system/"],
    "upstream": ["boost/asio/", "boost/system/"],
    "frontend": ["boost/asio/", "boost/system/"],
}
#   in src/ only,
IN_SOURCES = {
    "http": ["boost/url/", "boost/url.hpp"],
    "cache": ["openssl/evp.h"],
    "async": ["boost/asio/", "boost/asio.hpp", "boost/system/"],
    "auth": ["openssl/"],
    "codec": ["boost/beast/", "nghttp2/", "nghttp3/"],
    "net": ["boost/intrusive/", "openssl/", "gnutls/", "ngtcp2/"],
    "admin": ["boost/json/", "boost/json.hpp"],
}
#   or in one file alone. app may name everything.
IN_ONE_FILE = {
    "prometheus/": "src/metrics/prometheus.cpp",
    "yaml-cpp/": "src/config/yaml_tree.cpp",
}

# The operating system. Modules that are not here do no I/O; those marked "src" name it in src/ only.
SYSTEM = {"base": "src", "auth": "src", "metrics": "src", "net": "any", "upstream": "src", "frontend": "src", "config": "src", "app": "any"}
SYSTEM_HEADER = re.compile(r"^(sys|netinet|arpa|net|linux)/|^[a-z_0-9]+\.h$")

# The cache seeds its hashes, and takes the memory of large bodies from the system and gives it back.
SYSTEM_EXCEPTIONS = {("cache", "sys/random.h"), ("cache", "sys/mman.h")}

STANDARD_HEADER = re.compile(r"^[a-z_0-9]+$|^[a-z]mmintrin\.h$")  # vector instructions come with the compiler
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def starts_with_any(header, prefixes):
    return any(header.startswith(prefix) for prefix in prefixes)


def complaint_about(module, public, place, quoted, header, neighbour_exists):
    """None when `header` may be included, or what is wrong with it."""
    if header.startswith("freshet/"):
        other = header.split("/")[1]
        if other == module or other in MODULES[module].split():
            return None
        return f"{module} may not include {other}"
    if quoted:
        if public:
            return "a public header includes only freshet/<module>/..."
        return None if neighbour_exists else "no such header beside this file (another module's private header?)"
    if STANDARD_HEADER.match(header) or module == "app":
        return None
    if SYSTEM_HEADER.match(header):
        allowed = "src" if (module, header) in SYSTEM_EXCEPTIONS else SYSTEM.get(module)
        return None if allowed == "any" or (allowed == "src" and not public) else f"{module} names no system header here"
    for prefix, only in IN_ONE_FILE.items():
        if header.startswith(prefix):
            return None if place == only else f"only {only} may name it"
    if starts_with_any(header, ANYWHERE.get(module, [])):
        return None
    if not public and starts_with_any(header, IN_SOURCES.get(module, [])):
        return None
    return f"{module} may not name this third-party header" + (" in a public header" if public else "")


def check(root):
    for path in sources.files(root, ["include/freshet", "src"], {".cpp", ".hpp", ".def"}):
        place = path.relative_to(root).as_posix()
        public = place.startswith("include/")
        module = place.split("/")[2 if public else 1]
        if module not in MODULES:
            yield f"{place}: no module of this name is in tests/style/layers.py"
            continue
        text = path.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            header = match.group(2)
            neighbour = (path.parent / header).exists()
            wrong = complaint_about(module, public, place, match.group(1) == '"', header, neighbour)
            if wrong:
                line = text.count("\n", 0, match.start(2)) + 1
                yield f"{place}:{line}: {header}: {wrong}"


if __name__ == "__main__":
    sources.main(check)
