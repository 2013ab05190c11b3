// SPDX-License-Identifier: BSD-2-Clause
//
// What `signet verify` found, as text for people or as one JSON object.

#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "crypto/dkim.h"
#include "milter/command/dkim_explanation.h"
#include "milter/command/message_file.h"

namespace signet {

/// The verdicts of both engines on one message. The explanations belong to the verdicts one by one,
/// unless the verifier had a verdict for the message as a whole: then there is none.
struct VerifyFindings {
  DkimEngine engine = DkimEngine::native;
  std::vector<DkimVerdict> verdicts;
  std::optional<std::vector<DkimVerdict>> second_opinion;  ///< of the other engine, if wanted
  std::vector<SignatureExplanation> explanations;
};

/// The other of the two engines.
DkimEngine other_engine(DkimEngine engine);

/// Neither writes a control character; JSON is ASCII. `show_canonical` adds the octets that were
/// hashed: visible, with every octet that is not printable ASCII escaped, and in JSON as base64.
void write_text(const VerifyFindings& findings, const MessageFile& message, bool show_canonical,
                std::ostream& out);
void write_json(const VerifyFindings& findings, const MessageFile& message, bool show_canonical,
                std::ostream& out);

/// `2026-11-23T00:00:00Z`
std::string utc_time(std::chrono::sys_seconds time);

}  // namespace signet
