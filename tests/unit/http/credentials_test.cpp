#include "freshet/http/credentials.hpp"

#include <catch2/catch.hpp>

using namespace freshet;

namespace {

/// "name=value" of each parameter, with quotes; "!" for a malformed rest.
std::string walked(std::string_view parameters) {
  std::string out;
  AuthParameterReader reader(parameters);
  std::string_view name, value;
  for (;;) {
    switch (reader.next(name, value)) {
      case AuthParameterReader::Step::End:
        return out;
      case AuthParameterReader::Step::Malformed:
        return out + '!';
      case AuthParameterReader::Step::Parameter:
        out.append(name).append("=").append(value).append(" ");
    }
  }
}

}  // namespace

TEST_CASE("credentials are a scheme with a token68 or with parameters", "[http][9110-11.4]") {
  struct Row {
    std::string_view text, scheme, token68, parameters;
  };
  const Row rows[] = {{"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", ""},
                      {"  basic   QQ==  ", "basic", "QQ==", ""},
                      {"Negotiate", "Negotiate", "", ""},
                      {"Bearer a.b-c_d~e+f/g", "Bearer", "a.b-c_d~e+f/g", ""},
                      {"Digest a=b", "Digest", "", "a=b"},
                      {"Digest a=\"b, c\\\"=\", d=e", "Digest", "", "a=\"b, c\\\"=\", d=e"},
                      {"Digest a = b , , c=d,", "Digest", "", "a = b , , c=d,"},
                      // What looks like a parameter without value is a token68 by the grammar.
                      {"Digest a=", "Digest", "a=", ""}};
  for (const Row& row : rows) {
    INFO(row.text);
    const auto found = parse_credentials(row.text);
    REQUIRE(found);
    CHECK(found->scheme == row.scheme);
    CHECK(found->token68 == row.token68);
    CHECK(found->parameters == row.parameters);
  }
}

TEST_CASE("what is neither is not taken for credentials", "[http][9110-11.4]") {
  for (const std::string_view text :
       {"", " ", "=", "Basic\tQQ==", "Basic QQ== QQ==", "Basic QQ=Q=", "Digest a b=c", "Digest a=b c=d", "Digest a=\"b",
        "Digest a=\"b\\\"", "Digest a=b;c=d", "Digest =b", "Digest a=, b=c", "Basic, Digest", "Ba(sic QQ=="}) {
    INFO(text);
    CHECK_FALSE(parse_credentials(text));
  }
  CHECK_FALSE(parse_credentials(std::string_view("Digest a=\"\0\"", 12)));
}

TEST_CASE("parameters are walked one by one, and nothing is read behind what is malformed", "[http][9110-11.2]") {
  CHECK(walked("") == "");
  CHECK(walked(" , ,") == "");
  CHECK(walked("a=b") == "a=b ");
  CHECK(walked("a\t=\t\"x,y\" , b=c") == "a=\"x,y\" b=c ");
  CHECK(walked("a=b, c, d=e") == "a=b !");
  CHECK(walked("a=\"b\"c") == "!");
}

TEST_CASE("quotes and backslashes go, and come back", "[http][9110-5.6.4]") {
  Arena arena;
  CHECK(unquoted("token", arena) == "token");
  CHECK(unquoted("\"\"", arena).empty());
  CHECK(unquoted("\"a b\"", arena) == "a b");
  CHECK(unquoted("\"a\\\"\\\\b\"", arena) == "a\"\\b");
  std::string out;
  append_quoted(out, "a\"\\b");
  CHECK(out == "\"a\\\"\\\\b\"");
  CHECK(unquoted(out, arena) == "a\"\\b");
}

TEST_CASE("an extended value is UTF-8 in percent-encoding", "[http][8187-3.2]") {
  Arena arena;
  CHECK(decode_extended_value("UTF-8''J%C3%A4s%c3%B8n%20Doe", arena) == "J\xc3\xa4s\xc3\xb8n Doe");
  CHECK(decode_extended_value("utf-8'en'a", arena) == "a");
  CHECK(decode_extended_value("UTF-8''", arena) == "");
  for (const std::string_view bad : {"", "UTF-8'a", "ISO-8859-1''a", "UTF-8''%", "UTF-8''%4", "UTF-8''%4g"})
    CHECK_FALSE(decode_extended_value(bad, arena));
}
