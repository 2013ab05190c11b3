// SPDX-License-Identifier: BSD-2-Clause
//
// The two ways into a Name, and the steps between its labels. Both ways cut the text at its dots
// and judge one label at a time; they differ in what a label may hold.

#include "dns/name.h"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace signet {
namespace {

constexpr size_t kMaxLabelOctets = 63;    // RFC 1035 2.3.4
constexpr size_t kMaxNameOctets = 253;    // RFC 1035 2.3.4: 255 on the wire, two of them not text
constexpr size_t kMaxInputOctets = 1024;  // U-labels are longer than their A-labels, not 4 times

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

bool is_lower_ldh_or_underscore(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// RFC 5891 5: the A-label of a label that has octets above 0x7f.
Result<std::string> to_a_label(std::string_view u_label) {
  // libidn2 takes a C string: a NUL would hide what comes after it.
  if (u_label.find('\0') != std::string_view::npos) return Error{"a label holds a NUL"};
  const std::string input(u_label);
  uint8_t* output = nullptr;
  const int code = idn2_lookup_u8(reinterpret_cast<const uint8_t*>(input.c_str()), &output,
                                  IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<uint8_t, decltype(&idn2_free)> owner(
      output, [](void* octets) { idn2_free(octets); });
  if (code != IDN2_OK) {
    return Error{fmt::format("a label is no valid U-label ({})", idn2_strerror(code))};
  }
  std::string a_label = ascii_lower(reinterpret_cast<const char*>(output));
  // RFC 8616 3: only a U-label stands for an A-label. Letters that merely turn into ASCII
  // (fullwidth forms, ligatures) and signs that turn into dots are nobody's domain.
  if (!a_label.starts_with("xn--")) return Error{"a label is no valid U-label (it maps to ASCII)"};
  return a_label;
}

/// RFC 1035 2.3.4, and no empty label: what holds for every label, whichever way it came in.
std::optional<Error> check_length(std::string_view label) {
  if (label.empty()) return Error{"a label is empty"};
  if (label.size() > kMaxLabelOctets) return Error{"a label is longer than 63 octets"};
  return std::nullopt;
}

void append_lower(std::string& name, std::string_view text) {
  for (const char c : text) name += lower(c);
}

std::optional<Error> append_identity_label(std::string& name, std::string_view text) {
  const size_t start = name.size();
  if (is_ascii(text)) {
    append_lower(name, text);
  } else {
    const auto a_label = to_a_label(text);
    if (!a_label) return Error{a_label.error()};
    name += *a_label;
  }
  const std::string_view label = std::string_view(name).substr(start);
  if (!std::all_of(label.begin(), label.end(), is_lower_ldh_or_underscore)) {
    return Error{"a label holds something other than letters, digits, hyphen and underscore"};
  }
  // RFC 5890 2.3.2.1: what begins with xn-- is letters, digits and hyphens.
  if (label.starts_with("xn--") && label.find('_') != std::string_view::npos) {
    return Error{"an A-label holds an underscore"};
  }
  return check_length(label);
}

std::optional<Error> append_any_label(std::string& name, std::string_view text) {
  append_lower(name, text);
  return check_length(text);
}

/// RFC 3696 2: the rightmost label of a domain is never all digits. Keeps 192.0.2.1 out.
bool ends_in_number(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The labels of `text`, each appended by `append`, joined again.
Result<std::string> join_labels(std::string_view text,
                                std::optional<Error> (*append)(std::string&, std::string_view)) {
  if (text.size() > kMaxInputOctets) return Error{"a name is longer than 253 octets"};
  std::string joined;
  joined.reserve(std::min(text.size(), kMaxNameOctets));
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('.', start), text.size());
    if (start > 0) joined += '.';
    if (auto error = append(joined, text.substr(start, end - start))) return *std::move(error);
    // Not later: making A-labels of 300 U-labels costs a millisecond.
    if (joined.size() > kMaxNameOctets) return Error{"a name is longer than 253 octets"};
    start = end + 1;
  }
  return joined;
}

}  // namespace

std::string ascii_lower(std::string_view text) {
  std::string lowered(text);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), lower);
  return lowered;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

Result<Name> parse_domain(std::string_view text) {
  if (text.empty()) return Error{"a domain is empty"};
  if (text.ends_with('.')) return Error{"a domain ends in a dot"};
  auto joined = join_labels(text, append_identity_label);
  if (!joined) return Error{joined.error()};
  if (ends_in_number(*joined)) return Error{"a number or an IP address is no domain"};
  return Name(*std::move(joined));
}

Result<Name> parse_query_name(std::string_view text) {
  if (text.empty()) return Error{"a name is empty"};
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty()) return Name();
  auto joined = join_labels(text, append_any_label);
  if (!joined) return Error{joined.error()};
  return Name(*std::move(joined));
}

Result<Name> prepend_labels(std::string_view labels, const Name& name) {
  if (name.is_root()) return parse_query_name(labels);
  if (labels.ends_with('.')) return Error{"a label is empty"};
  auto front = parse_query_name(labels);
  if (!front) return front;
  if (front->text().size() + 1 + name.text().size() > kMaxNameOctets) {
    return Error{"a name is longer than 253 octets"};
  }
  return Name(front->text() + '.' + name.text());
}

int Name::label_count() const {
  if (is_root()) return 0;
  return 1 + static_cast<int>(std::count(text_.begin(), text_.end(), '.'));
}

Name Name::parent() const {
  const size_t dot = text_.find('.');
  return dot == std::string::npos ? Name() : Name(text_.substr(dot + 1));
}

Name Name::last_labels(int count) const {
  if (count <= 0) return {};
  size_t start = text_.size();
  for (int i = 0; i < count; ++i) {
    const size_t dot = start == 0 ? std::string::npos : text_.rfind('.', start - 1);
    if (dot == std::string::npos) return *this;
    start = dot;
  }
  return Name(text_.substr(start + 1));
}

bool Name::is_at_or_below(const Name& ancestor) const {
  if (ancestor.is_root() || *this == ancestor) return true;
  const std::string& tail = ancestor.text_;
  return text_.size() > tail.size() && text_.ends_with(tail) &&
         text_[text_.size() - tail.size() - 1] == '.';
}

}  // namespace signet
