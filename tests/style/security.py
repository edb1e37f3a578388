#!/usr/bin/env python3
"""docs/security.md names tests; complains about files and titles that are not there, and about tests of a known pitfall that it does not name.

A file stands in backticks and begins with "tests/" or "scripts/"; titles follow it in double quotes, after a colon. A test belongs to a
pitfall by its tag, as in "[P1]", or by the beginning of its title, as in "P1: ...". Every fuzz target needs seeds and something that it
asserts. With --add-missing as the second argument, the files that a row should name are written into it.
"""
import pathlib
import re
import sys

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


def rows_of(text):
    """Pitfall -> its row."""
    return {name: row for names, row in ROW.findall(text) for name in names.split(", ")}


def missing_places(root, text):
    """(pitfall, file, title) of the tests whose file the pitfall's row does not name."""
    rows = rows_of(text)
    for path in sources.files(root, ["tests"], {".cpp"}):
        place = path.relative_to(root).as_posix()
        for title, tags in titles(path.read_text(encoding="utf-8")).items():
            for pitfall in sorted(set(PITFALL.findall(tags)) | set(TITLED.findall(title))):
                if f"`{place}`" not in rows.get(pitfall, ""):
                    yield pitfall, place, title


def check_pitfalls(root, text):
    for pitfall, place, title in missing_places(root, text):
        yield f"{DOCUMENT}: {pitfall} does not name {place} (\"{title}\")"
    for pitfall, row in rows_of(text).items():
        if "`tests/" not in row and "not there yet" not in row:
            yield f"{DOCUMENT}: {pitfall} names no test"


def add_missing(root):
    document = root / DOCUMENT
    lines = document.read_text(encoding="utf-8").split("\n")
    for pitfall, place in sorted({(pitfall, place) for pitfall, place, _ in missing_places(root, "\n".join(lines))}):
        for i, line in enumerate(lines):
            names = ROW.match(line)
            if names and pitfall in names.group(1).split(", "):
                lines[i] = f"{line.removesuffix('|').rstrip().removesuffix('–').rstrip()}{'' if line.endswith('– |') else ';'} `{place}` |"
    document.write_text("\n".join(lines), encoding="utf-8")


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
    if sys.argv[2:] == ["--add-missing"]:
        add_missing(pathlib.Path(sys.argv[1]).resolve())
    sources.main(check)
