#include "freshet/auth/digest.hpp"

#include <catch2/catch.hpp>

using namespace freshet;

namespace {

// RFC 7616 3.9.1; "Circle of Life" is Mufasa's password.
const std::string kExample =
    "username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", "
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, "
    "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", ";
const std::string kSha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
const std::string kMd5 = "8ca523f5e9506fed4657c9700eebdbec";

std::string ha1(DigestAlgorithm algorithm) {
  return std::string(hash_joined(algorithm, {"Mufasa", "http-auth@example.org", "Circle of Life"}).text());
}

RequestHead head_of(std::string_view method, std::string_view authority, std::string_view target) {
  RequestHead head;
  head.method_name = method;
  head.method = parse_method(method);
  head.scheme = "http";
  head.authority = authority;
  head.target = target;
  return head;
}

}  // namespace

TEST_CASE("the responses are those of the RFC's example", "[auth][7616-3.9.1]") {
  Arena arena;
  const std::string sha_text = kExample + "algorithm=SHA-256, response=\"" + kSha256 + "\"";
  const auto sha = parse_digest(sha_text, arena);
  REQUIRE(sha);
  CHECK(sha->username == "Mufasa");
  CHECK(sha->nonce_count == 1);
  CHECK(sha->algorithm == DigestAlgorithm::Sha256);
  CHECK(digest_response(*sha, ha1(DigestAlgorithm::Sha256), "GET").text() == kSha256);
  CHECK(digest_response(*sha, ha1(DigestAlgorithm::Sha256), "HEAD").text() != kSha256);
  for (const std::string algorithm : {"algorithm=MD5, ", ""}) {  // RFC 7616 3.4: none is MD5
    const std::string md5_text = kExample + algorithm + "response=\"" + kMd5 + "\"";
    const auto md5 = parse_digest(md5_text, arena);
    REQUIRE(md5);
    CHECK(digest_response(*md5, ha1(DigestAlgorithm::Md5), "GET").text() == kMd5);
  }
}

TEST_CASE("Digest parameters that are missing, doubled or not offered are refused", "[auth][7616-3.4]") {
  Arena arena;
  const std::string good = kExample + "algorithm=SHA-256, response=\"" + kSha256 + "\"";
  REQUIRE(parse_digest(good, arena));
  CHECK(parse_digest(good + ", userhash=false, something=else", arena));
  for (const std::string more : {", nc=00000001", ", username=\"x\"", ", algorithm=MD5", ", qop=auth",
                                 ", userhash=true", ", username*=UTF-8''x"}) {
    INFO(more);
    CHECK_FALSE(parse_digest(good + more, arena));
  }
  const std::pair<std::string, std::string> changes[] = {{"username=\"Mufasa\", ", ""},
                                                         {"realm=\"http-auth@example.org\", ", ""},
                                                         {"uri=\"/dir/index.html\", ", ""},
                                                         {"nc=00000001", "nc=1"},
                                                         {"nc=00000001", "nc=0000000g"},
                                                         {"nc=00000001", "nc=+0000001"},
                                                         {"qop=auth", "qop=auth-int"},
                                                         {"qop=auth, ", ""},
                                                         {"SHA-256", "SHA-256-sess"},
                                                         {"SHA-256", "SHA-512-256"},
                                                         {"SHA-256", "MD5"},
                                                         {"response=", "answer="},
                                                         {"cnonce=", "client="},
                                                         {"username=\"Mufasa\"", "username=\"\""}};
  for (const auto& [from, to] : changes) {
    INFO(from << " -> " << to);
    std::string changed = good;
    changed.replace(changed.find(from), from.size(), to);
    CHECK_FALSE(parse_digest(changed, arena));
  }
}

TEST_CASE("a name that is not ASCII may come as an extended value", "[auth][7616-3.4.4]") {
  Arena arena;
  std::string text = kExample + "algorithm=SHA-256, response=\"" + kSha256 + "\"";
  text.replace(0, text.find(','), "username*=UTF-8''J%C3%A4s%C3%B8n");
  const auto found = parse_digest(text, arena);
  REQUIRE(found);
  CHECK(found->username == "J\xc3\xa4s\xc3\xb8n");
}

TEST_CASE("uri is the target, whole or without its origin", "[auth][7616-3.4.6]") {
  struct Row {
    std::string_view method, authority, target, uri;
    bool same;
  };
  const Row rows[] = {{"GET", "a.example", "/x?y=z", "/x?y=z", true},
                      {"GET", "a.example", "/x?y=z", "http://a.example/x?y=z", true},
                      {"GET", "a.example", "/x?y=z", "HTTP://A.EXAMPLE:80/x?y=z", true},
                      {"GET", "a.example", "/", "http://a.example", true},
                      {"GET", "a.example", "/x?y=z", "/x", false},
                      {"GET", "a.example", "/x", "/X", false},
                      {"GET", "a.example", "/x", "http://b.example/x", false},
                      {"GET", "a.example", "/x", "https://a.example/x", false},
                      {"GET", "a.example:81", "/x", "http://a.example/x", false},
                      {"GET", "a.example", "/x", "a.example:80", false},
                      {"GET", "a.example", "/x", "*", false},
                      {"OPTIONS", "a.example", "*", "*", true},
                      {"CONNECT", "a.example:443", "a.example:443", "a.example:443", true},
                      {"CONNECT", "a.example:443", "a.example:443", "A.Example:443", true},
                      {"CONNECT", "a.example:443", "a.example:443", "a.example:444", false},
                      {"CONNECT", "a.example:443", "a.example:443", "/", false}};
  Arena arena;
  for (const Row& row : rows) {
    INFO(row.method << ' ' << row.uri);
    CHECK(names_target(row.uri, head_of(row.method, row.authority, row.target), arena) == row.same);
  }
}
