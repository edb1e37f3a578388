#!/usr/bin/env python3
"""Prints a made-up trace of requests with mixed sizes, one "key size" a line, for bench_replay --sizes.

make_trace.py KIND [REQUESTS [SEED]]    KIND: zipf (60 000 objects), visitors (a quarter is asked for once, and what is popular drifts),
                                        scans (now and then 3 000 objects in a row that nobody asks for again)

Sizes are log-normal: 60 % around 8 KB, 35 % around 60 KB, 5 % around 1.5 MB; independent of popularity.
"""
import bisect
import itertools
import math
import random
import sys


class Sizes(dict):
    def __missing__(self, key):
        own = random.Random(key * 7919 + 1)
        middle, spread = own.choices([(8_000, 1.2), (60_000, 1.0), (1_500_000, 0.8)], [60, 35, 5])[0]
        self[key] = max(200, min(int(math.exp(own.gauss(math.log(middle), spread))), 8_000_000))
        return self[key]


def zipf(source, objects, exponent):
    sums = list(itertools.accumulate(1 / rank**exponent for rank in range(1, objects + 1)))
    while True:
        yield bisect.bisect_left(sums, source.random() * sums[-1])


def visitors(source):
    popular, once = zipf(source, 40_000, 0.85), itertools.count(10_000_000)
    for i in itertools.count():
        yield next(once) if source.random() < 0.25 else next(popular) + i // 50_000 * 3_000


def scans(source):
    popular, scanned = zipf(source, 30_000, 0.8), itertools.count(10_000_000)
    while True:
        if source.random() < 0.0002:
            yield from itertools.islice(scanned, 3_000)
        yield next(popular)


def main():
    arguments = sys.argv[1:] + [None] * 3
    source = random.Random(int(arguments[2] or 1))
    kinds = {"zipf": lambda: zipf(source, 60_000, 0.9), "visitors": lambda: visitors(source), "scans": lambda: scans(source)}
    if arguments[0] not in kinds:
        sys.exit(__doc__)
    sizes = Sizes()
    for key in itertools.islice(kinds[arguments[0]](), int(arguments[1] or 400_000)):
        print(key, sizes[key])


if __name__ == "__main__":
    main()
