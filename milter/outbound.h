// SPDX-License-Identifier: BSD-2-Clause
//
// OutboundMessage: signs one message with the keys that SigningRules gives its author. The fields
// are kept until the header is complete, because only then is the author known; the body is
// streamed. The MAIL FROM plays no part, so a bounce is signed like all other mail.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/line_check.h"
#include "crypto/message.h"
#include "milter/field/from_field.h"
#include "milter/runtime.h"
#include "milter/signing/usable_keys.h"

namespace signet {

/// What came of signing.
struct OutboundResults {
  Author author;
  std::vector<HeaderField> signatures;    ///< to be put on top, in this order
  std::vector<std::string> signed_with;   ///< "example.com/selector" for each
  std::string rule;                       ///< that chose the keys, see SigningChoice
  std::vector<KeyNotUsed> keys_not_used;  ///< signatures not made, as the DNS says other than we
  std::string unsigned_reason;            ///< if there is none: why; no error
  bool has_to_wait = false;               ///< OnKeyMismatch tempfail: rather later than unsigned
  std::vector<std::string> warnings;      ///< what may break a signature on its way
  std::string failure;                    ///< key or library failed, another try may not: why
};

class OutboundMessage {
 public:
  explicit OutboundMessage(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}

  void header(HeaderField field);
  /// After the last header(), before end_of_headers().
  Author author() const;
  /// The message is not to be signed after all: gives the fields back, and ends it.
  std::vector<HeaderField> take_fields() && { return std::move(fields_); }
  void end_of_headers();
  void body(std::string_view octets);
  OutboundResults finish(std::chrono::sys_seconds now);

 private:
  std::vector<SignatureSpec> choose_signatures();
  std::vector<SignatureSpec> leave_out_unusable(std::vector<SignatureSpec> chosen);
  void start_signer(std::vector<SignatureSpec> wanted);
  void leave_unsigned(std::string reason);
  void judge_lines();

  std::shared_ptr<const Runtime> runtime_;
  std::vector<HeaderField> fields_;
  std::unique_ptr<DkimSigner> signer_;
  LineCheck lines_;
  OutboundResults results_;
};

}  // namespace signet
