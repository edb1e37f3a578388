"""What scripts/bench reads from others and makes of it. No program is started."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/benching"))
import document  # noqa: E402
import load  # noqa: E402
import origin  # noqa: E402
import peers  # noqa: E402
import processes  # noqa: E402
import results  # noqa: E402
import scenarios  # noqa: E402

WRK = """Running 4s test @ http://127.0.0.1:1/h/1k
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   431.00us  120.00us   9.62ms   90.00%
  Latency Distribution
     50%  381.00us
     99%    1.29ms
  656123 requests in 4.00s, 800.00MB read
Requests/sec: 164030.75
Transfer/sec:    200.00MB
"""


def rounds(*values):
    return {"rounds": [{"cpu_us": value, "user_us": 1.0, "system_us": value - 1, "per_second": 9e4, "p99_us": 500.0, "bad": 0} for value in values],
            "at": "2026-01-01", "version": "1", "seconds": 4}


def sample():
    return {"machine": {"processor": "P", "processors": 2, "memory_gib": 4, "kernel": "6", "system": "Debian"},
            "scenarios": {"hit1k": {"floor": rounds(4, 4, 4), "freshet": rounds(6, 5, 9), "nginx": rounds(8, 8, 8), "haproxy": rounds(7, 7, 7),
                                    "squid": {"failed": "it <does> not start", "at": "2026-01-02", "version": "5"}},
                          "miss1k": {"freshet": rounds(20, 20, 20), "nginx": rounds(10, 10, 10)}}}


class Reading(unittest.TestCase):
    def test_wrk(self):
        self.assertEqual(load.parse(WRK), {"requests": 656123.0, "per_second": 164030.75, "p99_us": 1290.0, "bad": 0})
        for unit, factor in [("us", 1), ("ms", 1e3), ("s", 1e6)]:
            self.assertEqual(load.parse(WRK.replace("1.29ms", "2.50" + unit))["p99_us"], 2.5 * factor)

    def test_what_went_wrong_is_counted(self):
        said = WRK + "  Socket errors: connect 1, read 2, write 0, timeout 4\n  Non-2xx or 3xx responses: 100\n"
        self.assertEqual(load.parse(said)["bad"], 107)

    def test_nothing_measured_is_no_result(self):
        for said in ["", "unable to connect to 127.0.0.1:1 Connection refused\n", WRK.replace("656123", "0")]:
            with self.assertRaises(processes.Failed):
                load.parse(said)

    def test_several_are_added_up(self):
        slow = {"requests": 10.0, "per_second": 5.0, "p99_us": 900.0, "bad": 2}
        self.assertEqual(load.add_up([load.parse(WRK), slow]), {"requests": 656133.0, "per_second": 164035.75, "p99_us": 1290.0, "bad": 2})

    def test_proc(self):
        self.assertEqual(processes.parse_stat("7 (a ) b) S 1 1 1 0 -1 0 0 0 0 0 250 50 0 0 20 0"), (250, 50))
        self.assertEqual(processes.parse_pss("1-2 ---p 0 00:00 0 [rollup]\nRss:  90 kB\nPss:  12 kB\nPss_Dirty:  3 kB\n"), 12 * 1024)
        self.assertEqual(results.parse_cpu_model("processor : 0\nmodel name\t: AMD EPYC\n"), "AMD EPYC")

    def test_requests_at_the_origin(self):
        self.assertEqual(origin.parse_count("Active connections: 2 \nserver accepts handled requests\n 10 10 4711 \nReading: 0 Writing: 1 Waiting: 1 \n"), 4711)


class Document(unittest.TestCase):
    def test_goals(self):
        found = {row[0]: row for row in document.goals(sample()["scenarios"])}
        self.assertEqual(found["hit1k"][1:4], (6, "haproxy", 7))
        self.assertEqual((found["hit1k"][5], found["hit1k"][6]), ("yes", "1.50"))
        self.assertEqual(found["miss1k"][5], "**no**")

    def test_text(self):
        text = document.text(sample(), ["scripts/bench"])
        for part in ["2026-01-01 to 2026-01-02", "; 3 rounds of 4 s; by:", "| **freshet** | 6.0 | 5.0 – 9.0 | 1.00 |", "not measured: it <does> not start", "### miss1k"]:
            self.assertIn(part, text)
        self.assertLess(text.index("| floor | 4.0"), text.index("| **freshet** | 6.0"))

    def test_only_what_is_between_the_markers_changes(self):
        old = f"a\n{document.BEGIN}\nold\n{document.END}\nb\n"
        new = document.put_between_markers(old, "new\n")
        self.assertTrue(new.startswith(f"a\n{document.BEGIN}\n\nnew") and new.endswith(f"{document.END}\nb\n") and "old" not in new, new)
        self.assertEqual(document.put_between_markers(new, "new\n"), new)
        with self.assertRaises(ValueError):
            document.put_between_markers("no markers", "new")

    def test_picture(self):
        import xml.etree.ElementTree
        root = xml.etree.ElementTree.fromstring(document.picture(sample()))
        self.assertEqual(sum(1 for one in root.iter("{http://www.w3.org/2000/svg}rect")), 1 + 4 + 2)

    def test_the_floor_of_a_miss_passes_on_what_the_origin_says(self):
        self.assertEqual((["c/relay_floor", "1", "2"], {}), peers.prepare("floor", "f", 1, 2, 0, "c"))
        self.assertEqual((["c/floor", "1", "1024"], {}), peers.prepare("floor", "f", 1, 2, 1024, "c"))

    def test_all_scenarios_and_peers_are_complete(self):
        for scenario in scenarios.ALL.values():
            self.assertTrue(scenario.memory or scenario.path)
            self.assertTrue(not scenario.script or scenario.script in load.SCRIPTS)
            self.assertFalse(scenario.floor and scenario.relay)
        self.assertTrue(set(scenarios.QUICK) <= set(scenarios.ALL))
        self.assertEqual({"freshet", "varnish", "squid"}, {name for name, peer in peers.ALL.items() if peer.grows})
        self.assertEqual({"floor", "freshet", "apart"}, {name for name, peer in peers.ALL.items() if not peer.package})


if __name__ == "__main__":
    unittest.main()
