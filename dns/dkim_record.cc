// SPDX-License-Identifier: BSD-2-Clause
//
// Reads a DKIM key record tag by tag. Whatever RFC 6376 3.6.1 tells a verifier to ignore (unknown
// tags, flags, services, hashes) is ignored; whatever it does not allow makes the record unusable,
// with a reason that names the tag.

#include "dns/dkim_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "dns/base64.h"

namespace signet {
namespace {

constexpr size_t kTextOctetsInErrors = 32;

/// A tag's value for an error text: printable ASCII, cut short.
std::string shown(std::string_view value) {
  std::string text(value.substr(0, kTextOctetsInErrors));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  const size_t first = text.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhite) - first + 1);
}

/// RFC 6376 3.6.1: h=, s= and t= are lists with colons, each of which may have FWS around it.
std::vector<std::string> split_at_colons(std::string_view value) {
  std::vector<std::string> items;
  size_t start = 0;
  for (size_t colon = value.find(':'); colon != std::string_view::npos;
       colon = value.find(':', start)) {
    items.emplace_back(trim(value.substr(start, colon - start)));
    start = colon + 1;
  }
  items.emplace_back(trim(value.substr(start)));
  return items;
}

bool contains(const std::vector<std::string>& items, std::string_view wanted) {
  return std::find(items.begin(), items.end(), wanted) != items.end();
}

/// RFC 6376 3.6.1: if v= is there it is the first tag and "DKIM1", compared as a string.
Result<TagList> parse_versioned_list(std::string_view text, size_t maximum_octets) {
  auto list = parse_tag_list(text, maximum_octets);
  if (!list) return list;
  const std::string* version = list->find("v");
  if (version == nullptr) return list;
  if (*version != "DKIM1") return Error{fmt::format("v= is \"{}\", not DKIM1", shown(*version))};
  if (list->tags().front().name != "v") return Error{"v= is not the first tag"};
  return list;
}

/// RFC 6376 3.6.1 k=, RFC 8463 4.2.
Result<DkimKeyType> parse_key_type(const std::string* value) {
  if (value == nullptr || *value == "rsa") return DkimKeyType::rsa;
  if (*value == "ed25519") return DkimKeyType::ed25519;
  return Error{fmt::format("k= is \"{}\", neither rsa nor ed25519", shown(*value))};
}

}  // namespace

std::string_view to_string(DkimKeyType type) {
  return type == DkimKeyType::ed25519 ? "ed25519" : "rsa";
}

Result<DkimRecord> parse_dkim_record(std::string_view text, size_t maximum_octets) {
  const auto list = parse_versioned_list(text, maximum_octets);
  if (!list) return Error{list.error()};
  const auto type = parse_key_type(list->find("k"));
  if (!type) return Error{type.error()};
  const std::string* key = list->find("p");
  if (key == nullptr) return Error{"p= is missing"};
  auto octets = decode_base64(*key);
  if (!octets) return Error{fmt::format("p= is broken: {}", octets.error())};

  DkimRecord record;
  record.type = *type;
  record.public_key = *std::move(octets);
  if (const std::string* hashes = list->find("h")) record.hashes = split_at_colons(*hashes);
  if (const std::string* services = list->find("s")) {
    const auto names = split_at_colons(*services);
    record.for_email = contains(names, "*") || contains(names, "email");
  }
  if (const std::string* flags = list->find("t")) {
    const auto names = split_at_colons(*flags);
    record.testing = contains(names, "y");
    record.strict_identity = contains(names, "s");
  }
  return record;
}

Result<Name> dkim_record_name(std::string_view selector, const Name& domain) {
  // RFC 6376 3.6.2.1. The whole is parsed, not the selector alone: "2026" is a fine selector and
  // no domain.
  auto name = parse_domain(fmt::format("{}._domainkey.{}", selector, domain.text()));
  if (!name) return Error{fmt::format("the key's name: {}", name.error())};
  return name;
}

}  // namespace signet
