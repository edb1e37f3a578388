"""Shows the soak what it has to complain of: a check that cannot fail checks nothing."""
import asyncio
import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/soaking"))
import bodies  # noqa: E402
import clients  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader("soak", str(ROOT / "scripts/soak"))
soak = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak", LOADER))
LOADER.exec_module(soak)


def answer(status, body):
    made = clients.Answer(status, {})
    made.body = body
    return made


class Bodies(unittest.TestCase):
    def test_any_part_is_a_part_of_the_whole(self):
        whole = bodies.piece("/x", 0, 300_000)
        for first, size in [(0, 1), (65_520, 2), (65_521, 65_521), (131_041, 100_003), (299_999, 1)]:
            self.assertEqual(bodies.piece("/x", first, size), whole[first:first + size])
        self.assertNotEqual(bodies.piece("/y", 0, 100), whole[:100])

    def test_wrong_bytes_are_seen(self):
        good = bodies.piece("/x", 5, 1000)
        clients.check(answer(200, good), "/x", 5, 1000)
        for bad, error in [
            (answer(200, good[:-1]), clients.Wrong),
            (answer(200, good + b"x"), clients.Wrong),
            (answer(200, good[:500] + bytes([good[500] ^ 1]) + good[501:]), clients.Wrong),
            (answer(200, bodies.piece("/x", 6, 1000)), clients.Wrong),
            (answer(200, bodies.piece("/y", 5, 1000)), clients.Wrong),
            (answer(404, good), clients.Wrong),
            (answer(502, b""), clients.Broken),
        ]:
            with self.assertRaises(error):
                clients.check(bad, "/x", 5, 1000)

    def test_the_worst_failure_of_many_is_told(self):
        async def fail(error):
            raise error

        with self.assertRaises(clients.Wrong):
            asyncio.run(clients.gather_all([fail(OSError()), fail(clients.Wrong()), fail(clients.Broken())]))


class Growth(unittest.TestCase):
    def complaints(self, minutes, resident):
        made = soak.Soak("freshet", minutes, "/nowhere", False)
        made.samples = [(at, resident(at) * soak.MEBIBYTE, 9) for at in range(0, int(minutes * 60), 2)]
        made.judge_growth()
        return len(made.wrong)

    def test_growth(self):
        for minutes, resident, complaints in [
            (30, lambda at: 90, 0),
            (30, lambda at: min(90, 10 + at), 0),
            (30, lambda at: 90 + at % 7, 0),
            (30, lambda at: 70 + at / 25, 1),
            (1, lambda at: 10 + at, 0),
            (1, lambda at: 10 + 5 * at, 1),
        ]:
            self.assertEqual(self.complaints(minutes, resident), complaints)


if __name__ == "__main__":
    unittest.main()
