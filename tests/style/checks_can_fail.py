#!/usr/bin/env python3
"""Shows each style check a small tree with one fault, and the same without: a check that cannot fail checks nothing."""
import atexit
import pathlib
import shutil
import tempfile
import unittest

import layers
import names_in_docs
import reasons
import rfc_sections
import security
import service_unit
import sizes
import words


class Tree:
    """A project of a few files."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self.root)
        (self.root / "src").mkdir()
        (self.root / "include/freshet").mkdir(parents=True)

    def put(self, place, text=""):
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self


def complaints(module, place, text):
    tree = Tree().put(place, text)
    return list(module.check(tree.root))


class ServiceUnit(unittest.TestCase):
    def test_each_key(self):
        lines = [f"{key}={value}" for key, values in service_unit.WANTED.items() for value in values]
        unit = lambda some: "[Service]\n" + "\n".join(some) + "\n[Install]\n"
        self.assertEqual(complaints(service_unit, service_unit.UNIT, unit(lines)), [])
        for i in range(len(lines)):
            self.assertEqual(len(complaints(service_unit, service_unit.UNIT, unit(lines[:i] + lines[i + 1:]))), 1, lines[i])
            self.assertEqual(len(complaints(service_unit, service_unit.UNIT, unit(lines[:i] + ["#" + lines[i]] + lines[i + 1:]))), 1)
        self.assertEqual(len(complaints(service_unit, service_unit.UNIT, unit(lines + ["DynamicUser=no"]))), 1)
        self.assertEqual(len(complaints(service_unit, "conf/other.service", unit(lines))), 1)


class Layers(unittest.TestCase):
    def expect(self, place, include, good):
        found = complaints(layers, place, f"// x\n#include {include}\n")
        self.assertEqual(not found, good, f"{place} {include}: {found}")

    def test_arrows(self):
        for place, include, good in [
            ("src/proxy/a.cpp", '"freshet/cache/x.hpp"', True),
            ("src/proxy/a.cpp", '"freshet/upstream/x.hpp"', False),
            ("src/proxy/a.cpp", '"freshet/frontend/x.hpp"', False),
            ("src/upstream/a.cpp", '"freshet/proxy/x.hpp"', False),
            ("include/freshet/http/a.hpp", '"freshet/base/x.hpp"', True),
            ("include/freshet/http/a.hpp", '"freshet/async/x.hpp"', False),
            ("include/freshet/base/a.hpp", '"freshet/http/x.hpp"', False),
            ("src/cache/a.cpp", '"freshet/async/x.hpp"', False),
            ("src/app/a.cpp", '"freshet/proxy/x.hpp"', True),
            ("src/base/a.cpp", '"missing.hpp"', False),
            ("src/base/a.cpp", '"../http/private.hpp"', False),
            ("src/new/a.cpp", "<vector>", False),
            ("src/http/a.cpp", "<vector>", True),
            ("src/http/a.cpp", "<cstdint>", True),
            ("src/http/a.cpp", "<boost/url/url.hpp>", True),
            ("include/freshet/http/a.hpp", "<boost/url/url.hpp>", False),
            ("src/http/a.cpp", "<boost/asio/ip/tcp.hpp>", False),
            ("src/http/a.cpp", "<unistd.h>", False),
            ("src/codec/a.cpp", "<sys/socket.h>", False),
            ("src/codec/a.cpp", "<emmintrin.h>", True),
            ("src/cache/a.cpp", "<sys/random.h>", True),
            ("src/cache/a.cpp", "<sys/mman.h>", True),
            ("src/cache/a.cpp", "<sys/socket.h>", False),
            ("src/net/a.cpp", "<sys/socket.h>", True),
            ("include/freshet/async/a.hpp", "<boost/asio/awaitable.hpp>", True),
            ("include/freshet/async/a.hpp", "<boost/asio/post.hpp>", False),
            ("src/async/a.cpp", "<boost/asio/post.hpp>", True),
            ("src/metrics/a.cpp", "<prometheus/family.h>", False),
            ("src/metrics/prometheus.cpp", "<prometheus/family.h>", True),
            ("src/config/a.cpp", "<yaml-cpp/yaml.h>", False),
            ("include/freshet/net/a.hpp", "<openssl/ssl.h>", False),
            ("src/net/a.cpp", "<openssl/ssl.h>", True),
            ("src/app/a.cpp", "<CLI/CLI.hpp>", True),
            ("src/frontend/a.cpp", "<boost/beast.hpp>", False),
        ]:
            self.expect(place, include, good)

    def test_own_private_header(self):
        tree = Tree().put("src/base/a.cpp", '#include "b.hpp"\n').put("src/base/b.hpp")
        self.assertEqual(list(layers.check(tree.root)), [])


class Sizes(unittest.TestCase):
    def body(self, before, lines, after="}\n"):
        return before + "  x();\n" * lines + after

    def test_functions(self):
        for before, after, lines, good in [
            ("void f() {\n", "}\n", 78, True),
            ("void f() {\n", "}\n", 79, False),
            ("namespace n {\nstruct S {\n  int f(int a = 3) const noexcept {\n", "}\n};\n}\n", 79, False),
            ("S::S(int a)\n    : a_(a) {\n", "}\n", 77, True),
            ("S::S(int a)\n    : a_(a) {\n", "}\n", 78, False),
            ("bool operator==(const S& a, const S& b) {\n", "}\n", 79, False),
            ("void f() {\n  if (x) {\n", "  }\n}\n", 77, False),
            ("constexpr auto kRows = to_array<Row>({\n", "});\n", 500, True),
            ("namespace {\n", "}\n", 500, True),
            ("class A {\n", "};\n", 500, True),
        ]:
            found = complaints(sizes, "src/base/a.cpp", self.body(before, lines, after))
            self.assertEqual(not found, good, f"{before} {found}")

    def test_braces_in_text_do_not_count(self):
        text = self.body('void f() { char c = \'{\'; auto s = "{"; auto r = R"(})"; /* { */ } // {\nvoid g() {\n', 70)
        self.assertEqual(complaints(sizes, "src/base/a.cpp", text), [])
        found = list(sizes.functions(text))
        self.assertEqual([(name, lines) for name, _, lines in found], [("f", 1), ("g", 72)])

    def test_files(self):
        self.assertEqual(complaints(sizes, "src/base/a.cpp", "//\n" * 600), [])
        self.assertEqual(len(complaints(sizes, "src/base/a.cpp", "//\n" * 601)), 1)
        self.assertEqual(complaints(sizes, "src/base/a.def", "//\n" * 601), [])


class Words(unittest.TestCase):
    def test_words(self):
        for place, text, good in [
            ("tests/unit/a.cpp", "std::this_thread::sleep_for(1s);", False),
            ("tests/unit/a.cpp", "usleep(1);", False),
            ("tests/a.sh", "true\nsleep 1\n", False),
            ("tests/a.py", "time.sleep(1)\n", False),
            ("tests/unit/a.cpp", "// nothing sleeps here", True),
            ("src/net/a.cpp", "// TO" + "DO later", False),
            ("docs/a.md", "FIX" + "ME", False),
            ("src/net/a.cpp", "class PoolManager {};", False),
            ("src/net/a.cpp", "struct RequestContext;", False),
            ("src/net/a.cpp", "enum class HandlerKind { A };", False),
            ("src/net/a.cpp", "using Utils = int;", False),
            ("src/net/a.cpp", "template <class Handler> void f(Handler h);", True),
            ("src/net/a.cpp", "class Pool {}; // no manager\nboost::asio::io_context loop;", True),
            ("src/net/a.cpp", "class Loop : io_context { using io_context::io_context; };", True),
            ("src/net/a.cpp", "struct PoolHandler final : Base {};", False),
            ("src/net/pool_util.cpp", "", False),
        ]:
            found = complaints(words, place, text)
            self.assertEqual(not found, good, f"{place} {text}: {found}")


class NamesInDocs(unittest.TestCase):
    def test_names(self):
        for text, good in [
            ("`net/worker`", True),
            ("`net/worker.cpp`", True),
            ("`src/net/worker.cpp`", True),
            ("`worker.cpp`", True),
            ("`net/`", True),
            ("`net/wrong`", False),
            ("`wrong.cpp`", False),
            ("`src/net/wrong.cpp`", False),
            ("`start()` and `Worker::start()` and `start(now)`", True),
            ("`begin()`", False),
            ("`Worker::begin()`", False),
            ("`/metrics`, `text/plain`, `Host`, `std::move()`, `a b`", True),
            ("```\n`begin()`\n```", True),
        ]:
            tree = Tree().put("src/net/worker.cpp", "void Worker::start() {}\n").put("include/freshet/net/worker.hpp")
            for document in names_in_docs.DOCUMENTS:
                tree.put(document, text)
            found = list(names_in_docs.check(tree.root))
            self.assertEqual(not found, good, f"{text}: {found}")

    def test_missing_document(self):
        tree = Tree()
        self.assertEqual(len(list(names_in_docs.check(tree.root))), len(names_in_docs.DOCUMENTS))


class RfcSections(unittest.TestCase):
    def everything_but(self, missing):
        tags = "".join(f"[rfc9111-{s}]" for s in rfc_sections.SECTIONS if s != missing)
        return f'TEST_CASE("a", "{tags}")\n'

    def test_sections(self):
        for text, good in [
            (self.everything_but(None), True),
            (self.everything_but("4.2.1"), False),
            (self.everything_but("4.2.1") + 'TEST_CASE("b", "[scenario][9111-4.2.1]")', True),
            (self.everything_but("4.2.1") + 'TEST_CASE("b", "[rfc9111 4.2.1]")', True),
            (self.everything_but("4.2.1") + '    {"4.2.1: a row", 200},', True),
            (self.everything_but("4.2.1") + 'TEST_CASE("b", "[rfc9110-4.2.1]")', False),
            (self.everything_but(None) + 'TEST_CASE("b", "[rfc9111-9.9]")', False),
        ]:
            found = complaints(rfc_sections, "tests/unit/a_test.cpp", text)
            self.assertEqual(not found, good, f"{text}: {found}")

    def test_rows_count_only_beside_a_tag(self):
        tree = Tree().put("tests/unit/a_test.cpp", self.everything_but("4.2.1")).put("tests/unit/b_test.cpp", '{"4.2.1: of another RFC"}')
        self.assertEqual(len(list(rfc_sections.check(tree.root))), 1)


class Reasons(unittest.TestCase):
    ROWS = """// REASON(id, word, text): one row for each.
