#!/usr/bin/env python3
"""Makes docs/conformance.md from what is recorded beside this file: expected-*.json (measured), reasons.json and peers.json
(written by hand). Needs nothing but Python.

    document.py            compares, and ends with 1 when the document is not what it should be
    document.py --write    writes it
"""
import fnmatch
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "conformance.md"
SUITES = ["git", "npm"]
MODES = ["reverse", "forward"]
CDN = "cdn-cache-control"
SECTION = re.compile(r"RFC \d{4} \d")

HEAD = """# Conformance

<!-- Made by tests/conformance/document.py from what tests/conformance/run has measured; edit reasons.json there, not this file. -->

The public test suite for HTTP caches, [http-tests/cache-tests](https://github.com/http-tests/cache-tests), asks a few hundred
questions of RFC 9111 and its neighbours. `tests/conformance/run` asks Freshet, as a reverse and as a forward proxy; `reverse.yaml` and
`forward.yaml` beside it are the configurations, which leave nearly everything at its default. `scripts/test` calls it, and it fails when a
test that passed stops passing:

```sh
tests/conformance/run                                    # the npm package, {npm}
tests/conformance/run --suite DIR                        # a git checkout; recorded here: {git}
tests/conformance/run --suite DIR --mode forward --id TEST     # one test, with every message
```

The npm package is of 2021. Since then the suite has grown, and some of its requirements have turned round; the git version is the
measure that counts.

**required** is what the RFCs demand, **optimal** what makes a good cache, and a **check** has no right answer.
"""


class Mistakes(Exception):
    """What is wrong with the recorded files, one line each."""


def load(folder=HERE):
    """(suites, reasons, peers) as recorded in `folder`."""
    read = lambda name: json.loads((folder / name).read_text(encoding="utf-8"))
    return {suite: read(f"expected-{suite}.json") for suite in SUITES}, read("reasons.json"), read("peers.json")


def outcomes(suites):
    """(suite, mode, id, test, outcome) of everything measured."""
    for suite in SUITES:
        for name, test in suites[suite]["tests"].items():
            for mode in MODES:
                if mode in test:
                    yield suite, mode, name, test, test[mode]


def explain(suites, reasons):
    """(suite, id, outcome) -> the entry of reasons.json that explains it. Raises Mistakes when there is not exactly one (of several
    patterns the longest counts), or when an entry explains nothing."""
    found, mistakes, used = {}, [], set()
    for suite, _, name, test, outcome in outcomes(suites):
        if outcome == "pass":
            continue
        matching = []
        for entry in reasons["checks" if test["kind"] == "check" else "not_passed"]:
            if entry.get("answer", "fail") != outcome or entry.get("suite", suite) != suite:
                continue
            for pattern in entry["tests"]:
                if fnmatch.fnmatchcase(name, pattern):
                    matching.append((len(pattern), pattern, entry))
        matching.sort(key=lambda match: -match[0])
        if not matching or (len(matching) > 1 and matching[0][0] == matching[1][0]):
            mistakes.append(f"{suite}: {name} ({outcome}) has {'several reasons' if matching else 'no reason'}")
            continue
        found[suite, name, outcome] = matching[0][2]
        used.add((id(matching[0][2]), matching[0][1]))
    for entry in reasons["not_passed"] + reasons["checks"]:
        for pattern in entry["tests"]:
            if (id(entry), pattern) not in used:
                mistakes.append(f"reasons.json: nothing ends in '{entry.get('answer', 'fail')}' for {pattern}")
    for entry in reasons["checks"]:
        if not SECTION.search(entry["why"]):
            mistakes.append(f"reasons.json: no section of an RFC is named for {entry['tests'][0]}")
    if mistakes:
        raise Mistakes("\n".join(sorted(set(mistakes))))
    return found


def cell(text):
    return text.replace("|", "\\|")


def table(columns, rows):
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(cell(str(value)) for value in row) + " |"


def share(suite, mode, kind, cdn):
    """'149 of 150', or nothing when there are no such tests."""
    said = [test[mode] for test in suite["tests"].values()
            if mode in test and test["kind"] == kind and (test["group"] == CDN) == cdn]
    good = sum(outcome in ("pass", "yes") for outcome in said)
    return f"{good} of {len(said)}" if said else ""


