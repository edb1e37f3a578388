#!/usr/bin/env python3
"""Instructions for a hit and a miss of the release build, compared with those in instructions.json: a guard against slowly getting slow.

    tests/bench/instructions.py [--freshet build/release/freshet] [--write] [--only KIND]...

Fails when one is more than 5 % above its figure; --write takes what it has measured as the new figures. Exit codes: 0 good, 1 slower,
3 it could not be measured. On machines whose kind (uname -m) has no figures it says so, and is good. See tests/bench/counting.py.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys

import counting

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIGURES = pathlib.Path(__file__).resolve().parent / "instructions.json"
TOLERANCE = 0.05  # what is measured again on the same machine differs by less than a fifth of it
ACCEPT = "tests/bench/instructions.py --write"


def judge(expected, measured):
    """(complaints, notices) about what was measured."""
    complaints, notices = [], []
    for kind, value in measured.items():
        if kind not in expected:
            complaints.append(f"{kind}: {value} instructions, and no figure to compare with; to accept it: {ACCEPT}")
            continue
        change = value / expected[kind] - 1
        told = f"{kind}: {value} instructions, {expected[kind]} were expected ({change:+.1%})"
        if change > TOLERANCE:
            complaints.append(f"{told}, at most {TOLERANCE:+.0%} is allowed; if it is worth it: {ACCEPT}")
        elif change < -TOLERANCE:
            notices.append(f"{told}: faster; please lower the figure: {ACCEPT}")
        else:
            notices.append(told)
    return complaints, notices


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freshet", default=str(ROOT / "build/release/freshet"), help="the program, a release build")
    parser.add_argument("--write", action="store_true", help="what is measured becomes the figures")
    parser.add_argument("--only", action="append", choices=counting.KINDS, help="measure this kind alone")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("instructions: valgrind is missing (Debian package valgrind)")
        return 3
    if not os.access(options.freshet, os.X_OK):
        print(f"instructions: {options.freshet} is not there")
        return 3
    machine = os.uname().machine
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if machine not in figures and not options.write:
        print(f"instructions: no figures for {machine} yet; {ACCEPT} makes them")
        return 0
    try:
        measured = counting.measure(os.path.abspath(options.freshet), options.only or counting.KINDS)
    except (OSError, RuntimeError) as why:
        print(f"instructions: {why}")
        return 3
    complaints, notices = judge(figures.get(machine, {}), measured)
    for line in notices + complaints:
        print(f"instructions: {line}")
    if options.write:
        figures.setdefault(machine, {}).update(measured)
        FIGURES.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n")
        print(f"instructions: written to {FIGURES.relative_to(ROOT)}")
        return 0
    print("instructions: " + ("SLOWER" if complaints else "good"))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
