#include "freshet/http/date.hpp"

#include <algorithm>
#include <array>

#include "freshet/base/ascii.hpp"

namespace freshet {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<int, 12> kMonthDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr std::int64_t kDay = 86400;

struct Civil {
  std::int64_t year = 0;
  int month = 0;  // 1..12
  int day = 0;    // 1..31
};

// The proleptic Gregorian calendar in years that begin in March, so that the leap day is the last one of its year.
constexpr std::int64_t days_from_civil(Civil c) noexcept {
  const std::int64_t year = c.year - (c.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

constexpr Civil civil_from_days(std::int64_t days) noexcept {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;
  Civil c;
  c.day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1);
  c.month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  c.year = year_of_era + era * 400 + (c.month <= 2 ? 1 : 0);
  return c;
}
static_assert(days_from_civil({1970, 1, 1}) == 0 && days_from_civil({2000, 3, 1}) == 11017);

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }

// Reads a date piece by piece from the front; after the first piece that does not fit, everything fails.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}

  void expect(std::string_view literal) noexcept {
    good_ = good_ && rest_.size() >= literal.size() && ascii::iequals(rest_.substr(0, literal.size()), literal);
    if (good_) rest_.remove_prefix(literal.size());
  }
  int digits(std::size_t count) noexcept {
    good_ = good_ && rest_.size() >= count;
    int value = 0;
    for (std::size_t i = 0; good_ && i < count; ++i) {
      good_ = ascii::is_digit(rest_[i]);
      value = value * 10 + (rest_[i] - '0');
    }
    if (good_) rest_.remove_prefix(count);
    return value;
  }
  /// Day of the month as asctime() writes it: two digits, or a space and one.
  int padded_day() noexcept {
    if (rest_.empty() || rest_.front() != ' ') return digits(2);
    rest_.remove_prefix(1);
    return digits(1);
  }
  int month() noexcept {
    for (std::size_t i = 0; good_ && i < kMonths.size(); ++i) {
      if (!ascii::iequals(rest_.substr(0, 3), kMonths[i])) continue;
      rest_.remove_prefix(3);
      return static_cast<int>(i) + 1;
    }
    good_ = false;
    return 0;
  }
  /// The time of day in seconds. 60 stands for a leap second.
  std::int64_t time_of_day() noexcept {
    const int hour = digits(2);
    expect(":");
    const int minute = digits(2);
    expect(":");
    const int second = digits(2);
    good_ = good_ && hour <= 23 && minute <= 59 && second <= 60;
    return hour * 3600 + minute * 60 + second;
  }
  bool finished() const noexcept { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

bool is_leap(std::int64_t year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

std::optional<std::int64_t> seconds_of(const Civil& c, std::int64_t time_of_day) noexcept {
  if (c.day < 1 || c.day > kMonthDays[static_cast<std::size_t>(c.month - 1)]) return {};
  if (c.month == 2 && c.day == 29 && !is_leap(c.year)) return {};
  return days_from_civil(c) * kDay + time_of_day;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", after "Sun".
std::optional<std::int64_t> parse_fixdate(DateReader in) noexcept {
  Civil c;
  in.expect(", ");
  c.day = in.digits(2);
  in.expect(" ");
  c.month = in.month();
  in.expect(" ");
  c.year = in.digits(4);
  in.expect(" ");
  const std::int64_t time = in.time_of_day();
  in.expect(" GMT");
  if (!in.finished()) return {};
  return seconds_of(c, time);
}

// "Sunday, 06-Nov-94 08:49:37 GMT", after "Sunday".
std::optional<std::int64_t> parse_rfc850(DateReader in, std::int64_t now) noexcept {
  Civil c;
  in.expect(", ");
  c.day = in.digits(2);
  in.expect("-");
  c.month = in.month();
  in.expect("-");
  const int two_digits = in.digits(2);
  in.expect(" ");
  const std::int64_t time = in.time_of_day();
  in.expect(" GMT");
  if (!in.finished()) return {};
  // The latest year with these digits whose date is not more than 50 years ahead.
  Civil horizon = civil_from_days(floor_div(now, kDay));
  horizon.year += 50;
  c.year = horizon.year - (((horizon.year - two_digits) % 100) + 100) % 100;
  const std::int64_t latest = days_from_civil(horizon) * kDay + (now - floor_div(now, kDay) * kDay);
  if (days_from_civil(c) * kDay + time > latest) c.year -= 100;
  return seconds_of(c, time);
}

// "Sun Nov  6 08:49:37 1994", after "Sun".
std::optional<std::int64_t> parse_asctime(DateReader in) noexcept {
  Civil c;
  in.expect(" ");
  c.month = in.month();
  in.expect(" ");
  c.day = in.padded_day();
  in.expect(" ");
  const std::int64_t time = in.time_of_day();
  in.expect(" ");
  c.year = in.digits(4);
  if (!in.finished()) return {};
  return seconds_of(c, time);
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) noexcept {
  // The name of the day is not compared with the date: senders that get it wrong still mean the date.
  for (std::string_view day : kDays) {
    if (!ascii::iequals(text.substr(0, 3), day.substr(0, 3))) continue;
    if (ascii::iequals(text.substr(0, day.size()), day)) return parse_rfc850(DateReader(text.substr(day.size())), now);
    const DateReader after_day(text.substr(3));
    return text.size() > 3 && text[3] == ',' ? parse_fixdate(after_day) : parse_asctime(after_day);
  }
  return {};
}

void format_http_date(std::int64_t unix_seconds, std::span<char, kHttpDateSize> out) noexcept {
  const std::int64_t days = floor_div(unix_seconds, kDay);
  const auto time = static_cast<int>(unix_seconds - days * kDay);
  const auto weekday = static_cast<std::size_t>(((days + 4) % 7 + 7) % 7);
  const Civil c = civil_from_days(days);
  char* at = out.data();
  const auto text = [&at](std::string_view s) { at = std::copy(s.begin(), s.end(), at); };
  const auto two = [&at](int n) {
    *at++ = static_cast<char>('0' + n / 10);
    *at++ = static_cast<char>('0' + n % 10);
  };
  const auto year = static_cast<int>(std::clamp<std::int64_t>(c.year, 0, 9999));
  text(kDays[weekday].substr(0, 3));
  text(", ");
  two(c.day);
  text(" ");
  text(kMonths[static_cast<std::size_t>(c.month - 1)]);
  text(" ");
  two(year / 100);
  two(year % 100);
  text(" ");
  two(time / 3600);
  text(":");
  two(time / 60 % 60);
  text(":");
  two(time % 60);
  text(" GMT");
}

}  // namespace freshet
