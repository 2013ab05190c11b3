// SPDX-License-Identifier: BSD-2-Clause
//
// Most of a body is canonical already. So the work is to find stretches that count as they stand
// and to hand them on whole; what may turn out not to count (line ends and white space) is held
// back until content follows it, so the empty lines at the end of a body vanish by themselves.

#include "crypto/canonical.h"

#include <algorithm>
#include <utility>

#include "dns/name.h"

namespace signet {
namespace {

/// Octets collected before the sink is called.
constexpr size_t kFlushOctets = 16 * 1024;

bool is_white(char c) { return c == ' ' || c == '\t'; }

/// True for white space that relaxed changes, or may change: anything but one SP inside a line.
/// Without a branch, because it is the inner loop.
bool is_changed(char c, char next) {
  return (c == '\t') | ((c == ' ') & ((next == ' ') | (next == '\r')));
}

/// How many octets at the start of `text` relaxed leaves as they are. The white space that ends
/// this stretch may begin one octet before the end of it.
size_t unchanged_octets(std::string_view text) {
  if (text.empty()) return 0;
  // Compilers make vector instructions of the inner loop: hence its fixed length, its type and the
  // pointer.
  constexpr size_t kBlock = 32;
  const char* const octets = text.data();
  size_t i = 0;
  for (; i + kBlock < text.size(); i += kBlock) {
    unsigned char changed = 0;
    for (size_t k = i; k < i + kBlock; ++k) {
      changed |= static_cast<unsigned char>(is_changed(octets[k], octets[k + 1]));
    }
    if (changed != 0) break;
  }
  while (i + 1 < text.size() && !is_changed(octets[i], octets[i + 1])) ++i;
  // What follows the last octet is unknown.
  return i + 1 == text.size() && !is_white(text.back()) ? text.size() : i;
}

/// unchanged_octets() of a line or a body, less what stands at the end of them and may not count:
/// never nothing if `text` begins with content.
size_t relaxed_content(std::string_view text) {
  const size_t unchanged = unchanged_octets(text);
  return unchanged > 0 && text[unchanged - 1] == ' ' ? unchanged - 1 : unchanged;
}

/// `text` without the CR and the CRLFs at its end.
std::string_view without_line_ends(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  while (text.ends_with("\r\n")) text.remove_suffix(2);
  return text;
}

/// RFC 6376 3.4.2: the name in lower case and the value unfolded, each run of WSP one SP, none
/// around the colon or at the end.
class RelaxedField {
 public:
  explicit RelaxedField(const HeaderField& field) {
    std::string_view name = field.name;
    while (!name.empty() && is_white(name.back())) name.remove_suffix(1);
    out_ = ascii_lower(name);
    out_.reserve(name.size() + 1 + field.value.size());
    out_ += ':';
    value_start_ = out_.size();
    add_value(field.value);
  }
  std::string take() { return std::move(out_); }

 private:
  void add_value(std::string_view value) {
    while (!value.empty()) {
      const std::string_view line = value.substr(0, value.find('\r'));
      add_line(line);
      value.remove_prefix(line.size());
      if (value.starts_with("\r\n")) {
        value.remove_prefix(2);
      } else if (!value.empty()) {
        add_content(value.substr(0, 1));
        value.remove_prefix(1);
      }
    }
  }
  void add_line(std::string_view line) {
    while (!line.empty()) {
      if (is_white(line.front())) {
        held_white_ = true;
        line.remove_prefix(1);
        continue;
      }
      const size_t content = relaxed_content(line);
      add_content(line.substr(0, content));
      line.remove_prefix(content);
    }
  }
  void add_content(std::string_view octets) {
    if (held_white_ && out_.size() > value_start_) out_ += ' ';
    held_white_ = false;
    out_ += octets;
  }

  std::string out_;
  size_t value_start_ = 0;
  bool held_white_ = false;
};

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
  return RelaxedField(field).take();
}

BodyCanonicalizer::BodyCanonicalizer(Canonicalization canonicalization, OctetSink sink)
    : canonicalization_(canonicalization), sink_(std::move(sink)) {}

void BodyCanonicalizer::update(std::string_view octets) {
  while (!octets.empty()) {
    octets.remove_prefix(hold_back(octets));
    if (octets.empty()) return;
    const std::string_view content = leading_content(octets);
    add_content(content);
    octets.remove_prefix(content.size());
  }
}

/// Takes the line ends, in relaxed also the white space, at the start of `octets` in. Returns how
/// many octets that were; the next one counts.
size_t BodyCanonicalizer::hold_back(std::string_view octets) {
  const bool relaxed = canonicalization_ == Canonicalization::relaxed;
  size_t i = 0;
  for (; i < octets.size(); ++i) {
    const char c = octets[i];
    if (held_cr_ && c == '\n') {
      end_line();
      continue;
    }
    if (held_cr_) release_cr();
    if (c == '\r') {
      held_cr_ = true;
    } else if (relaxed && is_white(c)) {
      held_white_ = true;
    } else {
      break;
    }
  }
  return i;
}

/// The stretch that counts as it stands: at least one octet, since the first one is content.
std::string_view BodyCanonicalizer::leading_content(std::string_view octets) const {
  if (canonicalization_ == Canonicalization::simple) return without_line_ends(octets);
  return without_line_ends(octets.substr(0, relaxed_content(octets)));
}

void BodyCanonicalizer::finish() {
  if (held_cr_) release_cr();
  // RFC 6376 3.4.3: the body ends in exactly one CRLF, be it all there is. 3.4.4: so it does in
  // relaxed, unless nothing is left of it.
  if (canonicalization_ == Canonicalization::simple || has_content_) out_ += "\r\n";
  flush();
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

/// The CR was none of a CRLF, so it is an octet like others.
void BodyCanonicalizer::release_cr() {
  held_cr_ = false;
  add_content("\r");
}

void BodyCanonicalizer::end_line() {
  held_cr_ = false;
  // RFC 6376 3.4.4: white space at the end of a line is ignored.
  held_white_ = false;
  ++held_line_ends_;
}

void BodyCanonicalizer::flush() {
  if (!out_.empty()) sink_(out_);
  out_.clear();
}

}  // namespace signet
