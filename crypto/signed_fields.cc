// SPDX-License-Identifier: BSD-2-Clause
//
// Names are compared without case and written as the message, or else the list, has them. The lists
// are short: to look through them costs less than to sort them for each message.

#include "crypto/signed_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crypto/dkim_hash.h"
#include "dns/name.h"

namespace signet {
namespace {

constexpr std::array<std::string_view, 4> kNeverSigned = {
    "return-path", "received", "authentication-results", "dkim-signature"};

template <class Names>
bool holds(const Names& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

}  // namespace

bool is_never_signed(std::string_view name) { return holds(kNeverSigned, name); }

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
  if (!holds(options.oversign_headers, "from")) names.emplace_back("From");
  for (const std::string& name : options.oversign_headers) {
    if (!is_never_signed(name) && !holds(names, name)) names.push_back(name);
  }
  return names;
}

SignedFields::SignedFields(const DkimSignOptions& options, size_t max_name_octets)
    : max_name_octets_(max_name_octets),
      listed_(options.sign_headers),
      oversigned_(names_to_oversign(options)) {}

void SignedFields::add(const HeaderField& field) {
  const std::string_view name = bare_name(field);
  // What is oversigned is signed, and never one of those that are never signed.
  const bool listed = holds(listed_, name) && !is_never_signed(name);
  if (!listed && !holds(oversigned_, name)) return;
  if (equals_ignoring_case(name, "from")) ++from_fields_;
  fields_.push_back(field);
}

std::string SignedFields::finish() {
  // RFC 5322 3.6: exactly one. With more, each reader shows another author.
  if (from_fields_ != 1) return fmt::format("the message has {} From fields", from_fields_);
  names_.reserve(fields_.size() + oversigned_.size());
  for (const HeaderField& field : fields_) {
    if (field.value.find('\0') != std::string::npos) return "a header field holds a NUL";
    names_.emplace_back(bare_name(field));
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
