"""Bodies that can be checked byte by byte without being kept: what a path's body is, at any offset, follows from its name."""
import functools
import random

PERIOD = 65521  # a prime, so that no block size fits into it


@functools.lru_cache(maxsize=512)
def pattern(name):
    return random.Random(name).randbytes(PERIOD)


def piece(name, first, size):
    """Bytes `first` to `first` + `size` - 1 of the body of that name."""
    base, start = pattern(name), first % PERIOD
    repeated = base[start:] + base * (size // PERIOD + 1)
    return repeated[:size]


def size_of(name, least, most):
    return least + random.Random("size of " + name).randrange(most - least + 1)
