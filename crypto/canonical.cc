// SPDX-License-Identifier: BSD-2-Clause
//
// Both body algorithms share one idea: hold back what may turn out not to count. Line ends are
// counted until content follows them, so empty lines at the end of the body vanish by themselves;
// relaxed holds back white space in the same way.

#include "crypto/canonical.h"

#include <algorithm>
#include <utility>

#include "dns/name.h"

namespace signet {
namespace {

/// Octets collected before the sink is called.
constexpr size_t kFlushOctets = 16 * 1024;

bool is_white(char c) { return c == ' ' || c == '\t'; }

/// RFC 6376 3.4.2: unfolded, each run of WSP one SP, none at either end.
std::string relaxed_value(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  bool held_white = false;
  for (size_t i = 0; i < value.size(); ++i) {
    if (is_white(value[i])) {
      held_white = true;
      continue;
    }
    if (value[i] == '\r' && i + 1 < value.size() && value[i + 1] == '\n') {
      ++i;
      continue;
    }
    if (held_white && !out.empty()) out += ' ';
    held_white = false;
    out += value[i];
  }
  return out;
}

}  // namespace

std::string_view to_string(Canonicalization canonicalization) {
  return canonicalization == Canonicalization::relaxed ? "relaxed" : "simple";
}

std::optional<Canonicalization> parse_canonicalization(std::string_view word) {
  if (word == "simple") return Canonicalization::simple;
  if (word == "relaxed") return Canonicalization::relaxed;
  return std::nullopt;
}

std::string canonical_field(const HeaderField& field, Canonicalization canonicalization) {
  if (canonicalization == Canonicalization::simple) return field.name + ":" + field.value;
  std::string_view name = field.name;
  while (!name.empty() && is_white(name.back())) name.remove_suffix(1);
  return ascii_lower(name) + ":" + relaxed_value(field.value);
}

BodyCanonicalizer::BodyCanonicalizer(Canonicalization canonicalization, OctetSink sink)
    : canonicalization_(canonicalization), sink_(std::move(sink)) {}

void BodyCanonicalizer::update(std::string_view octets) {
  const bool relaxed = canonicalization_ == Canonicalization::relaxed;
  while (!octets.empty()) {
    if (held_cr_) {
      held_cr_ = false;
      if (octets.front() == '\n') {
        end_line();
        octets.remove_prefix(1);
        continue;
      }
      add_content("\r");
    }
    const size_t cr = std::min(octets.find('\r'), octets.size());
    if (relaxed) {
      add_relaxed(octets.substr(0, cr));
    } else if (cr > 0) {
      add_content(octets.substr(0, cr));
    }
    octets.remove_prefix(cr);
    if (!octets.empty()) {
      held_cr_ = true;
      octets.remove_prefix(1);
    }
  }
  flush();
}

void BodyCanonicalizer::finish() {
  if (held_cr_) add_content("\r");
  held_cr_ = false;
  // RFC 6376 3.4.3: the body ends in exactly one CRLF, be it all there is. 3.4.4: so it does in
  // relaxed, unless nothing is left of it.
  if (canonicalization_ == Canonicalization::simple || has_content_) out_ += "\r\n";
  flush();
}

void BodyCanonicalizer::add_relaxed(std::string_view octets) {
  while (!octets.empty()) {
    const size_t white = std::min(octets.find_first_of(" \t"), octets.size());
    if (white > 0) add_content(octets.substr(0, white));
    octets.remove_prefix(white);
    const size_t next = std::min(octets.find_first_not_of(" \t"), octets.size());
    if (next > 0) held_white_ = true;
    octets.remove_prefix(next);
  }
}

/// Octets that count; what was held back before them counts now.
void BodyCanonicalizer::add_content(std::string_view octets) {
  for (; held_line_ends_ > 0; --held_line_ends_) {
    out_ += "\r\n";
    if (out_.size() >= kFlushOctets) flush();
  }
  if (held_white_) out_ += ' ';
  held_white_ = false;
  has_content_ = true;
  if (octets.size() >= kFlushOctets) {
    flush();
    sink_(octets);
    return;
  }
  out_ += octets;
  if (out_.size() >= kFlushOctets) flush();
}

void BodyCanonicalizer::end_line() {
  // RFC 6376 3.4.4: white space at the end of a line is ignored.
  held_white_ = false;
  ++held_line_ends_;
}

void BodyCanonicalizer::flush() {
  if (!out_.empty()) sink_(out_);
  out_.clear();
}

}  // namespace signet