REASON(None, "none", "nothing")

// Cache: why it is so.
REASON(A, "a", "the first")
REASON(B, "b", "the second")
"""

    def expect(self, change, good):
        tree = Tree().put(reasons.ROWS, self.ROWS)
        tree.put(reasons.DOCUMENT, change(reasons.document_of(self.ROWS)))
        found = list(reasons.check(tree.root))
        self.assertEqual(not found, good, found)

    def test_the_document_follows_the_rows(self):
        self.expect(lambda text: text, True)
        self.expect(lambda text: text.replace("| `b` | the second |\n", ""), False)
        self.expect(lambda text: text.replace("the second", "the third"), False)
        self.expect(lambda text: text + "| `c` | another |\n", False)
        self.expect(lambda text: text.replace("| `a` | the first |\n", "") + "| `a` | the first |\n", False)
        self.assertIn("## Why it is so", reasons.document_of(self.ROWS))
        self.assertNotIn("none", reasons.document_of(self.ROWS).split("##")[1])


class Security(unittest.TestCase):
    CASES = ('TEST_CASE("one thing", "[P1]") {}\nTEST_CASE("another \\"thing\\"",\n          "[x]") {}\n'
             'TEST_CASE("P2: a third", "[x]") {}\n')
    ROWS = ('| P1 | x | y | `tests/unit/a_test.cpp`: "one thing" |\n'
            '| P2, P3 | x | y | `tests/unit/a_test.cpp`: "P2: a third" |\n| P4 | x | not there yet | - |\n')

    def tree(self):
        tree = Tree().put("tests/unit/a_test.cpp", self.CASES).put("tests/fuzz/fuzz_a.cpp", "ENSURE(x);")
        for seed in "abc":
            tree.put(f"tests/fuzz/corpus/a/{seed}")
        return tree.put("docs/security.md", self.ROWS)

    def test_names(self):
        for text, good in [
            ("", True),
            ("`tests/unit/a_test.cpp`", True),
            ('`tests/unit/a_test.cpp`: "one thing",\n"P2: a third"', True),
            ("`tests/unit/b_test.cpp`", False),
            ("`scripts/nothing`", False),
            ('`tests/unit/a_test.cpp`: "one"', False),
            ('`tests/unit/a_test.cpp`: "one thing", "no thing"', False),
            ("| P5 | x | y | nothing |", False),
        ]:
            found = list(security.check(self.tree().put("docs/security.md", self.ROWS + text + "\n").root))
            self.assertEqual(not found, good, f"{text}: {found}")

    def test_a_pitfall_has_all_its_tests(self):
        for place, text in [("tests/unit/b_test.cpp", 'TEST_CASE("b", "[P1]")'), ("tests/unit/b_test.cpp", 'TEST_CASE("P3: b")')]:
            self.assertEqual(len(list(security.check(self.tree().put(place, text).root))), 1, text)

    def test_what_is_missing_can_be_added(self):
        tree = self.tree().put("tests/unit/b_test.cpp", 'TEST_CASE("P3: b")\nTEST_CASE("P4: b")\nTEST_CASE("b", "[P1]")')
        self.assertEqual(len(list(security.check(tree.root))), 3)
        security.add_missing(tree.root)
        self.assertEqual(list(security.check(tree.root)), [])

    def test_fuzz_targets_have_seeds_and_assertions(self):
        self.assertEqual(len(list(security.check(self.tree().put("tests/fuzz/fuzz_b.cpp", "ENSURE(x);").root))), 1)
        self.assertEqual(len(list(security.check(self.tree().put("tests/fuzz/fuzz_a.cpp", "parse(x);").root))), 1)

    def test_missing_document(self):
        self.assertEqual(len(list(security.check(Tree().root))), 1)


if __name__ == "__main__":
    unittest.main()
