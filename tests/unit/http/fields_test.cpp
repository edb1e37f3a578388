#include "freshet/http/fields.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "lines.hpp"

using namespace freshet;

TEST_CASE("lines keep their order, their spelling and their values without surrounding space",
          "[http][fields][rfc9110-5.3]") {
  Fields fields;
  fields.add("hOST", " a ");
  fields.add("X-Own", "\t1 2\t");
  fields.add(FieldId::ContentType, "text/html");
  fields.add("Empty", "  ");
  CHECK(shown(fields) == "hOST: a|X-Own: 1 2|Content-Type: text/html|Empty: ");
  CHECK(fields.view().wire() == "hOST: a\r\nX-Own: 1 2\r\nContent-Type: text/html\r\nEmpty: \r\n");
  CHECK(fields.view().wire_size() == fields.view().wire()->size());
  CHECK(fields.view()[0].id == FieldId::Host);
  CHECK(fields.view()[1].id == FieldId::Unknown);
  CHECK(fields.size() == 4);
}

TEST_CASE("lookup by number and by name finds the first line in any case", "[http][fields][rfc9110-5.1]") {
  const Fields fields = fields_of({{"VIA", "1"}, {"x-own", "2"}, {"Via", "3"}, {"X-OWN", "4"}});
  CHECK(fields.first(FieldId::Via) == "1");
  CHECK(fields.first("via") == "1");
  CHECK(fields.first("X-Own") == "2");
  CHECK(fields.count(FieldId::Via) == 2);
  CHECK(fields.contains(FieldId::Via));
  CHECK_FALSE(fields.first(FieldId::Host));
  CHECK_FALSE(fields.first("X-Ow"));
  CHECK_FALSE(fields.first(""));
}

TEST_CASE("the unknown id matches nothing", "[http][fields]") {
  Fields fields = fields_of({{"X-One", "1"}, {"X-Two", "2"}});
  CHECK_FALSE(fields.first(FieldId::Unknown));
  CHECK_FALSE(fields.contains(FieldId::Unknown));
  CHECK(fields.count(FieldId::Unknown) == 0);
  CHECK(fields.remove(FieldId::Unknown) == 0);
  CHECK(fields.size() == 2);
}

TEST_CASE("several lines of one name are joined by commas", "[http][fields][rfc9110-5.3]") {
  const Fields fields = fields_of({{"Vary", "a"}, {"X-Own", "1"}, {"vary", "b, c"}, {"VARY", ""}, {"x-own", "2"}});
  std::string out = "before:";
  CHECK(fields.view().join("Vary", out));
  CHECK(out == "before:a, b, c, ");
  CHECK(fields.view().join("X-OWN", out));
  CHECK(out == "before:a, b, c, 1, 2");
  CHECK_FALSE(fields.view().join("Absent", out));
  CHECK(out == "before:a, b, c, 1, 2");
}

TEST_CASE("removal takes every line of a name and leaves holes until compaction", "[http][fields]") {
  Fields fields = fields_of({{"A-1", "x"}, {"Via", "1"}, {"a-1", "y"}, {"Host", "h"}, {"VIA", "2"}, {"B", "z"}});
  CHECK(fields.remove(FieldId::Via) == 2);
  CHECK(fields.remove("A-1") == 2);
  CHECK(fields.remove("A-1") == 0);
  CHECK(shown(fields) == "Host: h|B: z");
  CHECK_FALSE(fields.view().wire());
  CHECK(fields.view().wire_size() == std::string_view("Host: h\r\nB: z\r\n").size());
  fields.compact();
  CHECK(fields.view().wire() == "Host: h\r\nB: z\r\n");
  fields.add("C", "1");
  CHECK(fields.view().wire() == "Host: h\r\nB: z\r\nC: 1\r\n");
}

