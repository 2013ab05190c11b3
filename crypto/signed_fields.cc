// SPDX-License-Identifier: BSD-2-Clause
//
// Names are compared in lower case and written as the message, or else the list, has them.

#include "crypto/signed_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "crypto/dkim_hash.h"
#include "dns/name.h"

namespace signet {
namespace {

constexpr std::array<std::string_view, 4> kNeverSigned = {
    "return-path", "received", "authentication-results", "dkim-signature"};

}  // namespace

bool is_never_signed(std::string_view lower_case_name) {
  return std::find(kNeverSigned.begin(), kNeverSigned.end(), lower_case_name) != kNeverSigned.end();
}

std::vector<std::string> names_to_sign(const DkimSignOptions& options) {
  std::vector<std::string> names = {"from"};
  for (const std::string& name : options.sign_headers) names.push_back(ascii_lower(name));
  for (const std::string& name : options.oversign_headers) names.push_back(ascii_lower(name));
  std::erase_if(names, is_never_signed);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::vector<std::string> names_to_oversign(const DkimSignOptions& options) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const std::string& name : options.oversign_headers) {
    std::string lower = ascii_lower(name);
    if (!is_never_signed(lower) && seen.insert(std::move(lower)).second) names.push_back(name);
  }
  if (!seen.contains("from")) names.insert(names.begin(), "From");
  return names;
}

SignedFields::SignedFields(const DkimSignOptions& options, size_t max_name_octets)
    : max_name_octets_(max_name_octets),
      wanted_(names_to_sign(options)),
      oversigned_(names_to_oversign(options)) {}

void SignedFields::add(const HeaderField& field) {
  const std::string name = comparable_name(field);
  if (!std::binary_search(wanted_.begin(), wanted_.end(), name)) return;
  if (name == "from") ++from_fields_;
  fields_.push_back(field);
}

std::string SignedFields::finish() {
  // RFC 5322 3.6: exactly one. With more, each reader shows another author.
  if (from_fields_ != 1) return fmt::format("the message has {} From fields", from_fields_);
  names_.reserve(fields_.size() + oversigned_.size());
  for (const HeaderField& field : fields_) {
    if (field.value.find('\0') != std::string::npos) return "a header field holds a NUL";
    names_.push_back(field.name.substr(0, field.name.find_last_not_of(" \t") + 1));
  }
  // RFC 6376 5.4: one entry more than there are fields denies any that is added.
  names_.insert(names_.end(), oversigned_.begin(), oversigned_.end());
  size_t octets = 0;
  for (const std::string& name : names_) octets += name.size() + 1;
  if (octets <= max_name_octets_) return {};
  return fmt::format("too many header fields to sign: their names have {} octets, at most {} fit",
                     octets, max_name_octets_);
}

std::vector<std::string> SignedFields::comparable_names() const {
  std::vector<std::string> names;
  names.reserve(names_.size());
  for (const std::string& name : names_) names.push_back(ascii_lower(name));
  return names;
}

void SignedFields::drop_fields() { fields_ = {}; }

}  // namespace signet
