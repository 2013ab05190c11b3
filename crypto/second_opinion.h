// SPDX-License-Identifier: BSD-2-Clause
//
// The second opinion: what libopendkim says, whichever engine is in use. Two questions, two ways.
// A message from anywhere goes through the engine `libopendkim` with all its gates and gets that
// engine's verdicts. A probe, which this program has made and signed itself, is judged against the
// text of its key record exactly as it was published: the question there is whether verifiers that
// use the library can read the record.
//
// Any thread; each call is on its own.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/message.h"
#include "dns/name.h"
#include "dns/resolver.h"

namespace signet {

/// What libopendkim says of one signature.
struct SecondOpinion {
  bool pass = false;
  std::string reason;  ///< if it does not pass: the library's word for it
  friend bool operator==(const SecondOpinion&, const SecondOpinion&) = default;
};

/// Whether the library is asked about a key record as it was published: it must be printable ASCII,
/// and no longer than the library's buffer, or its verdict would be on something else.
bool can_ask_for_second_opinion(std::string_view key_record);

/// The library's word on a message with one DKIM-Signature among its `fields`, with `key_record` as
/// the answer to the key lookup. Only for a message that this program has written itself, and only
/// if can_ask_for_second_opinion(key_record).
SecondOpinion second_opinion(const std::vector<HeaderField>& fields, std::string_view body,
                             std::string_view key_record);

/// The verdicts of the engine `libopendkim` on a message from anywhere, one for each DKIM-Signature
/// in order of the fields, as DkimVerifier::finish() gives them; the library's own however long the
/// body is. `author` as in DkimVerifier::end_of_headers().
std::vector<DkimVerdict> second_opinion(const std::vector<HeaderField>& fields,
                                        std::string_view body, const std::optional<Name>& author,
                                        DkimVerifyOptions options, Resolver& resolver,
                                        std::shared_ptr<LookupBudget> budget,
                                        std::chrono::sys_seconds now);

}  // namespace signet