TEST_CASE("every subset of lines can be removed, compacted and read", "[http][fields]") {
  const std::initializer_list<Line> lines = {{"A", "1"}, {"Bb", ""}, {"Host", "333"}, {"Dddd", "44"}, {"E", "55555"}};
  for (unsigned mask = 0; mask < 32; ++mask) {
    Fields fields = fields_of(lines);
    unsigned bit = 0;
    std::string expected;
    for (const Line& line : lines)
      if ((mask >> bit++ & 1) == 0) expected += std::string(line.name) + ": " + std::string(line.value) + "\r\n";
    bit = 0;
    fields.remove_if([&](const Field&) { return (mask >> bit++ & 1) != 0; });
    CAPTURE(mask);
    CHECK(fields.view().wire().has_value() == (mask == 0 || mask == 31));
    CHECK(fields.view().wire_size() == expected.size());
    fields.compact();
    CHECK(fields.view().wire() == expected);
    fields.add("Z", "9");
    CHECK(fields.view().wire() == expected + "Z: 9\r\n");
  }
}

TEST_CASE("set leaves one line, at the end", "[http][fields]") {
  Fields fields = fields_of({{"Age", "1"}, {"Host", "h"}, {"age", "2"}});
  fields.set(FieldId::Age, "3");
  CHECK(shown(fields) == "Host: h|Age: 3");
}

TEST_CASE("a value may come from the object it is added to", "[http][fields]") {
  const std::string text(100, 'v');
  Fields fields = fields_of({{"Location", text}});
  for (int i = 0; i < 50; ++i) fields.add(FieldId::ContentLocation, *fields.first(FieldId::Location));
  CHECK(fields.count(FieldId::ContentLocation) == 50);
  for (const Field field : fields.view()) CHECK(field.value == text);

  Fields only = fields_of({{"Age", "12345678901234567890"}});
  only.set(FieldId::Age, only.first(FieldId::Age)->substr(1));
  CHECK(shown(only) == "Age: 2345678901234567890");
  const Field field = only.view()[0];
  only.add(field.name, field.value);
  CHECK(only.count(FieldId::Age) == 2);
}

TEST_CASE("append copies the lines of another object", "[http][fields]") {
  Fields a = fields_of({{"A", "1"}});
  Fields b = fields_of({{"b", "2"}, {"gone", "x"}, {"HOST", "h"}});
  b.remove("gone");
  a.append(b);
  CHECK(shown(a) == "A: 1|b: 2|HOST: h");
  CHECK(a.first(FieldId::Host) == "h");
  CHECK(a.view().wire());
}

TEST_CASE("a value can come in parts", "[http][fields]") {
  Fields fields = fields_of({{"A", "1"}});
  fields.add_joined(FieldId::Via, {"1.1", " ", "name"});
  fields.add_joined(FieldId::Age, {});
  CHECK(shown(fields) == "A: 1|Via: 1.1 name|Age: ");
  CHECK(fields.view().wire() == "A: 1\r\nVia: 1.1 name\r\nAge: \r\n");
}

TEST_CASE("lines are adopted as they are", "[http][fields]") {
  Fields fields = fields_of({{"old", "1"}});
  fields.adopt("Host: h\r\nx: \r\n");
  fields.add_in_place(FieldId::Host, 0, 4, 1);
  fields.add_in_place(FieldId::Unknown, 9, 1, 0);
  CHECK(shown(fields) == "Host: h|x: ");
  CHECK(fields.view().wire() == "Host: h\r\nx: \r\n");
  fields.remove(FieldId::Host);
  fields.add("y", "2");
  CHECK(shown(fields) == "x: |y: 2");
  fields.compact();
  CHECK(fields.view().wire() == "x: \r\ny: 2\r\n");
}

