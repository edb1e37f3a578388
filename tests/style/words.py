#!/usr/bin/env python3
"""Complains about words that the project does without: waiting in tests, notes of work that is left, names that say nothing."""
import re

import sources

WAITING = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|\bsleep\s*\(|^\s*sleep\s+[0-9.$]", re.MULTILINE)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
EMPTY_NAME = re.compile(r"manager|handler|helper|util|context", re.IGNORECASE)
# A type that is declared, or an alias; not the parameter of a template, and not a name of another namespace.
TYPE = re.compile(r"\b(?:(?:class|struct|union|enum|concept)\s+(?:class\s+|struct\s+)?(?:\[\[\w+\]\]\s*)?(\w+)\b(?!\s*(?:[,>]|::))"
                  r"|using\s+(\w+)\s*=)")

CODE = ["src", "include", "tests", "cmake", "scripts", "docker", "conf", "docs"]


def find(pattern, text):
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start() + len(match.group()) - len(match.group().lstrip())) + 1, match


def check(root):
    for path in sources.files(root, CODE):
        place = path.relative_to(root).as_posix()
        if place.startswith("tests/style/"):
            continue
        if EMPTY_NAME.search(path.name):
            yield f"{place}: the name of the file says nothing"
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for line, match in find(UNFINISHED, text):
            yield f"{place}:{line}: {match.group()}"
        if place.startswith("tests/"):
            for line, match in find(WAITING, text):
                yield f"{place}:{line}: a test never waits for time to pass: {match.group().strip()}"
        if path.suffix in sources.CPP:
            for line, match in find(TYPE, sources.without_comments_and_strings(text)):
                name = match.group(1) or match.group(2)
                if EMPTY_NAME.search(name):
                    yield f"{place}:{line}: the name {name} says nothing"


if __name__ == "__main__":
    sources.main(check)
