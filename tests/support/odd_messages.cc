// SPDX-License-Identifier: BSD-2-Clause
//
// A plain message is drafted, then each row of a table has its chance to make it odd. The dice are
// our own, because the standard library's distributions differ from one implementation to another.

#include "tests/support/odd_messages.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "dns/name.h"

namespace signet {
namespace {

/// SplitMix64: one multiplication chain per number, any seed is good.
class Dice {
 public:
  Dice(uint64_t seed, uint64_t index) : state_(seed) {
    // Mixed twice, or neighbours in seed and index would be neighbours in all they throw.
    state_ = next() + index;
    state_ = next();
  }
  /// 0 to n - 1.
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }
  size_t between(size_t least, size_t most) { return least + below(most - least + 1); }
  bool one_in(size_t n) { return below(n) == 0; }
  template <class List>
  const auto& pick(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

  uint64_t state_;
};

constexpr std::string_view kWords[] = {"dinner", "is",  "ready", "we",     "lost", "the",
                                       "game",   "are", "you",   "hungry", "yet",  "=3D",
                                       "a",      "--",  "1.",    ">",      "Hi,",  "From"};
constexpr std::string_view kWhite[] = {" ", "\t", "  ", " \t", "\t\t ", "    "};
constexpr std::string_view kFolds[] = {"\r\n ", "\r\n\t", " \r\n ", "\r\n   ", "\t\r\n \t"};
constexpr std::string_view kControls[] = {"\f", "\v", "\x01", "\x1b[0m", "\x7f", "\x1f", "\b"};
constexpr std::string_view kEightBit[] = {"\xfc", "\xa0", "\x85", "\xff\xfe", "\x80", "gr\xfc\xdf"};
constexpr std::string_view kUtf8[] = {"Gr\xC3\xBC\xC3\x9F", "\xE4\xBD\xA0\xE5\xA5\xBD",
                                      "\xF0\x9F\x90\x8C", "\xC2\xA0", "\xE2\x80\xA8"};
/// Names of fields that are signed if they are there.
constexpr std::string_view kSignedNames[] = {"Subject",     "Cc",          "Reply-To", "References",
                                             "In-Reply-To", "List-Id",     "Sender",   "List-Help",
                                             "List-Post",   "Content-Type"};
/// Names of fields that are not.
constexpr std::string_view kOtherNames[] = {"X-Mailer", "Received",    "Comments",   "Keywords",
                                            "X",        "Resent-From", "User-Agent", "Fromage"};

/// A message on its way. Each method that the table names makes it odd in one way, and says so.
class Draft {
 public:
  Draft(uint64_t seed, uint64_t index) : dice_(seed, index), number_(std::to_string(index)) {}
  OddMessage write();

 private:
  struct Oddity {
    OddFeature feature;
    size_t odds;  ///< one message in so many
    void (Draft::*apply)();
  };
  static const std::array<Oddity, kOddFeatureCount> kOddities;

  // The plain message.
  void write_header();
  void write_body();
  std::string words(size_t most);
  std::string join_lines() const;

  // Where things are.
  HeaderField& any_field();
  HeaderField& any_free_field();
  std::string& any_line();
  void insert_field(std::string_view name, std::string value);
  bool has_field(std::string_view name) const;
  void remove_fields(std::string_view name);
  static void put(std::string& text, size_t at, std::string_view octets) {
    text.insert(std::min(at, text.size()), octets);
  }
  void put_anywhere(std::string& text, std::string_view octets);

