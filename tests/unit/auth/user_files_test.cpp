#include "freshet/auth/user_files.hpp"

#include <catch2/catch.hpp>

#include "../../../src/auth/crypt.hpp"
#include "freshet/auth/hash_password.hpp"

using namespace freshet;

namespace {

// "open sesame" by htpasswd -nbB; "secret" by openssl passwd -6 and -5 and by mkpasswd -m yescrypt.
const std::string kBcrypt = "$2y$05$v48vaKp5eQInl6G3UrcGneUi3m8Lujshe3NBGXClrHwKeUquJilWq";
const std::string kSha512 =
    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.";
const std::string kSha256 = "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.";
const std::string kYescrypt = "$y$j9T$RS0DkPnd4l4Tv3tI5q9jo.$n3A6ZrqnXn4RMf0ttOjbmA1mzZMFV8PCz1QRRhS.LWB";
const std::string kMd5Ha1 = "939e7578ed9e3c518a452acee763bce9";
const std::string kSha256Ha1 = "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232";

std::vector<std::string> password_problems(std::string_view text) {
  std::vector<std::string> problems;
  const auto file = PasswordFile::parse(text, "users", problems);
  CHECK((file == nullptr) == !problems.empty());
  return problems;
}

std::vector<std::string> digest_problems(std::string_view text) {
  std::vector<std::string> problems;
  const auto file = DigestFile::parse(text, "digests", "office", problems);
  CHECK((file == nullptr) == !problems.empty());
  return problems;
}

}  // namespace

TEST_CASE("passwords are compared with the hashes that common tools make", "[auth][crypt]") {
  for (const std::string& hash : {kSha512, kSha256, kYescrypt}) {
    INFO(hash);
    CHECK(why_hash_is_refused(hash).empty());
    CHECK(crypt_matches(hash, "secret"));
    CHECK_FALSE(crypt_matches(hash, "Secret"));
    CHECK_FALSE(crypt_matches(hash, ""));
  }
  CHECK(why_hash_is_refused(kBcrypt).empty());
  CHECK(crypt_matches(kBcrypt, "open sesame"));
  CHECK_FALSE(crypt_matches(kBcrypt, "open sesam"));
  CHECK_FALSE(crypt_matches(kBcrypt, std::string(600, 'x')));
}

TEST_CASE("a hash that was made here is one that is accepted here", "[auth][crypt]") {
  for (const char* method : {"$2y$", "$6$", "$y$"}) {
    std::string problem;
    const std::string hash = hash_password("secret", method, std::string(method) == "$2y$" ? 4 : 0, problem);
    CHECK(problem.empty());
    CHECK(why_hash_is_refused(hash).empty());
    CHECK(crypt_matches(hash, "secret"));
    CHECK(hash_password("secret", method, std::string(method) == "$2y$" ? 4 : 0, problem) != hash);
  }
  std::string problem;
  CHECK(hash_password("secret", "$nothing$", 0, problem).empty());
  CHECK_FALSE(problem.empty());
}

TEST_CASE("hashes that are guessed too fast, unknown, not whole or too slow are refused with a reason", "[auth]") {
  const std::pair<std::string, std::string> rows[] = {{"{SHA}lcsL/Sl3x2EpjZYk5LTUxyo5l0o=", "SHA-1"},
                                                      {"$apr1$Gwie9zts$/wwaLECwOdhJX4DVo2VoT1", "MD5"},
                                                      {"$1$abc$xyz", "MD5"},
                                                      {"w5FRquQHt2jao", "plain"},
                                                      {"secret", "plain"},
                                                      {"", "plain"},
                                                      {"$2y$05$short", "not whole"},
                                                      {"$6$abcdefgh$short", "not whole"},
                                                      {"$6$" + kSha512.substr(11), "not whole"},
                                                      {"$7$x$y", "not known"},
                                                      {kBcrypt + "x", "not whole"},
                                                      {kBcrypt + ":more", "not whole"},
                                                      {kSha512 + ":0:99999", "not whole"},
                                                      {"$2y$31$" + kBcrypt.substr(7), "too long"},
                                                      {"$6$rounds=999999999$" + kSha512.substr(3), "too long"}};
  for (const auto& [hash, word] : rows) {
    INFO(hash);
    CHECK(why_hash_is_refused(hash).find(word) != std::string::npos);
    CHECK(why_hash_is_refused(hash).find("expected") != std::string::npos);
  }
}