def totals(suites, peers):
    yield "## Totals"
    yield ""
    yield "CDN: the tests of CDN-Cache-Control (RFC 9213), which are asked of caches that work for the origin."
    yield ""
    columns = ["suite", "as a", "required", "optimal", "CDN required", "CDN optimal", "checks: yes", "CDN checks: yes"]
    kinds = [("required", False), ("optimal", False), ("required", True), ("optimal", True), ("check", False), ("check", True)]
    yield from table(columns, ([suite, f"{mode} proxy", *(share(suites[suite], mode, *kind) for kind in kinds)]
                               for suite in SUITES for mode in MODES))
    yield ""
    yield "Others, as reverse proxies, with the git suite: each in the version of Debian 12 and set up for the suite, measured side by side;"
    yield "those marked so as the suite's site has published it."
    yield ""
    git = suites["git"]
    count = lambda kind, cdn: share(git, "reverse", kind, cdn).split(" ")[0]
    own = ["**Freshet**", count("required", False), count("optimal", False), f"{count('required', True)} + {count('optimal', True)}"]
    of = lambda kind, cdn: share(git, "reverse", kind, cdn).split(" ")[-1]
    columns = ["", f"required of {of('required', False)}", f"optimal of {of('optimal', False)}",
               f"CDN of {of('required', True)} + {of('optimal', True)}"]
    yield from table(columns, [own, *([p["name"], p["required"], p["optimal"], p["cdn"]] for p in peers)])


def places(suites, name, outcome):
    """Where a check is answered like this: '' for everywhere, else 'git', 'npm, reverse'..."""
    measured = [(suite, mode, outcome_) for suite, mode, name_, test, outcome_ in outcomes(suites)
                if name_ == name and test["kind"] == "check"]
    here = [(suite, mode) for suite, mode, outcome_ in measured if outcome_ == outcome]
    if len(here) == len(measured):
        return ""
    said = []
    for suite in SUITES:
        modes = [mode for suite_, mode in here if suite_ == suite]
        if modes:
            all_modes = len(modes) == sum(suite_ == suite for suite_, _, _ in measured)
            said.append(suite if all_modes else f"{suite}, {modes[0]}")
    return "; ".join(said)


def not_passed(suites, reason_of):
    yield "## Not passed"
    yield ""
    rows = {}
    for suite, mode, name, test, outcome in outcomes(suites):
        if outcome == "fail":
            row = rows.setdefault((name, reason_of[suite, name, outcome]["why"]), {"in": {}})
            row["in"].setdefault(f"{suite} {test['kind']}", []).append(mode)
    before = None
    lines = []
    for (name, why), row in rows.items():
        where = ", ".join(kind if len(modes) == len(MODES) else f"{kind} ({modes[0]})" for kind, modes in row["in"].items())
        lines.append([f"`{name}`", where, "as above" if why == before else why])
        before = why
    yield from table(["test", "suite and kind", "why"], lines)


def checks(suites, reason_of):
    yield "## Questions without a right answer"
    yield ""
    yield "What Freshet does, and why. (npm only): the git version asks the same as required or optimal, or not at all."
    groups = {}
    for suite, _, name, test, outcome in outcomes(suites):
        if test["kind"] == "check":
            rows = groups.setdefault(test["group"], {})
            rows.setdefault((name, outcome), (test["name"], reason_of[suite, name, outcome]["why"]))
    for group, rows in groups.items():
        yield ""
        yield f"### {group}"
        yield ""
        before = None
        lines = []
        for (name, outcome), (question, why) in rows.items():
            where = places(suites, name, outcome)
            old = "" if name in suites["git"]["tests"] and suites["git"]["tests"][name]["kind"] == "check" else " (npm only)"
            lines.append([f"`{name}`{old}", question, f"{outcome} ({where})" if where else outcome, "as above" if why == before else why])
            before = why
        yield from table(["test", "what it asks", "Freshet", "why"], lines)


def make(suites, reasons, peers):
    """The document. Raises Mistakes."""
    reason_of = explain(suites, reasons)
    versions = {"git": f"commit {suites['git']['version'][:7]}", "npm": f"http-cache-tests {suites['npm']['version']}"}
    parts = [totals(suites, peers), not_passed(suites, reason_of), checks(suites, reason_of)]
    return HEAD.format(**versions) + "".join("\n" + "\n".join(part) + "\n" for part in parts)


def main(arguments):
    try:
        document = make(*load())
    except Mistakes as mistakes:
        print(mistakes)
        return 1
    if arguments == ["--write"]:
        DOCUMENT.write_text(document, encoding="utf-8")
        return 0
    if arguments:
        print(__doc__)
        return 2
    if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != document:
        print("docs/conformance.md is not what is recorded in tests/conformance; run tests/conformance/run --write-docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
