#!/usr/bin/env python3
"""Complains about sections of RFC 9111 with rules for a shared cache that no test cites, and about citations of sections that are not
in the list.

A test cites a section in a tag, [rfc9111-4.2.1] or [9111-4.2.1], with a hyphen or a space, or in the first words of a table's row:
{"4.2.1: ...".
"""
import re

import sources

SECTIONS = {
    "1.2.2": "delta-seconds",
    "2": "cache keys",
    "3": "storing responses",
    "3.1": "storing header and trailer fields",
    "3.2": "updating stored header fields",
    "3.3": "storing incomplete responses",
    "3.4": "combining partial content",
    "3.5": "responses to authenticated requests",
    "4": "constructing responses",
    "4.1": "Vary",
    "4.2": "freshness",
    "4.2.1": "freshness lifetime",
    "4.2.2": "heuristic freshness",
    "4.2.3": "age",
    "4.2.4": "stale responses",
    "4.3": "validation",
    "4.3.1": "sending a validation request",
    "4.3.2": "handling a received validation request",
    "4.3.3": "handling a validation response",
    "4.3.4": "freshening upon validation",
    "4.3.5": "freshening by HEAD",
    "4.4": "invalidation",
    "5.1": "Age",
    "5.2": "Cache-Control",
    "5.2.1": "request directives",
    "5.2.1.1": "max-age",
    "5.2.1.2": "max-stale",
    "5.2.1.3": "min-fresh",
    "5.2.1.4": "no-cache",
    "5.2.1.5": "no-store",
    "5.2.1.6": "no-transform",
    "5.2.1.7": "only-if-cached",
    "5.2.2": "response directives",
    "5.2.2.1": "max-age",
    "5.2.2.2": "must-revalidate",
    "5.2.2.3": "must-understand",
    "5.2.2.4": "no-cache",
    "5.2.2.5": "no-store",
    "5.2.2.6": "no-transform",
    "5.2.2.7": "private",
    "5.2.2.8": "proxy-revalidate",
    "5.2.2.9": "public",
    "5.2.2.10": "s-maxage",
    "5.2.3": "extension directives",
    "5.3": "Expires",
    "5.4": "Pragma",
}

TAG = re.compile(r"\[(?:rfc)?9111[- ]([0-9.]+)\]")
ROW = re.compile(r'\{"([1-9](?:\.[0-9]+)*): ')


def citations(root):
    """(section, place) of all that is cited."""
    for path in sources.files(root, ["tests"], {".cpp"}):
        text = path.read_text(encoding="utf-8")
        place = path.relative_to(root).as_posix()
        found = TAG.findall(text)
        if found:  # rows cite the RFC that the test's tag names
            found += ROW.findall(text)
        for section in found:
            yield section, place


def check(root):
    cited = {}
    for section, place in citations(root):
        cited.setdefault(section, place)
    for section, title in SECTIONS.items():
        if section not in cited:
            yield f"RFC 9111 {section} ({title}): no test cites it"
    for section, place in cited.items():
        if section not in SECTIONS:
            yield f"{place}: RFC 9111 {section} is not in the list of tests/style/rfc_sections.py"


if __name__ == "__main__":
    sources.main(check)
