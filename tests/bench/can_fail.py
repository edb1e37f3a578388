"""Shows the guard what it has to complain of: a check that cannot fail checks nothing."""
import unittest

import counting
import instructions


class Judging(unittest.TestCase):
    def test_what_is_slower_is_complained_of(self):
        for expected, measured, complaints, notices in [
            ({"hit": 1000}, {"hit": 1000}, 0, 1),
            ({"hit": 1000}, {"hit": 1049}, 0, 1),
            ({"hit": 1000}, {"hit": 1051}, 1, 0),
            ({"hit": 1000, "miss": 5000}, {"hit": 1000, "miss": 6000}, 1, 1),
            ({"hit": 1000, "miss": 5000}, {"hit": 2000, "miss": 6000}, 2, 0),
            ({}, {"hit": 1000}, 1, 0),
        ]:
            told = instructions.judge(expected, measured)
            self.assertEqual((len(told[0]), len(told[1])), (complaints, notices), told)

    def test_a_complaint_says_what_and_how_to_accept(self):
        told = instructions.judge({"hit": 1000}, {"hit": 1200})[0][0]
        for part in ["hit", "1200", "1000", "+20.0%", "--write"]:
            self.assertIn(part, told)

    def test_what_is_far_faster_asks_for_a_new_figure(self):
        self.assertIn("--write", instructions.judge({"hit": 1000}, {"hit": 900})[1][0])
        self.assertNotIn("--write", instructions.judge({"hit": 1000}, {"hit": 990})[1][0])


class Counting(unittest.TestCase):
    def test_the_sum_is_read(self):
        self.assertEqual(counting.collected("==1== \n==1== Events    : Ir\n==1== Collected : 18741611\n"), 18741611)
        with self.assertRaises(RuntimeError):
            counting.collected("==1== Events    : Ir\n")

    def test_another_kind_is_not_counted_for_it(self):
        hit = "HTTP/1.1 200 OK\r\nCache-Status: freshet; hit; ttl=9\r\n\r\n"
        miss = "HTTP/1.1 200 OK\r\nCache-Status: freshet; fwd=uri-miss; stored\r\n\r\n"
        counting.check_kind("hit", hit)
        counting.check_kind("miss_stored", miss)
        for kind, head in [("hit", miss), ("hit_browser", miss), ("miss", hit), ("miss", "HTTP/1.1 502 Bad Gateway\r\n\r\n")]:
            with self.assertRaises(RuntimeError):
                counting.check_kind(kind, head)


if __name__ == "__main__":
    unittest.main()
