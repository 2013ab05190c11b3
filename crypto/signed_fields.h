// SPDX-License-Identifier: BSD-2-Clause
//
// SignedFields: which header fields of a message its signatures cover, chosen by the lists
// SignHeaders and OversignHeaders (RFC 6376 5.4). All signatures of a message cover the same.
//
// The rules: a field that either list names is signed as often as it is there. A name that
// OversignHeaders lists stands in h= once more than that, even if no such field is there, so that
// none can be added later. From is in both lists, whatever they say. Case does not matter, nor does
// a name that is listed twice. Some fields are never signed, see is_never_signed().

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/message.h"

namespace signet {

/// Fields that change on the way as a matter of course, so that signing them breaks the signature:
/// Return-Path and Received (RFC 6376 5.4), Authentication-Results (RFC 8601 5: servers remove
/// them), and DKIM-Signature (RFC 6376 5.4: "error-prone"; our own ones go on top of it).
bool is_never_signed(std::string_view name);

/// The names whose fields are signed, of both lists: lower case, sorted, each once, none that is
/// never signed.
std::vector<std::string> names_to_sign(const DkimSignOptions& options);
/// The names that stand in h= once more, as they are written there: in the order of the list, From
/// first if it is not listed.
std::vector<std::string> names_to_oversign(const DkimSignOptions& options);

/// Order of calls: add() for each field from the top, finish() once.
class SignedFields {
 public:
  /// `max_name_octets`: what the names and the colons between them may take in h=.
  SignedFields(const DkimSignOptions& options, size_t max_name_octets);

  /// Keeps the field if it is to be signed.
  void add(const HeaderField& field);
  /// Why the message can't be signed: not one From, a NUL, too many fields. Empty if it can.
  std::string finish();

  /// Valid after finish(): h=, as it is written. The fields that are there come first, in the order
  /// of the message; as all of a name are named, a verifier that takes them from the bottom takes
  /// all of them (RFC 6376 5.4.2).
  const std::vector<std::string>& names() const { return names_; }
  /// The same in lower case.
  std::vector<std::string> comparable_names() const;
  /// The fields that are signed, in the order of the message.
  const std::vector<HeaderField>& fields() const { return fields_; }
  /// Gives their memory back; fields() is empty from here on.
  void drop_fields();

 private:
  size_t max_name_octets_;
  std::vector<std::string> listed_;
  std::vector<std::string> oversigned_;
  std::vector<HeaderField> fields_;
  std::vector<std::string> names_;
  size_t from_fields_ = 0;
};

}  // namespace signet
