// One store and many threads; meant for ThreadSanitizer. Bounded, and every byte is checked against the edition it
// belongs to.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <charconv>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "parts.hpp"

using namespace freshet;
using test::BlockingWaiter;
using test::bytes_of;
using test::fields_of;
using test::get;
using State = StoredBodyReader::Look::State;

namespace {

constexpr std::uint64_t kKeys = 60;
constexpr std::uint64_t kRoom = 300'000;  // about half of what there is

/// Each look at it is some milliseconds later than the last one.
class HastyClock final : public Clock {
 public:
  Time now() const noexcept override {
    const Milliseconds passed(5 * looks_.fetch_add(1, std::memory_order_relaxed));
    return {test::FakeClock::start_steady() + passed, test::FakeClock::start_wall() + passed};
  }

 private:
  mutable std::atomic<int> looks_{0};
};

constexpr std::size_t kPeriod = 4093;
const std::string kTwice = [] {
  std::mt19937 random(1);
  std::string text(kPeriod, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text + text;
}();

/// What one edition of a response consists of.
struct Edition {
  std::uint64_t seed = 0, size = 0;
  /// Up to kPeriod bytes from `at` on.
  std::string_view piece(std::uint64_t at, std::size_t most) const {
    return std::string_view(kTwice).substr((at + seed * 97) % kPeriod, std::min({most, kPeriod, size - at}));
  }
  bool has(std::uint64_t at, std::span<const std::byte> bytes) const {
    for (std::string_view rest = test::text_of(bytes); !rest.empty();) {
      if (at >= size) return false;
      const std::string_view expected = piece(at, rest.size());
      if (!rest.starts_with(expected)) return false;
      rest.remove_prefix(expected.size());
      at += expected.size();
    }
    return true;
  }
  std::string etag() const { return '"' + std::to_string(seed) + '-' + std::to_string(size) + '"'; }
  static Edition of(const StoredResponse& response) {
    const std::string_view etag = response.etag();
    Edition edition;
    const char* const end = etag.data() + etag.size();
    const auto seed = std::from_chars(etag.data() + 1, end, edition.seed);
    std::from_chars(seed.ptr + 1, end, edition.size);
    return edition;
  }
};

struct Tally {
  std::atomic<std::uint64_t> wrong{0}, whole{0}, aborted{0}, late{0}, taken{0}, shared{0}, given_up{0}, cut_off{0};
};

/// What a worker does with a store, over and over.
class Workload {
 public:
  Workload(Store& store, const Clock& clock, Tally& tally, unsigned number)
      : store_(store), clock_(clock), tally_(tally), random_(number), next_seed_(number) {}

  void step() {
    arena_.reset();
    number_ = random_() % kKeys;
    key_ = make_cache_key("p", "http", "a.test", "/" + std::to_string(number_), arena_);
    store_.expect(key_.hash);
    switch (random_() % 40) {
      case 0:
        store_.invalidate(key_);
        return;
      case 1:
        store_.expire_some(clock_.now().steady, 10);
        return;
      case 2:
        if (auto ticket = store_.join_background(key_, variant())) fetch(*ticket);
        return;
      case 3:
        if (const auto found = store_.find(key_, {}); found.response) store_.remove(found.response);
        return;
      case 4:
        tally_.cut_off += store_.cut_off_slow_readers();
        return;
      default:
        look_up();
        return;
    }
  }

 private:
  bool chance(unsigned one_in) { return random_() % one_in == 0; }
  /// Whose fetch is led or followed; what comes of it answers all.
  std::string_view variant() { return chance(3) ? "v:1\n" : ""; }
  /// The last keys are too large to be stored.
  std::size_t size_of(std::uint64_t number) const { return number < kKeys - 2 ? number * number * 10 : 400'000; }

  void look_up() {
    if (const auto found = store_.find(key_, {}); found.response) return use(found.response);
    Store::Joining joining;
    joining.alone = chance(10);
    joining.conditional = chance(10);
    joining.variant = variant();
    if (chance(4)) joining.part = "bytes=0-";
    auto joined = store_.join(key_, joining);
    if (joined.ticket && joined.ticket.is_for_part() && chance(4)) return joined.ticket.decline_part(Reason::PartialResponse);
    if (joined.ticket) return fetch(joined.ticket);
    Ref<Fetch> leader = std::move(joined.follow);
    BlockingWaiter waiter;
    Fetch::Look look = leader->look(waiter);
    while (look.verdict == FetchVerdict::Waiting) {
      if (chance(20)) return leader->leave(waiter);
      waiter.wait();
      look = leader->look(waiter);
    }
    if (look.verdict != FetchVerdict::Published) return;
    ++tally_.taken;
    if (chance(10)) return;  // it does not come after all
    StoredBodyReader reader(look.response->body());
    leader = nullptr;
    read(*look.response, reader);
  }

  void use(const Ref<StoredResponse>& response) {
    if (chance(8)) {  // renew it, as after a 304
      auto ticket = store_.join(key_, true).ticket;
      const Fields fields = fields_of("Cache-Control: max-age=60");
      const Time now = clock_.now();
      if (auto fresh = freshen(*response, get(), {304, fields}, {}, {now, now}, store_))
        ticket.publish(response, fresh);
    }
    const Ref<StoredBody>& body = response->body();
    auto hold = std::make_unique<StoredBodyReader>(body, 0, StoredBodyReader::Purpose::Holding);
    if (hold->missed()) {
      ++tally_.late;
      return;
    }
    StoredBodyReader reader(body);
    // The hold has kept the beginning, unless it has been cut off meanwhile.
    if (reader.missed() && !hold->missed() && body->state() != StoredBody::State::Aborted) ++tally_.wrong;
    hold.reset();
    read(*response, reader);
  }

  /// Reads until the end, or not quite; every byte has to be the edition's.
  void read(const StoredResponse& response, StoredBodyReader& reader) {
    const Edition edition = Edition::of(response);
    const std::size_t leave_at = chance(5) ? random_() % (edition.size + 1) : SIZE_MAX;
    BlockingWaiter waiter;
    for (std::uint64_t at = 0;;) {
      const auto look = reader.look(waiter);
      if (look.state == State::Wait) {
        waiter.wait();
        continue;
      }
      if (look.state == State::End) {
        ++tally_.whole;
        if (at != edition.size) ++tally_.wrong;
        return;
      }
      if (look.state == State::Aborted) {
        ++tally_.aborted;
        if (look.why == Reason::None) ++tally_.wrong;
        return;
      }
      if (chance(50)) std::this_thread::yield();
      if (!edition.has(at, look.bytes)) ++tally_.wrong;
      at += look.bytes.size();
      reader.advance(look.bytes.size());
      if (at >= leave_at) return;
    }
  }

  void fetch(FetchTicket& ticket) {
    if (chance(10)) return ticket.decline(Reason::NoStore, chance(4));
    if (chance(10)) return ticket.fail(Reason::ConnectionReset, 502);
    const Edition edition{next_seed_ += 16, size_of(number_)};
    const bool large = edition.size > kRoom;
    if (large && !ticket.has_followers()) {
      std::this_thread::yield();
      if (!ticket.has_followers()) return ticket.decline(Reason::TooLarge, true);
    }
    const auto declared = chance(2) ? std::optional<std::uint64_t>(edition.size) : std::nullopt;
    const auto body = StoredBody::make(store_, declared, large ? 0 : UINT64_MAX);
    const Fields fields = fields_of("Cache-Control: max-age=60|ETag: " + edition.etag());
    const Time now = clock_.now();
    const StoreDecision decision = decide_store(get(), {200, fields}, {}, {}, {now, now});
    const auto response = make_stored_response(key_.text, {}, {200, fields}, decision, body, "", now.wall, store_);
    if (!response) return ticket.decline(Reason::NoRoom, false);
    if (large) {
      if (!ticket.share(response, chance(2))) return;
      ++tally_.shared;
    } else if (!ticket.publish(response, true)) {
      return;
    }
    fill(response, edition, large);
  }

  /// As run_fill() does it, with the leader's client in the same thread.
  void fill(const Ref<StoredResponse>& response, const Edition& edition, bool shared) {
    StoredBody& body = *response->body();
    auto client = std::make_unique<StoredBodyReader>(response->body());
    const std::size_t client_leaves = random_() % (edition.size + 1);
    const std::size_t breaks = chance(20) ? random_() % (edition.size + 1) : SIZE_MAX;
    BlockingWaiter filler, writer;
    body.watch_readers(FillWorth{random_() % 20'000, static_cast<unsigned>(random_() % 101)}, filler, &clock_);
    bool noted = false, ended = false;
    for (std::size_t at = 0; !ended && at < edition.size;) {
      if (at >= client_leaves) client.reset();
      const std::string_view piece = edition.piece(at, 3000);
      const auto appended = body.append(bytes_of(piece), writer);
      if (body.passing() && !noted) {
        noted = true;
        shared ? store_.remove(response) : store_.outgrown(response);
        store_.add_passing(response->body());
      }
      if (appended == StoredBody::Appended::Taken) at += piece.size();
      if (appended == StoredBody::Appended::WindowFull) {
        if (client)
          client.reset();  // nobody else can move it
        else
          writer.wait();
      }
      ended = appended == StoredBody::Appended::Unread || at >= breaks;
    }
    body.stop_writing(writer);
    const bool done = !ended && body.finish();
    if (!done) {
      store_.remove(response);
      if (!body.abort(Reason::CutShort)) ++tally_.given_up;
    }
    body.stop_watching();
    if (noted) store_.remove_passing(body);
  }

  Store& store_;
  const Clock& clock_;
  Tally& tally_;
  std::mt19937 random_;
  std::uint64_t next_seed_;
  Arena arena_;
  CacheKey key_;
  std::uint64_t number_ = 0;
};

}  // namespace

TEST_CASE("slow readers are cut off while others read on", "[cache][body][threads][passing]") {
  const HastyClock clock;
  test::PlainLedger ledger;
  const Edition edition{5, 6'000'000};
  std::atomic<unsigned> wrong{0}, whole{0}, cut{0}, fast{3};
  {
    const auto body = StoredBody::make(ledger, edition.size, 1000);
    BlockingWaiter filler, writer;
    body->watch_readers(FillWorth::always(), filler, &clock);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 5; ++i) {
      auto reader = std::make_unique<StoredBodyReader>(body);  // all are there before the first byte
      threads.emplace_back([&, i, reader = std::move(reader)] {
        BlockingWaiter waiter;
        for (std::uint64_t at = 0;;) {
          const auto look = reader->look(waiter);
          if (look.state == State::Wait) {
            waiter.wait();
            continue;
          }
          if (look.state == State::End) whole += at == edition.size;
          if (look.state == State::Aborted) cut += look.why == Reason::ClientTooSlow;
          if (look.state != State::Data) break;
          // The slow ones are still busy with their bytes when they have been cut off.
          while (i < 2 && fast > 0 && !reader->missed()) std::this_thread::yield();
          if (!edition.has(at, look.bytes)) ++wrong;
          at += look.bytes.size();
          reader->advance(look.bytes.size());
        }
        if (i >= 2) --fast;
      });
    }
    std::atomic<bool> over{false};
    threads.emplace_back([&] {
      while (!over) {
        body->cut_off_slow_readers();
        std::this_thread::yield();
      }
    });
    for (std::size_t at = 0; at < edition.size;) {
      const std::string_view piece = edition.piece(at, 4000);
      const auto appended = body->append(bytes_of(piece), writer);
      if (appended == StoredBody::Appended::WindowFull) writer.wait();
      if (appended == StoredBody::Appended::Taken) at += piece.size();
      if (appended == StoredBody::Appended::Unread) break;
    }
    body->stop_writing(writer);
    body->finish();
    body->stop_watching();
    over = true;
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(wrong == 0);
  CHECK(cut >= 2);  // one that the machine lets wait may be cut off too
  CHECK(whole + cut == 5);
  CHECK(ledger.held() == 0);
}

TEST_CASE("finds, fills, follows, shares, renewals, purges, aborts and evictions at once", "[cache][store][threads]") {
  const HastyClock clock;
  StoreOptions options;
  options.max_size = kRoom;
  options.remember_declined = Milliseconds(2000);
  Store store(options, clock);
  Tally tally;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      Workload workload(store, clock, tally, i);
      for (int step = 0; step < 3000; ++step) workload.step();
    });
  }
  for (std::thread& thread : threads) thread.join();
  INFO(tally.whole << " whole, " << tally.aborted << " aborted, " << tally.late << " late, " << tally.taken
                   << " taken, " << tally.shared << " shared, " << tally.given_up << " given up, " << tally.cut_off
                   << " cut off");
  CHECK(tally.wrong == 0);
  CHECK(tally.whole > 100);
  CHECK(store.held() <= store.limit());
  Arena arena;
  for (std::uint64_t i = 0; i < kKeys; ++i)
    store.invalidate(make_cache_key("p", "http", "a.test", "/" + std::to_string(i), arena));
  CHECK(store.figures().objects == 0);
  CHECK(store.held() == 0);
}
