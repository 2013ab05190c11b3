// SPDX-License-Identifier: BSD-2-Clause
//
// Speed comes from two loops. A CR must be followed by LF and an LF must follow a CR: that is one
// comparison of the text with itself, shifted by one octet, which compilers turn into vector
// instructions. And a line can only be too long where 1,000 octets hold no line end: looked at from
// the far end of such a window, most octets need no look at all.

#include "crypto/line_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace signet {
namespace {

/// Octets compared at once: so few that a count of them fits into an octet.
constexpr size_t kBlock = 240;
/// The longest line there may be and its CRLF.
constexpr int64_t kWindow = kMaxLineOctets + 2;
/// A field name is outside data, and may be as long as a field.
constexpr size_t kShownNameOctets = 78;

/// What stands between the octets of a text.
struct LineEnds {
  uint64_t whole = 0;  ///< CRLFs
  bool bare = false;   ///< a CR is not followed by LF, or an LF does not follow CR
};

/// Looks at `pairs` pairs of neighbours, so `text` has one octet more.
LineEnds compare_block(const char* text, size_t pairs) {
  uint8_t whole = 0;
  uint8_t bare = 0;
  for (size_t i = 0; i < pairs; ++i) {
    const auto cr = static_cast<uint8_t>(text[i] == '\r');
    const auto lf = static_cast<uint8_t>(text[i + 1] == '\n');
    whole = static_cast<uint8_t>(whole + (cr & lf));
    bare |= static_cast<uint8_t>(cr ^ lf);
  }
  return {whole, bare != 0};
}

/// All pairs of neighbours in `text`; its first and last octet have one neighbour only.
LineEnds compare_neighbours(std::string_view text) {
  LineEnds sum;
  const size_t pairs = text.empty() ? 0 : text.size() - 1;
  for (size_t at = 0; at < pairs; at += kBlock) {
    // A constant where it can be: the compiler then unrolls the loop.
    const LineEnds block = pairs - at >= kBlock ? compare_block(text.data() + at, kBlock)
                                                : compare_block(text.data() + at, pairs - at);
    sum.whole += block.whole;
    sum.bare |= block.bare;
  }
  return sum;
}

/// Where the first CR or LF stands from `at` on that is not half of a CRLF; npos if none does.
size_t find_bare(std::string_view text, size_t at) {
  for (at = text.find_first_of("\r\n", at); at != std::string_view::npos;
       at = text.find_first_of("\r\n", at + 2)) {
    if (!text.substr(at).starts_with("\r\n")) break;
  }
  return at;
}

/// "1,204"
std::string with_commas(uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string long_line_text(uint64_t line, std::string_view where, uint64_t octets) {
  return fmt::format("line {} of the {} has {} octets", with_commas(line), where,
                     with_commas(octets));
}

std::string bare_newline_text(char octet, uint64_t line, std::string_view where) {
  return fmt::format("{} in line {} of the {}",
                     octet == '\r' ? "a CR without LF" : "an LF without CR", with_commas(line),
                     where);
}

}  // namespace

void LineCheck::header(const HeaderField& field) {
  const std::string_view value = field.value;
  const auto where = [&field] {
    return fmt::format("{} field", std::string_view(field.name).substr(0, kShownNameOctets));
  };
  uint64_t number = 1;
  size_t before = field.name.size() + 1;  // what the name and the colon take of the first line
  for (size_t start = 0; start <= value.size(); ++number) {
    const size_t end = std::min(value.find("\r\n", start), value.size());
    const std::string_view line = value.substr(start, end - start);
    if (before + line.size() > kMaxLineOctets && long_line_.empty()) {
      long_line_ = long_line_text(number, where(), before + line.size());
    }
    // Not find_first_of(), which looks at one octet at a time.
    const size_t bare = std::min(line.find('\r'), line.find('\n'));
    if (bare != std::string_view::npos && bare_newline_.empty()) {
      bare_newline_ = bare_newline_text(line[bare], number, where());
    }
    start = end + 2;
    before = 0;
  }
}

void LineCheck::body(std::string_view octets) {
  if (octets.empty() || (!long_line_.empty() && !bare_newline_.empty())) return;
  if (long_line_.empty()) check_lengths(octets);
  check_newlines(octets);
  held_cr_ = octets.back() == '\r';
}

void LineCheck::finish() {
  if (long_number_ == 0 && line_octets_ > kMaxLineOctets) long_number_ = lines_ + 1;
  if (long_number_ != 0 && long_line_.empty()) {
    long_line_ = long_line_text(long_number_, "body", line_octets_);
  }
  if (held_cr_ && bare_newline_.empty()) {
    bare_newline_ = bare_newline_text('\r', lines_ + 1, "body");
  }
}

void LineCheck::check_lengths(std::string_view octets) {
  if (long_number_ != 0) return measure(octets, 0);
  const auto size = static_cast<int64_t>(octets.size());
  auto start = -static_cast<int64_t>(line_octets_);  // of the line, seen from this piece
  while (start + kWindow <= size) {
    const auto from = static_cast<size_t>(std::max<int64_t>(start, 0));
    const size_t end = last_line_end(octets, from, static_cast<size_t>(start + kWindow));
    if (end == 0) {
      long_number_ = line_number(octets, from);
      if (start > 0) line_octets_ = 0;
      return measure(octets, from);
    }
    start = static_cast<int64_t>(end);
  }
  const auto from = static_cast<size_t>(std::max<int64_t>(start, 0));
  const size_t end = last_line_end(octets, from, octets.size());
  line_octets_ = static_cast<uint64_t>(size - (end != 0 ? static_cast<int64_t>(end) : start));
}

/// Looks for the end of the long line, whose part in this piece begins at `from`.
void LineCheck::measure(std::string_view octets, size_t from) {
  size_t lf = octets.find('\n', from);
  while (lf != std::string_view::npos && !ends_line(octets, lf)) lf = octets.find('\n', lf + 1);
  line_octets_ += std::min(lf, octets.size()) - from;
  if (lf == std::string_view::npos) return;
  long_line_ = long_line_text(long_number_, "body", line_octets_ - 1);  // without its CR
}

void LineCheck::check_newlines(std::string_view octets) {
  const LineEnds ends = compare_neighbours(octets);
  const bool lf_first = octets.front() == '\n';
  if (bare_newline_.empty() && (ends.bare || held_cr_ != lf_first)) report_bare(octets);
  lines_ += ends.whole + static_cast<uint64_t>(held_cr_ && lf_first);
}

void LineCheck::report_bare(std::string_view octets) {
  const bool lf_first = octets.front() == '\n';
  if (held_cr_ && !lf_first) {
    bare_newline_ = bare_newline_text('\r', lines_ + 1, "body");
    return;
  }
  const size_t at = find_bare(octets, held_cr_ ? 1 : 0);
  bare_newline_ = bare_newline_text(octets[at], line_number(octets, at), "body");
}

/// True if the octet `at` is the LF of a CRLF.
bool LineCheck::ends_line(std::string_view octets, size_t at) const {
  return octets[at] == '\n' && (at > 0 ? octets[at - 1] == '\r' : held_cr_);
}

/// Where the last CRLF ends that ends after `from` and not after `end`; 0 if none does.
size_t LineCheck::last_line_end(std::string_view octets, size_t from, size_t end) const {
  while (end > from) {
    const size_t lf = octets.rfind('\n', end - 1);
    if (lf == std::string_view::npos || lf < from) return 0;
    if (ends_line(octets, lf)) return lf + 1;
    end = lf;
  }
  return 0;
}

/// Of the line in the body that the octet `at` is in, the first one being 1.
uint64_t LineCheck::line_number(std::string_view octets, size_t at) const {
  const bool first_ends = at > 0 && ends_line(octets, 0);
  return lines_ + compare_neighbours(octets.substr(0, at)).whole +
         static_cast<uint64_t>(first_ends) + 1;
}

}  // namespace signet
