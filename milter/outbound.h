// SPDX-License-Identifier: BSD-2-Clause
//
// OutboundMessage: signs one message with the keys of its Author Domain. The fields are kept until
// the header is complete, because only then is the Author Domain known; the body is streamed.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/message.h"
#include "milter/field/from_field.h"
#include "milter/runtime.h"

namespace signet {

/// What came of signing.
struct OutboundResults {
  Author author;
  std::vector<HeaderField> signatures;   ///< to be put on top, in this order
  std::vector<std::string> signed_with;  ///< "example.com/selector" for each
  std::string unsigned_reason;           ///< if there is none: why; no error
  std::string failure;                   ///< key or library failed, another try may not: why
};

class OutboundMessage {
 public:
  explicit OutboundMessage(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}

  void header(HeaderField field);
  void end_of_headers();
  void body(std::string_view octets);
  OutboundResults finish(std::chrono::sys_seconds now);

 private:
  std::shared_ptr<const Runtime> runtime_;
  std::vector<HeaderField> fields_;
  std::unique_ptr<DkimSigner> signer_;
  OutboundResults results_;
};

}  // namespace signet