TEST_CASE("runs are all lines, in one piece where no line was removed", "[http][fields]") {
  const auto runs = [](FieldsView view) {
    std::string out;
    view.each_run([&out](std::string_view run) { out.append("[").append(run).append("]"); });
    return out;
  };
  Fields fields = fields_of({{"a", "1"}, {"b", "2"}, {"c", ""}, {"d", "4"}});
  CHECK(runs(fields) == "[a: 1\r\nb: 2\r\nc: \r\nd: 4\r\n]");
  fields.remove("b");
  CHECK(runs(fields) == "[a: 1\r\n][c: \r\nd: 4\r\n]");
  fields.remove("a");
  CHECK(runs(fields) == "[c: \r\nd: 4\r\n]");
  fields.clear();
  CHECK(runs(fields).empty());
}

TEST_CASE("a copy has the same lines, and room for more", "[http][fields]") {
  Fields from = fields_of({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  from.remove("b");
  Fields to = fields_of({{"old", "1"}});
  to.copy(from, 64, 2);
  CHECK(shown(to) == "a: 1|c: 3");
  CHECK_FALSE(to.view().wire());
  const char* const block = to.view()[0].name.data();
  to.add("d", std::string(59, 'x'));
  CHECK(to.view()[0].name.data() == block);
  CHECK(shown(from) == "a: 1|c: 3");
}

TEST_CASE("clear keeps the memory and release gives it back", "[http][fields]") {
  Fields fields;
  for (int i = 0; i < 100; ++i) fields.add("X-Name", std::string(50, 'x'));
  const char* block = fields.view()[0].name.data();
  fields.clear();
  CHECK(fields.empty());
  CHECK(fields.view().wire() == "");
  fields.add("Y", "1");
  CHECK(fields.view()[0].name.data() == block);
  fields.release();
  CHECK(fields.empty());
  CHECK(fields.view().entries().data() == nullptr);
  fields.add("Z", "1");
  CHECK(shown(fields) == "Z: 1");
}

TEST_CASE("an empty view has no lines and an empty wire form", "[http][fields]") {
  const FieldsView view;
  CHECK(view.empty());
  CHECK(view.wire_size() == 0);
  CHECK(view.wire() == "");
  CHECK_FALSE(view.first("a"));
}

TEST_CASE("a view of many large lines reads them back", "[http][fields]") {
  Fields fields;
  for (int i = 0; i < 2000; ++i) fields.add("X-" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'v'));
  fields.add(std::string(kLongestFieldName, 'n'), "longest");
  CHECK(fields.first("x-1999")->size() == 1999);
  CHECK(fields.first("X-0") == "");
  CHECK(fields.view()[2000].name.size() == kLongestFieldName);
  CHECK(fields.view()[2000].value == "longest");
}

TEST_CASE("what fields may hold is all that they hold, and nothing once they are empty", "[http][fields]") {
  Fields fields = fields_of({{"Host", "h"}, {"x", "1"}});
  fields.add(FieldId::Via, "v");
  CHECK(fields.view().may_hold({FieldId::Host}));
  CHECK(fields.view().may_hold({FieldId::Unknown}));
  CHECK(fields.view().may_hold({FieldId::Via, FieldId::Age}));
  CHECK_FALSE(fields.view().may_hold({FieldId::Age}));
  Fields other;
  other.swap(fields);
  CHECK(fields.empty());
  CHECK_FALSE(fields.view().may_hold(FieldIdSet::all()));
  Fields copied;
  copied.copy(other, 0, 0);
  CHECK(copied.first(FieldId::Via) == "v");
  CHECK(copied.remove(FieldIdSet{FieldId::Host, FieldId::Age, FieldId::Via}) == 2);
  CHECK(shown(copied) == "x: 1");
  CHECK_FALSE(copied.view().wire());
  CHECK(copied.remove("x") == 1);
  CHECK_FALSE(copied.view().may_hold(FieldIdSet::all()));
  CHECK(copied.view().wire() == "");
  const FieldsView unsaid("Age: 1\r\n", 8, other.view().entries().first(1), true);
  CHECK(unsaid.may_hold({FieldId::Age}));  // nobody has told what is in it
}
