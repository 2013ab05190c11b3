// SPDX-License-Identifier: BSD-2-Clause
//
// Field names. MTAs usually take away the white space before a colon, but nothing makes them.

#include "crypto/message.h"

#include "dns/name.h"

namespace signet {

std::string_view bare_name(const HeaderField& field) {
  return std::string_view(field.name).substr(0, field.name.find_last_not_of(" \t") + 1);
}

bool is_named(const HeaderField& field, std::string_view name) {
  return equals_ignoring_case(bare_name(field), name);
}

}  // namespace signet
