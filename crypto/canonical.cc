// SPDX-License-Identifier: BSD-2-Clause
//
// What may turn out not to count (line ends, and in relaxed white space) is held back until content
// follows it, so the empty lines at the end of a body vanish by themselves. All that lies between
// the first and the last content of a piece is known to count. simple hands it on as it stands;
// relaxed looks at white space alone, since that is all it changes inside a body: 64 octets at a
// time, most of which are copied whole. Hashing takes 0.6 ns per octet, so this has to be cheaper.
// A relaxed field is unfolded and trimmed first; the rest is the same.

#include "crypto/canonical.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "dns/name.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace signet {
namespace {

/// Octets that are looked at together: a bit of a uint64_t for each.
constexpr size_t kBlock = 64;
/// Octets of relaxed content that the sink gets in one call; a multiple of kBlock.
constexpr size_t kPiece = 8192;

bool is_white(char c) { return c == ' ' || c == '\t'; }

#ifdef __SSE2__
__m128i load(const char* octets) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets));
}
__m128i equal(__m128i octets, char c) { return _mm_cmpeq_epi8(octets, _mm_set1_epi8(c)); }
#endif

/// Where the first CRLF is; the size of `octets` if nowhere.
size_t find_crlf(std::string_view octets) {
  size_t i = 0;
#ifdef __SSE2__
  for (; i + sizeof(__m128i) < octets.size(); i += sizeof(__m128i)) {
    const __m128i found = _mm_and_si128(equal(load(octets.data() + i), '\r'),
                                        equal(load(octets.data() + i + 1), '\n'));
    const auto bits = static_cast<uint16_t>(_mm_movemask_epi8(found));
    if (bits != 0) return i + static_cast<size_t>(std::countr_zero(bits));
  }
#endif
  while (i < octets.size() && !octets.substr(i).starts_with("\r\n")) ++i;
  return i;
}

/// A bit for each of kBlock octets, the first one's lowest: set where relaxed may have to change
/// something, at each HTAB and at each SP before an octet that is not above SP. Reads one octet
/// more.
uint64_t suspects(const char* octets) {
  uint64_t bits = 0;
#ifdef __SSE2__
  for (size_t i = 0; i < kBlock; i += sizeof(__m128i)) {
    const __m128i c = load(octets + i);
    const __m128i next = load(octets + i + 1);
    const __m128i low_next = _mm_cmpeq_epi8(_mm_min_epu8(next, _mm_set1_epi8(' ')), next);
    const __m128i found = _mm_or_si128(equal(c, '\t'), _mm_and_si128(equal(c, ' '), low_next));
    bits |= uint64_t{static_cast<uint16_t>(_mm_movemask_epi8(found))} << i;
  }
#else
  for (size_t i = 0; i < kBlock; ++i) {
    const bool low_next = static_cast<unsigned char>(octets[i + 1]) <= ' ';
    bits |= uint64_t{octets[i] == '\t' || (octets[i] == ' ' && low_next)} << i;
  }
#endif
  return bits;
}

/// Of a run of WSP one SP stays: the last. 1 if that is this one, 0 if not, and no branch that
/// would be guessed wrongly every other time.
struct StaysInField {  // RFC 6376 3.4.2
  size_t operator()(const char* white) const {
    return static_cast<size_t>(!((white[1] == ' ') | (white[1] == '\t')));
  }
};
struct StaysInBody {  // RFC 6376 3.4.4: and none at the end of a line
  size_t operator()(const char* white) const {
    const bool line_end = (white[1] == '\r') & (white[2] == '\n');
    return StaysInField()(white) & static_cast<size_t>(!line_end);
  }
};

/// Writes the relaxed form of the first `count` octets, at most kBlock. Reads and writes up to a
/// block beyond them, because copies of a fixed size are the cheapest. Returns the end of it.
template <typename Stays>
char* write_relaxed(const char* octets, size_t count, char* to) {
  size_t done = 0;
  for (uint64_t bits = suspects(octets); bits != 0; bits &= bits - 1) {
    const auto at = static_cast<size_t>(std::countr_zero(bits));
    std::memcpy(to, octets + done, kBlock);
    to += at - done;
    *to = ' ';
    to += Stays()(octets + at);
    done = at + 1;
  }
  std::memcpy(to, octets + done, kBlock);
  return to + (count - done);
}

/// Gives `sink` the relaxed form of octets whose last one is no white space, so that nothing
/// depends on what follows.
template <typename Stays, typename Sink>
void relax(std::string_view octets, const Sink& sink) {
  char out[kPiece + kBlock];
  while (octets.size() >= 2 * kBlock) {
    char* to = out;
    // Two blocks are there for each that is written: it reads beyond its own.
    const size_t blocks = std::min(kPiece, octets.size() - kBlock) / kBlock;
    for (size_t i = 0; i < blocks; ++i) {
      to = write_relaxed<Stays>(octets.data() + i * kBlock, kBlock, to);
    }
    sink({out, static_cast<size_t>(to - out)});
    octets.remove_prefix(blocks * kBlock);
  }
  char rest[3 * kBlock] = {};
  octets.copy(rest, octets.size());
  char* to = out;
  for (size_t i = 0; i < octets.size(); i += kBlock) {
    to = write_relaxed<Stays>(rest + i, std::min(kBlock, octets.size() - i), to);
  }
  sink(std::string_view(out, static_cast<size_t>(to - out)));
}

