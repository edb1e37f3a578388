#!/usr/bin/env python3
"""The maker of docs/conformance.md notices what is wrong: each mistake is put into small records, and has to be found."""
import copy
import unittest

import document

SUITES = {
    "git": {"version": "0123456789", "tests": {
        "good": {"group": "a", "kind": "required", "reverse": "pass", "forward": "pass", "name": "Is it good?"},
        "bad": {"group": "a", "kind": "optimal", "reverse": "pass", "forward": "fail", "name": "Is it better?"},
        "ask": {"group": "b", "kind": "check", "reverse": "yes", "forward": "yes", "name": "Does it | so?"},
        "cdn": {"group": "cdn-cache-control", "kind": "required", "reverse": "pass", "name": "Is it a CDN?"}}},
    "npm": {"version": "1.0", "tests": {
        "ask": {"group": "b", "kind": "check", "reverse": "no", "forward": "no", "name": "Does it so?"}}},
}
REASONS = {
    "not_passed": [{"tests": ["bad"], "why": "Not worth it."}],
    "checks": [{"answer": "yes", "tests": ["as*"], "why": "RFC 9111 4 says so."},
               {"answer": "no", "tests": ["ask"], "why": "RFC 9111 3 says no."}],
}
PEERS = [{"name": "Other 1.0", "required": 0, "optimal": 1, "cdn": "0"}]


class Document(unittest.TestCase):
    def setUp(self):
        self.suites, self.reasons = copy.deepcopy(SUITES), copy.deepcopy(REASONS)

    def made(self):
        return document.make(self.suites, self.reasons, PEERS)

    def assert_mistake(self, words):
        with self.assertRaises(document.Mistakes) as caught:
            self.made()
        self.assertIn(words, str(caught.exception))

    def test_everything_is_in_it(self):
        lines = self.made().splitlines()
        self.assertIn("| git | reverse proxy | 1 of 1 | 1 of 1 | 1 of 1 |  | 1 of 1 |  |", lines)
        self.assertIn("| git | forward proxy | 1 of 1 | 0 of 1 |  |  | 1 of 1 |  |", lines)
        self.assertIn("| **Freshet** | 1 | 1 | 1 +  |", lines)
        self.assertIn("| `bad` | git optimal (forward) | Not worth it. |", lines)
        self.assertIn("| `ask` | Does it \\| so? | yes (git) | RFC 9111 4 says so. |", lines)
        self.assertIn("| `ask` | Does it so? | no (npm) | RFC 9111 3 says no. |", lines)

    def test_a_failed_test_without_reason(self):
        self.suites["git"]["tests"]["good"]["reverse"] = "fail"
        self.assert_mistake("git: good (fail) has no reason")

    def test_a_check_without_reason(self):
        self.suites["git"]["tests"]["other"] = {"group": "b", "kind": "check", "reverse": "no", "name": "And this?"}
        self.assert_mistake("git: other (no) has no reason")

    def test_a_reason_for_another_answer(self):
        self.suites["npm"]["tests"]["ask"].update(reverse="yes", forward="yes")
        self.assert_mistake("nothing ends in 'no' for ask")

    def test_a_reason_for_what_passes(self):
        self.suites["git"]["tests"]["bad"]["forward"] = "pass"
        self.assert_mistake("nothing ends in 'fail' for bad")

    def test_a_reason_for_another_suite(self):
        self.reasons["not_passed"][0]["suite"] = "npm"
        self.assert_mistake("git: bad (fail) has no reason")

    def test_two_reasons(self):
        self.reasons["not_passed"].append({"tests": ["ba?"], "why": "Nor this."})
        self.assert_mistake("git: bad (fail) has several reasons")

    def test_a_reason_that_names_no_section(self):
        self.reasons["checks"][0]["why"] = "Because."
        self.assert_mistake("no section of an RFC is named for as*")


if __name__ == "__main__":
    unittest.main()
