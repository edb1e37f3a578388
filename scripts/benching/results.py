"""What was measured, kept in a JSON file so that it can be measured piece by piece.

{"machine": {...}, "scenarios": {SCENARIO: {PEER: {"at": date, "version": ..., "seconds": of a round, "rounds": [{...}]} or {"failed": why}}}}
"""
import json
import os
import pathlib
import platform
import statistics


def load(file):
    file = pathlib.Path(file)
    return json.loads(file.read_text()) if file.exists() else {"scenarios": {}}


def save(file, results):
    file = pathlib.Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.with_suffix(".new").write_text(json.dumps(results, indent=1) + "\n")
    file.with_suffix(".new").replace(file)


def middle(rounds, figure):
    return statistics.median(one[figure] for one in rounds)


def spread(rounds, figure):
    values = [one[figure] for one in rounds]
    return min(values), max(values)


def parse_cpu_model(text):
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    release = platform.freedesktop_os_release() if pathlib.Path("/etc/os-release").exists() else {}
    return {"processor": parse_cpu_model(pathlib.Path("/proc/cpuinfo").read_text()), "processors": os.cpu_count(), "memory_gib": round(memory, 1),
            "kernel": platform.release(), "system": release.get("PRETTY_NAME", platform.system())}