  void no_from() { remove_fields("From"); }
  void two_from() { insert_field("From", " eve@example.net"); }
  void no_to_no_date();
  void duplicate_fields();
  void many_fields();
  void many_signed_fields();
  void mixed_case_names();
  void eai();
  void space_before_colon() { any_field().name += dice_.pick(kWhite); }
  void no_space_after_colon();
  void folded_field();
  void empty_value() { any_free_field().value.clear(); }
  void blank_value();
  void white_value_end() { any_field().value += dice_.pick(kWhite); }
  void eight_bit_field() { put_anywhere(any_free_field().value, dice_.pick(kEightBit)); }
  void control_in_field();
  void bare_cr_in_field();
  void nul_in_signed_field();
  void nul_in_other_field();
  void long_field();
  void empty_body() { lines_.clear(); }
  void only_crlfs() { lines_.assign(dice_.between(1, 40), ""); }
  void no_final_crlf();
  void many_parts();
  void one_octet_lines();
  void large_body();
  void huge_word() { any_line() += std::string(dice_.between(100'000, 1'000'000), 'w'); }
  void eight_bit_body();
  void nul_in_body() { put_anywhere(any_line(), std::string_view("\0", 1)); }
  void bare_cr_in_body() { put_anywhere(any_line(), "\rx"); }
  void bare_lf_in_body() { put_anywhere(any_line(), dice_.one_in(4) ? "\n.\n" : "\n"); }
  void cr_before_crlf() { any_line() += '\r'; }
  void line_of_998() { insert_long_line(998); }
  void line_of_999() { insert_long_line(999); }
  void line_of_64k() { insert_long_line(dice_.between(65'530, 65'540)); }
  void insert_long_line(size_t octets);
  void white_line_ends();
  void white_lines();
  void tabs_and_runs();
  void dot_lines();
  void empty_lines_at_end() { lines_.insert(lines_.end(), dice_.between(1, 9), ""); }

  Dice dice_;
  const std::string number_;
  std::vector<HeaderField> fields_;
  std::vector<std::string> lines_;
  bool final_crlf_ = true;
};

/// In the order in which they are applied: first what replaces a body, last what needs its end.
const std::array<Draft::Oddity, kOddFeatureCount> Draft::kOddities = {{
    {OddFeature::empty_body, 30, &Draft::empty_body},
    {OddFeature::only_crlfs, 30, &Draft::only_crlfs},
    {OddFeature::many_parts, 40, &Draft::many_parts},
    {OddFeature::one_octet_lines, 30, &Draft::one_octet_lines},
    {OddFeature::large_body, 1000, &Draft::large_body},
    {OddFeature::huge_word, 1000, &Draft::huge_word},
    {OddFeature::line_of_998, 40, &Draft::line_of_998},
    {OddFeature::line_of_999, 40, &Draft::line_of_999},
    {OddFeature::line_of_64k, 150, &Draft::line_of_64k},
    {OddFeature::dot_lines, 8, &Draft::dot_lines},
    {OddFeature::eight_bit_body, 6, &Draft::eight_bit_body},
    {OddFeature::tabs_and_runs, 5, &Draft::tabs_and_runs},
    {OddFeature::white_lines, 6, &Draft::white_lines},
    {OddFeature::white_line_ends, 5, &Draft::white_line_ends},
    {OddFeature::nul_in_body, 30, &Draft::nul_in_body},
    {OddFeature::bare_cr_in_body, 30, &Draft::bare_cr_in_body},
    {OddFeature::bare_lf_in_body, 30, &Draft::bare_lf_in_body},
    {OddFeature::cr_before_crlf, 40, &Draft::cr_before_crlf},
    {OddFeature::empty_lines_at_end, 6, &Draft::empty_lines_at_end},
    {OddFeature::no_final_crlf, 10, &Draft::no_final_crlf},
    {OddFeature::eai, 10, &Draft::eai},
    {OddFeature::no_to_no_date, 15, &Draft::no_to_no_date},
    {OddFeature::duplicate_fields, 10, &Draft::duplicate_fields},
    {OddFeature::empty_value, 10, &Draft::empty_value},
    {OddFeature::blank_value, 10, &Draft::blank_value},
    {OddFeature::long_field, 50, &Draft::long_field},
    {OddFeature::folded_field, 4, &Draft::folded_field},
    {OddFeature::eight_bit_field, 12, &Draft::eight_bit_field},
    {OddFeature::control_in_field, 20, &Draft::control_in_field},
    {OddFeature::bare_cr_in_field, 40, &Draft::bare_cr_in_field},
    {OddFeature::nul_in_signed_field, 80, &Draft::nul_in_signed_field},
    {OddFeature::nul_in_other_field, 80, &Draft::nul_in_other_field},
    {OddFeature::white_value_end, 8, &Draft::white_value_end},
    {OddFeature::no_space_after_colon, 10, &Draft::no_space_after_colon},
    {OddFeature::two_from, 150, &Draft::two_from},
    {OddFeature::no_from, 150, &Draft::no_from},
    {OddFeature::many_signed_fields, 200, &Draft::many_signed_fields},
    {OddFeature::many_fields, 500, &Draft::many_fields},
    {OddFeature::mixed_case_names, 12, &Draft::mixed_case_names},
    {OddFeature::space_before_colon, 20, &Draft::space_before_colon},
}};

/// Those that change lines: a body without lines stays as it is.
bool needs_lines(OddFeature feature) { return feature >= OddFeature::no_final_crlf; }

OddMessage Draft::write() {
  OddMessage message;
  write_header();
  write_body();
  bool has_lines = true;
  for (const Oddity& oddity : kOddities) {
    if (!dice_.one_in(oddity.odds) || (!has_lines && needs_lines(oddity.feature))) continue;
    if (oddity.feature == OddFeature::only_crlfs && lines_.empty()) continue;
    (this->*oddity.apply)();
    message.features.set(static_cast<size_t>(oddity.feature));
    if (oddity.feature == OddFeature::empty_body || oddity.feature == OddFeature::only_crlfs) {
      has_lines = false;
    }
  }
  message.fields = std::move(fields_);
  message.body = join_lines();
  return message;
}

void Draft::write_header() {
  fields_ = {{"From", " Joe <joe" + number_ + "@" + std::string(kOddDomain) + ">"},
             {"To", " suzie@example.net,\r\n\tsam@example.org"},
             {"Subject", " " + words(8)},
             {"Date", " Mon, 01 Jun 2026 09:00:00 +0000"}};
  // Not always, and not at a place of its own: without it h= denies one where another has it.
  if (!dice_.one_in(4)) insert_field("Message-ID", " <" + number_ + "@example.com>");
  if (!dice_.one_in(3)) {
    insert_field("MIME-Version", " 1.0");
    insert_field("Content-Type", " text/plain; charset=utf-8");
    insert_field("Content-Transfer-Encoding", " 8bit");
  }
  for (size_t i = dice_.below(4); i > 0; --i) {
    const std::string_view name = dice_.pick(kSignedNames);
    if (!has_field(name)) insert_field(name, " " + words(6));
  }
  for (size_t i = dice_.below(4); i > 0; --i) insert_field(dice_.pick(kOtherNames), " " + words(9));
}

void Draft::write_body() {
  for (size_t i = dice_.between(1, 12); i > 0; --i) lines_.push_back(words(14));
}

std::string Draft::words(size_t most) {
  std::string text(dice_.pick(kWords));
  for (size_t i = dice_.below(most); i > 0; --i) (text += ' ') += dice_.pick(kWords);
  return text;
}

std::string Draft::join_lines() const {
  std::string body;
  for (const std::string& line : lines_) (body += line) += "\r\n";
  if (!final_crlf_) body.resize(body.size() - 2);
  return body;
}

HeaderField& Draft::any_field() { return fields_[dice_.below(fields_.size())]; }

/// One whose value nobody has to understand: not From.
HeaderField& Draft::any_free_field() {
  for (;;) {
    HeaderField& field = any_field();
    if (!equals_ignoring_case(field.name, "From")) return field;
  }
}

std::string& Draft::any_line() { return lines_[dice_.below(lines_.size())]; }

void Draft::put_anywhere(std::string& text, std::string_view octets) {
  size_t at = dice_.below(text.size() + 1);
  // Not into a fold: that would be another oddity, or the end of the field.
  while (at > 0 && (text[at - 1] == '\r' || text[at - 1] == '\n')) --at;
  put(text, at, octets);
}

void Draft::insert_field(std::string_view name, std::string value) {
  const auto at = static_cast<std::ptrdiff_t>(dice_.below(fields_.size() + 1));
  fields_.insert(fields_.begin() + at, {std::string(name), std::move(value)});
}

bool Draft::has_field(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const HeaderField& field) {
    return equals_ignoring_case(field.name, name);
  });
}

void Draft::remove_fields(std::string_view name) {
  std::erase_if(fields_, [&](const HeaderField& f) { return equals_ignoring_case(f.name, name); });
}

void Draft::no_to_no_date() {
  remove_fields("To");
  remove_fields("Date");
}

void Draft::duplicate_fields() {
  const HeaderField copied = any_free_field();
  insert_field(copied.name, copied.value);
  const HeaderField changed = any_free_field();
  for (size_t i = dice_.between(1, 3); i > 0; --i) insert_field(changed.name, " " + words(5));
}

void Draft::many_fields() {
  while (fields_.size() < 2000) {
    fields_.push_back({std::string(dice_.pick(kOtherNames)), " " + words(3)});
  }
}

void Draft::many_signed_fields() {
  const std::string_view name = dice_.pick(kSignedNames);
  for (size_t i = dice_.between(20, 1000); i > 0; --i) insert_field(name, " " + words(2));
}

void Draft::mixed_case_names() {
  for (HeaderField& field : fields_) {
    for (char& c : field.name) {
      const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (is_letter && dice_.one_in(2)) c = static_cast<char>(c ^ 0x20);
    }
  }
}

void Draft::eai() {
  for (HeaderField& field : fields_) {
    if (field.name == "From") {
      field.value = " \"" + std::string(dice_.pick(kUtf8)) + "\" <j\xC3\xB6rg" + number_ + "@" +
                    std::string(kOddEaiULabels) + ">";
    } else if (field.name == "Subject" || field.name == "Comments") {
      put_anywhere(field.value, dice_.pick(kUtf8));
    }
  }
}

void Draft::no_space_after_colon() {
  std::string& value = any_field().value;
  value.erase(0, std::min(value.find_first_not_of(" \t"), value.size()));
}

void Draft::folded_field() {
  std::string value = " " + words(4);
  for (size_t i = dice_.between(1, 30); i > 0; --i) (value += dice_.pick(kFolds)) += words(12);
  any_free_field().value = value;
}

void Draft::blank_value() {
  std::string value;
  for (size_t i = dice_.between(1, 4); i > 0; --i) {
    value += dice_.one_in(3) ? dice_.pick(kFolds) : dice_.pick(kWhite);
  }
  any_free_field().value = value;
}

void Draft::control_in_field() {
  std::string& value = any_free_field().value;
  const std::string_view control = dice_.pick(kControls);
  switch (dice_.below(3)) {
    case 0:
      return put(value, 0, control);
    case 1:
      return put(value, value.size(), control);
    default:
      return put_anywhere(value, control);
  }
}

void Draft::bare_cr_in_field() {
  std::string& value = any_free_field().value;
  put_anywhere(value, "\rx");
}

void Draft::nul_in_signed_field() {
  std::string value = " " + words(3);
  put_anywhere(value, std::string_view("\0", 1));
  insert_field("Subject", value);
}

void Draft::nul_in_other_field() {
  std::string value = " " + words(3);
  put_anywhere(value, std::string_view("\0", 1));
  insert_field(dice_.pick(kOtherNames), value);
}

void Draft::long_field() {
  constexpr size_t kOctets[] = {998, 999, 1024, 4096, 8192, 65'536};
  insert_field(dice_.one_in(2) ? dice_.pick(kSignedNames) : dice_.pick(kOtherNames),
               " " + std::string(dice_.pick(kOctets), 'v'));
}

void Draft::no_final_crlf() {
  final_crlf_ = false;
  // A last line that is empty would have its CRLF after all: that of the line before.
  if (lines_.back().empty() || lines_.back().back() == '\r') lines_.back() += "end";
}

void Draft::many_parts() {
  const std::string boundary = "--part_" + number_;
  std::vector<std::string> lines;
  for (size_t i = dice_.between(2, 200); i > 0; --i) {
    lines.insert(lines.end(), {boundary, "Content-Type: text/plain", "", words(5)});
  }
  lines.push_back(boundary + "--");
  lines_ = std::move(lines);
}

void Draft::one_octet_lines() {
  constexpr std::string_view kOctets[] = {"a", "b", " ", "\t", ".", "-", "\x80"};
  lines_.clear();
  for (size_t i = dice_.between(1, 300); i > 0; --i) lines_.emplace_back(dice_.pick(kOctets));
}

void Draft::large_body() {
  const size_t wanted = dice_.between(100'000, 1'000'000);
  for (size_t octets = 0; octets < wanted; octets += lines_.back().size() + 2) {
    lines_.push_back(words(14));
  }
}

void Draft::eight_bit_body() {
  for (size_t i = dice_.between(1, 4); i > 0; --i) {
    put_anywhere(any_line(), dice_.one_in(2) ? dice_.pick(kEightBit) : dice_.pick(kUtf8));
  }
}

void Draft::insert_long_line(size_t octets) {
  std::string line;
  while (line.size() < octets) (line += words(9)) += ' ';
  line.resize(octets - 1);
  line += '.';
  lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(dice_.below(lines_.size() + 1)), line);
}

void Draft::white_line_ends() {
  for (size_t i = dice_.between(1, 5); i > 0; --i) any_line() += dice_.pick(kWhite);
}

void Draft::white_lines() {
  for (size_t i = dice_.between(1, 4); i > 0; --i) {
    const auto at = static_cast<std::ptrdiff_t>(dice_.below(lines_.size() + 1));
    lines_.insert(lines_.begin() + at, std::string(dice_.pick(kWhite)));
  }
}

void Draft::tabs_and_runs() {
  for (size_t i = dice_.between(1, 6); i > 0; --i) put_anywhere(any_line(), dice_.pick(kWhite));
}

void Draft::dot_lines() {
  constexpr std::string_view kDots[] = {".", "..", ". ", "...x", ".\t."};
  for (size_t i = dice_.between(1, 3); i > 0; --i) put(any_line(), 0, dice_.pick(kDots));
}

}  // namespace

std::string_view to_string(OddFeature feature) {
  constexpr std::string_view kNames[] = {"no_from",
                                         "two_from",
                                         "no_to_no_date",
                                         "duplicate_fields",
                                         "many_fields",
                                         "many_signed_fields",
                                         "mixed_case_names",
                                         "eai",
                                         "space_before_colon",
                                         "no_space_after_colon",
                                         "folded_field",
                                         "empty_value",
                                         "blank_value",
                                         "white_value_end",
                                         "eight_bit_field",
                                         "control_in_field",
                                         "bare_cr_in_field",
                                         "nul_in_signed_field",
                                         "nul_in_other_field",
                                         "long_field",
                                         "empty_body",
                                         "only_crlfs",
                                         "no_final_crlf",
                                         "many_parts",
                                         "one_octet_lines",
                                         "large_body",
                                         "huge_word",
                                         "eight_bit_body",
                                         "nul_in_body",
                                         "bare_cr_in_body",
                                         "bare_lf_in_body",
                                         "cr_before_crlf",
                                         "line_of_998",
                                         "line_of_999",
                                         "line_of_64k",
                                         "white_line_ends",
                                         "white_lines",
                                         "tabs_and_runs",
                                         "dot_lines",
                                         "empty_lines_at_end"};
  static_assert(std::size(kNames) == kOddFeatureCount);
  return kNames[static_cast<size_t>(feature)];
}

std::string OddMessage::wire_text() const {
  std::string text;
  for (const HeaderField& field : fields) {
    ((text += field.name) += ':') += field.value;
    text += "\r\n";
  }
  return (text += "\r\n") += body;
}

OddMessage odd_message(uint64_t seed, uint64_t index) { return Draft(seed, index).write(); }

}  // namespace signet
