// SPDX-License-Identifier: BSD-2-Clause
//
// Messages to measure with: made up, the same ones in every run, of an exact size. Their headers
// are as long as those of ordinary mail; their bodies are of the two shapes that most octets of
// mail have.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/message.h"

namespace signet {

enum class BodyShape {
  text,   ///< prose in lines of varied length, some white space that relaxed changes
  base64  ///< an attachment
};
std::string_view to_string(BodyShape shape);

struct MailSample {
  std::vector<HeaderField> fields;
  std::string body;

  /// The header as it is on the wire, with the empty line after it.
  std::string header() const;
};

/// `octets`: of header and body together, at least 3,000.
MailSample make_mail(size_t octets, BodyShape shape);

}  // namespace signet
