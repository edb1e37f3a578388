#!/usr/bin/env python3
"""docs/security.md names tests; complains about files and titles that are not there, and about tests of a known pitfall that it does not name.

A file stands in backticks and begins with "tests/" or "scripts/"; titles follow it in double quotes, after a colon. Every fuzz target needs
seeds and something that it asserts.
"""
import re

import sources

DOCUMENT = "docs/security.md"
PLACE = re.compile(r"`((?:tests|scripts)/[^`\s]*)`(:\s*(?:\"[^\"\n]*\"(?:,\s*)?)+)?")
TITLE = re.compile(r"\"([^\"\n]*)\"")
CASE = re.compile(r"TEST_CASE\(\s*\"((?:\\.|[^\"\\])*)\"(?:\s*,\s*\"([^\"]*)\")?")
ROW = re.compile(r"^\| (P[0-9]+(?:, P[0-9]+)*) \|(.*)$", re.MULTILINE)
PITFALL = re.compile(r"\[(P[0-9]+)\]")
TITLED = re.compile(r"^(P[0-9]+)\b")
FEWEST_SEEDS = 3


def titles(text):
    return {match.group(1).replace("\\\"", "\""): match.group(2) or "" for match in CASE.finditer(text)}


def check_names(root, text):
    for match in PLACE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        path = root / match.group(1)
        if not path.is_file():
            yield f"{DOCUMENT}:{line}: there is no {match.group(1)}"
            continue
        known = titles(path.read_text(encoding="utf-8")) if match.group(2) else {}
        for title in TITLE.findall(match.group(2) or ""):
            if title not in known:
                yield f"{DOCUMENT}:{line}: {match.group(1)} has no test \"{title}\""


def check_pitfalls(root, text):
    rows = {name: row for names, row in ROW.findall(text) for name in names.split(", ")}
    for path in sources.files(root, ["tests"], {".cpp"}):
        place = path.relative_to(root).as_posix()
        for title, tags in titles(path.read_text(encoding="utf-8")).items():
            for pitfall in set(PITFALL.findall(tags)) | set(TITLED.findall(title)):
                if f"`{place}`" not in rows.get(pitfall, ""):
                    yield f"{DOCUMENT}: {pitfall} does not name {place} (\"{title}\")"
    for pitfall, row in rows.items():
        if "`tests/" not in row and "not there yet" not in row:
            yield f"{DOCUMENT}: {pitfall} names no test"


def check_fuzz_targets(root):
    for path in sorted((root / "tests/fuzz").glob("fuzz_*.cpp")):
        place = path.relative_to(root).as_posix()
        corpus = root / "tests/fuzz/corpus" / path.stem.removeprefix("fuzz_")
        seeds = list(corpus.iterdir()) if corpus.is_dir() else []
        if len(seeds) < FEWEST_SEEDS:
            yield f"{place}: {len(seeds)} seeds in {corpus.relative_to(root).as_posix()}, {FEWEST_SEEDS} are needed"
        text = path.read_text(encoding="utf-8")
        if not re.search(r"\b(ENSURE|require)\(|\bWorld\b", text):
            yield f"{place}: asserts nothing"


def check(root):
    document = root / DOCUMENT
    if not document.is_file():
        yield f"{DOCUMENT}: missing"
        return
    text = document.read_text(encoding="utf-8")
    yield from check_names(root, text)
    yield from check_pitfalls(root, text)
    yield from check_fuzz_targets(root)


if __name__ == "__main__":
    sources.main(check)