/// Canonical fields, each behind the ones before.
class FieldWriter {
 public:
  explicit FieldWriter(size_t octets) { out_.reserve(octets); }

  /// RFC 6376 3.4.1
  void add_simple(const HeaderField& field) {
    out_ += field.name;
    out_ += ':';
    out_ += field.value;
  }
  /// RFC 6376 3.4.2: the name in lower case and the value unfolded, each run of WSP one SP, none
  /// around the colon or at the end.
  void add_relaxed(const HeaderField& field) {
    std::string_view name = field.name;
    while (!name.empty() && is_white(name.back())) name.remove_suffix(1);
    out_ += ascii_lower(name);
    out_ += ':';
    unfold(field.value);
    relax<StaysInField>(trimmed(unfolded_), [this](std::string_view octets) { out_ += octets; });
  }
  void add(const HeaderField& field, Canonicalization canonicalization) {
    canonicalization == Canonicalization::relaxed ? add_relaxed(field) : add_simple(field);
  }
  void end_line() { out_ += "\r\n"; }
  std::string take() { return std::move(out_); }

 private:
  void unfold(std::string_view value) {
    unfolded_.clear();
    while (!value.empty()) {
      const size_t line = find_crlf(value);
      unfolded_ += value.substr(0, line);
      value.remove_prefix(std::min(line + 2, value.size()));
    }
  }
  static std::string_view trimmed(std::string_view value) {
    while (!value.empty() && is_white(value.front())) value.remove_prefix(1);
    while (!value.empty() && is_white(value.back())) value.remove_suffix(1);
    return value;
  }

  std::string out_;
  std::string unfolded_;
};

size_t octets_of(const HeaderField& field) { return field.name.size() + 1 + field.value.size(); }

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
  FieldWriter writer(octets_of(field));
  writer.add(field, canonicalization);
  return writer.take();
}

std::string canonical_header(const std::vector<const HeaderField*>& fields,
                             Canonicalization canonicalization) {
  size_t octets = 0;
  for (const HeaderField* field : fields) octets += octets_of(*field) + 2;
  FieldWriter writer(octets);
  for (const HeaderField* field : fields) {
    writer.add(*field, canonicalization);
    writer.end_line();
  }
  return writer.take();
}

BodyCanonicalizer::BodyCanonicalizer(Canonicalization canonicalization, OctetSink sink)
    : canonicalization_(canonicalization), sink_(std::move(sink)) {}

void BodyCanonicalizer::update(std::string_view octets) {
  octets.remove_prefix(hold_back(octets));
  if (octets.empty()) return;
  const size_t end = content_end(octets);
  add_content(octets.substr(0, end));
  hold_back(octets.substr(end));
}

/// Takes the line ends, in relaxed also the white space, at the start of `octets` in, and a CR that
/// ends them. Returns how many octets that were; the next one counts.
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
    if (c == '\r' && (i + 1 == octets.size() || octets[i + 1] == '\n')) {
      held_cr_ = true;
    } else if (relaxed && is_white(c)) {
      held_white_ = true;
    } else {
      break;
    }
  }
  return i;
}

/// Where the line ends, in relaxed also the white space, at the end of `octets` begin. The last
/// octet may be the CR of another.
size_t BodyCanonicalizer::content_end(std::string_view octets) const {
  const bool relaxed = canonicalization_ == Canonicalization::relaxed;
  if (octets.ends_with('\r')) octets.remove_suffix(1);
  while (!octets.empty()) {
    if (octets.ends_with("\r\n")) {
      octets.remove_suffix(2);
    } else if (relaxed && is_white(octets.back())) {
      octets.remove_suffix(1);
    } else {
      break;
    }
  }
  return octets.size();
}

void BodyCanonicalizer::finish() {
  if (held_cr_) release_cr();
  // RFC 6376 3.4.3: the body ends in exactly one CRLF, be it all there is. 3.4.4: so it does in
  // relaxed, unless nothing is left of it.
  if (canonicalization_ == Canonicalization::simple || has_content_) sink_("\r\n");
}

/// Octets that count and neither begin nor end with what is held back; that which was held back
/// before them counts now.
void BodyCanonicalizer::add_content(std::string_view octets) {
  constexpr std::string_view kLineEnds = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
  while (held_line_ends_ > 0) {
    const size_t count = std::min(held_line_ends_, kLineEnds.size() / 2);
    sink_(kLineEnds.substr(0, 2 * count));
    held_line_ends_ -= count;
  }
  if (held_white_) sink_(" ");
  held_white_ = false;
  has_content_ = true;
  if (canonicalization_ == Canonicalization::relaxed) {
    relax<StaysInBody>(octets, sink_);
  } else {
    sink_(octets);
  }
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

}  // namespace signet
