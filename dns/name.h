// SPDX-License-Identifier: BSD-2-Clause
//
// Name: a DNS name as this program keeps it everywhere inside: A-labels, ASCII lower case, no
// trailing dot, at most 63 octets a label and 253 in all (RFC 1035 2.3.4). A Name that exists is
// within those limits, so a question can always be built from it.
//
// There are two ways in. parse_domain() is for identities (a d= tag, the right side of an
// address, a configured domain): U-labels become A-labels (RFC 8616, libidn2) and every label must
// be letters, digits, hyphen or underscore. parse_query_name() is for names a program in the DNS
// computes, such as an SPF macro: any octet may stand in a label.

#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "dns/result.h"

namespace signet {

class Name {
 public:
  /// The root: no labels. is_root() is true of it.
  Name() = default;

  bool is_root() const { return text_.empty(); }

  /// Labels joined with dots, no trailing dot; the root is "". At most 253 octets.
  const std::string& text() const { return text_; }

  /// Number of labels; 0 for the root.
  int label_count() const;

  /// The name without its leftmost label; the root's parent is the root.
  Name parent() const;

  /// The rightmost `count` labels; the whole name if it has no more than that.
  Name last_labels(int count) const;

  /// True if this name equals `ancestor` or lies below it.
  bool is_at_or_below(const Name& ancestor) const;

  // clang-tidy 14 takes the 0 of a rewritten < for a pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const Name&, const Name&) = default;
  friend bool operator==(const Name&, const Name&) = default;

 private:
  friend Result<Name> parse_domain(std::string_view text);
  friend Result<Name> parse_query_name(std::string_view text);
  friend Result<Name> prepend_labels(std::string_view labels, const Name& name);
  explicit Name(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

/// A domain somebody claims as an identity: at least one label, each of LDH or `_`, no empty
/// label, no trailing dot; U-labels (UTF-8) are turned into A-labels. An IP address literal is no
/// domain. One label alone ("localhost") is accepted; callers that want two check label_count().
Result<Name> parse_domain(std::string_view text);

/// A name to ask for: any octets in labels, one trailing dot allowed, no empty label otherwise.
Result<Name> parse_query_name(std::string_view text);

/// `_dmarc.` + name and the like; an Error if the result is over 253 octets.
Result<Name> prepend_labels(std::string_view labels, const Name& name);

/// ASCII lower case; octets above 0x7f are left alone. For DNS names and protocol keywords.
std::string ascii_lower(std::string_view text);

/// Equal but for ASCII case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace signet

template <>
struct std::hash<signet::Name> {
  size_t operator()(const signet::Name& name) const noexcept {
    return std::hash<std::string>{}(name.text());
  }
};
