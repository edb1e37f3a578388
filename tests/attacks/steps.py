"""Attacks that take several steps: how they are written, and what they have in common."""
from attack import BOTH
from bench import expect

SEQUENCES = []


def attack(name, listeners=BOTH):
    def add(sequence):
        SEQUENCES.append((name, listeners, sequence))
        return sequence
    return add


def for_each(names, template, listeners=BOTH):
    """One attack for each of `names`, which becomes the last argument."""
    def add(sequence):
        for each in names:
            SEQUENCES.append((template % (each[0] if isinstance(each, tuple) else each), listeners,
                              lambda bench, listener, x=each: sequence(bench, listener, x)))
        return sequence
    return add


def all_of_them():
    for name, listeners, sequence in SEQUENCES:
        for listener in listeners:
            yield name, listener, sequence


def no_evil(bench):
    with bench.origin.lock:
        seen, faults = [r.target for r in bench.origin.seen], list(bench.origin.faults)
    expect(not faults, f"the origin could not read: {faults}")
    expect(not any("evil" in target for target in seen), f"the origin saw {seen}")


def warm(bench, listener, kind="cached"):
    path = bench.fresh_path(kind)
    first = bench.ask(listener, path)
    second = bench.ask(listener, path)
    expect(first.status == second.status == 200 and "hit" in second.values("cache-status")[0], "could not be cached")
    bench.origin.forget()
    return path
