#include "freshet/base/pipe.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <list>
#include <string>

namespace freshet {
namespace {

void ignore(void*) noexcept {}

void put(PipeLease& lease, const std::string& text) {
  REQUIRE(lease.obtain());
  REQUIRE(::write(lease.write_end(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  lease.filled(text.size());
}

std::string take(PipeLease& lease, std::size_t size) {
  std::string text(size, '\0');
  REQUIRE(::read(lease.read_end(), text.data(), size) == static_cast<ssize_t>(size));
  lease.emptied(size);
  return text;
}

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

/// This process gets no new descriptors while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

class NoteFiller final : public PipeFiller {
 public:
  explicit NoteFiller(int& moves, bool& gone) : moves_(moves), gone_(gone) {}
  ~NoteFiller() override { gone_ = true; }
  void bytes_moved_on() noexcept override { ++moves_; }

 private:
  int& moves_;
  bool& gone_;
};

TEST_CASE("a pipe is lent while bytes are in it, and then to the next", "[base][pipe]") {
  PipePool pool;
  PipeLease first(pool, ignore, nullptr);
  CHECK(pool.lent() == 0);
  put(first, "some bytes");
  const int end = first.read_end();
  CHECK(pool.lent() == 1);
  CHECK(first.held() == 10);
  CHECK(take(first, 4) == "some");
  CHECK(pool.lent() == 1);
  CHECK(take(first, 6) == " bytes");
  CHECK(pool.lent() == 0);
  CHECK(pool.spare() == 1);
  PipeLease second(pool, ignore, nullptr);
  put(second, "x");
  CHECK(second.read_end() == end);
  CHECK(take(second, 1) == "x");
  CHECK(pool.moves() == 2);
}

TEST_CASE("what was left in a pipe is never anybody else's", "[base][pipe]") {
  PipePool pool;
  int end = -1;
  {
    PipeLease first(pool, ignore, nullptr);
    put(first, "secret");
    end = first.read_end();
    CHECK(take(first, 2) == "se");
  }
  CHECK_FALSE(is_open(end));
  CHECK(pool.lent() == 0);
  CHECK(pool.spare() == 0);
  PipeLease second(pool, ignore, nullptr);
  put(second, "mine");
  CHECK(take(second, 4) == "mine");
}

TEST_CASE("a pipe that nothing came into goes back to the pool", "[base][pipe]") {
  PipePool pool;
  PipeLease lease(pool, ignore, nullptr);
  REQUIRE(lease.obtain());
  REQUIRE(lease.obtain());  // has it already
  CHECK(pool.lent() == 1);
  lease.give_back();
  lease.give_back();
  CHECK(pool.lent() == 0);
  CHECK(pool.spare() == 1);
}

TEST_CASE("a pool lends no more pipes than it may have", "[base][pipe]") {
  PipePool pool(2);
  std::list<PipeLease> leases;
  for (int i = 0; i < 3; ++i) leases.emplace_back(pool, ignore, nullptr);
  auto at = leases.begin();
  CHECK(at->obtain());
  CHECK(std::next(at)->obtain());
  CHECK_FALSE(std::next(at, 2)->obtain());
  at->give_back();
  CHECK(std::next(at, 2)->obtain());
  CHECK(pool.lent() == 2);
  PipePool none(0);
  PipeLease lease(none, ignore, nullptr);
  CHECK_FALSE(lease.obtain());
}

TEST_CASE("what nobody needs is closed when it has been looked at twice", "[base][pipe]") {
  PipePool pool;
  std::list<PipeLease> leases;
  for (int i = 0; i < 3; ++i) REQUIRE(leases.emplace_back(pool, ignore, nullptr).obtain());
  for (PipeLease& lease : leases) lease.give_back();
  CHECK(pool.spare() == 3);
  pool.trim();
  CHECK(pool.spare() == 3);
  for (int i = 0; i < 2; ++i) REQUIRE(std::next(leases.begin(), i)->obtain());
  for (PipeLease& lease : leases) lease.give_back();
  pool.trim();
  CHECK(pool.spare() == 2);
  pool.trim();
  CHECK(pool.spare() == 0);
  pool.trim();
  CHECK(pool.lent() == 0);
}

TEST_CASE("when the system has no pipe to give, it is asked again only after a while", "[base][pipe]") {
  PipePool pool;
  PipeLease lease(pool, ignore, nullptr);
  {
    const NoDescriptors none;
    CHECK_FALSE(lease.obtain());
  }
  for (unsigned i = 0; i < PipePool::kPause; ++i) REQUIRE_FALSE(lease.obtain());
  CHECK(lease.obtain());
}

TEST_CASE("who has filled a pipe hears that it moves on, and is kept until it is empty", "[base][pipe]") {
  PipePool pool;
  int told = 0;
  int heard = 0;
  bool gone = false;
  PipeLease lease(pool, [](void* count) noexcept { ++*static_cast<int*>(count); }, &told);
  put(lease, "abc");
  lease.tell(make_ref<NoteFiller>(heard, gone));
  take(lease, 1);
  CHECK(told == 1);
  CHECK(heard == 1);
  CHECK_FALSE(gone);
  take(lease, 2);
  CHECK(told == 2);
  CHECK(heard == 2);
  CHECK(gone);
}

}  // namespace
}  // namespace freshet