TEST_CASE("a password file is read line by line", "[auth]") {
  std::vector<std::string> problems;
  const auto file = PasswordFile::parse(
      "# people\n\nalice:" + kBcrypt + "\r\nJ\xc3\xa4s:" + kSha512 + "\nlast:" + kSha256, "users", problems);
  REQUIRE(file);
  CHECK(problems.empty());
  CHECK(file->size() == 3);
  REQUIRE(file->find("alice"));
  CHECK(*file->find("alice") == kBcrypt);
  CHECK(*file->find("J\xc3\xa4s") == kSha512);
  CHECK_FALSE(file->find("Alice"));
  CHECK_FALSE(file->find(""));
  for (std::uint64_t choice : {0, 1, 2, 255}) CHECK_FALSE(file->somebody(choice).empty());
}

TEST_CASE("every mistake of a password file is told with its line, and no hash", "[auth]") {
  const auto problems = password_problems("alice:" + kBcrypt + "\nalice:" + kSha512 +
                                          "\nbob:hunter2\nnobody\n:" + kBcrypt + "\nx\ty:" + kBcrypt);
  REQUIRE(problems.size() == 5);
  CHECK(problems[0] == "users:2: user 'alice' is there a second time, expected each user once");
  CHECK(problems[1].starts_with("users:3: user 'bob' has a plain password or an outdated hash, expected bcrypt ($2y$"));
  CHECK(problems[2] == "users:4: is no user, expected USER:HASH in UTF-8");
  CHECK(problems[3].starts_with("users:5: "));
  CHECK(problems[4].starts_with("users:6: "));
  for (const auto& problem : problems) CHECK(problem.find("hunter2") == std::string::npos);
  CHECK(password_problems("# nobody\n") ==
        std::vector<std::string>{"users: has no users, expected USER:HASH on each line"});
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "wrong\n";
  CHECK(password_problems(many).size() == 20);
}

TEST_CASE("a digest file is read for one realm, and offers what all its users have", "[auth][7616-3.4.2]") {
  std::vector<std::string> problems;
  const auto md5 =
      DigestFile::parse("a:office:" + kMd5Ha1 + "\nb:home:x:" + kSha256Ha1 + "\n", "digests", "office", problems);
  REQUIRE(md5);
  CHECK(md5->offers(DigestAlgorithm::Md5));
  CHECK_FALSE(md5->offers(DigestAlgorithm::Sha256));
  CHECK(md5->find("a", DigestAlgorithm::Md5) == kMd5Ha1);
  CHECK(md5->find("a", DigestAlgorithm::Sha256).empty());
  CHECK(md5->find("b", DigestAlgorithm::Sha256).empty());
  std::string upper = kMd5Ha1;
  for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  const auto both =
      DigestFile::parse("a:office:" + upper + "\na:office:" + kSha256Ha1 + "\nb:office:" + kSha256Ha1 + "\n", "digests",
                        "office", problems);
  REQUIRE(both);
  CHECK_FALSE(both->offers(DigestAlgorithm::Md5));
  CHECK(both->offers(DigestAlgorithm::Sha256));
  CHECK(both->find("a", DigestAlgorithm::Md5) == kMd5Ha1);
}

TEST_CASE("every mistake of a digest file is told with its line", "[auth]") {
  const std::string ha1 = kMd5Ha1;
  CHECK(digest_problems("a:office:" + ha1 + "\na:office:" + ha1) ==
        std::vector<std::string>{
            "digests:2: user 'a' is there a second time, expected each user once for each algorithm"});
  for (const std::string& line :
       std::vector<std::string>{"a", "a:office", "a:" + ha1, ":office:" + ha1, "a:office:" + ha1.substr(1),
                                "a:office:" + ha1.substr(1) + "g", "a:office:"}) {
    INFO(line);
    const auto problems = digest_problems(line);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].starts_with("digests:1: is no user, expected USER:REALM:HA1"));
  }
  CHECK(digest_problems("a:home:" + ha1) ==
        std::vector<std::string>{"digests: has no users of the realm 'office', expected one at least"});
  CHECK(digest_problems("a:office:" + ha1 + "\nb:office:" + kSha256Ha1).size() == 1);
}

TEST_CASE("a file that is not there, a directory or too large is a problem", "[auth]") {
  CHECK(read_user_file("/nonexistent/users").problem.starts_with("cannot be opened (No such file or directory)"));
  CHECK(read_user_file("/").problem == "is not a regular file, expected a file of users");
  CHECK(user_file_stamp("/nonexistent/users").empty());
}
