#!/usr/bin/env python3
"""docs/reasons.md lists the words of reasons.def, in its order and under its headings; complains when it does not.

With --write (from the project's folder) it writes the document anew.
"""
import pathlib
import re
import sys

import sources

ROWS = "include/freshet/base/reasons.def"
DOCUMENT = "docs/reasons.md"
INTRODUCTION = """# Reason words

One word says why something happened to a request or an answer. It is the `detail` of `Cache-Status`, the `reason` in the access log, the label
of some metrics, and the page of an answer that Freshet gives itself has its sentence. This list is made from `include/freshet/base/reasons.def`.
"""

LINE = re.compile(r'^// (?P<heading>.+)|^REASON\(\w+, "(?P<word>[^"]+)", "(?P<text>[^"]+)"\)', re.MULTILINE)


def document_of(rows):
    lines = [INTRODUCTION.rstrip("\n")]
    heading = None
    for match in LINE.finditer(rows):
        if match["heading"]:
            heading = match["heading"].removeprefix("Cache: ").rstrip(".")
            heading = heading[0].upper() + heading[1:]
        elif match["word"] != "none":
            if heading:
                lines += ["", f"## {heading}", "", "| word | meaning |", "|---|---|"]
                heading = None
            lines.append(f"| `{match['word']}` | {match['text']} |")
    return "\n".join(lines) + "\n"


def check(root):
    wanted = document_of((root / ROWS).read_text(encoding="utf-8")).splitlines()
    there = (root / DOCUMENT).read_text(encoding="utf-8").splitlines() if (root / DOCUMENT).is_file() else []
    for line in wanted:
        if line and line not in there:
            yield f"{DOCUMENT}: is missing: {line}"
    for line in there:
        if line and line not in wanted:
            yield f"{DOCUMENT}: is not in {ROWS}: {line}"
    if sorted(wanted) == sorted(there) and wanted != there:
        yield f"{DOCUMENT}: has another order than {ROWS}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        pathlib.Path(DOCUMENT).write_text(document_of(pathlib.Path(ROWS).read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sources.main(check)
