// SPDX-License-Identifier: BSD-2-Clause
//
// Where DKIM implementations are known to differ about messages that were signed well, and which of
// them is right: the table behind "no unexplained difference". Each row names who differs, what
// must be odd about the message, what is said then, and the RFC's word on it.

#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/canonical.h"
#include "crypto/dkim.h"
#include "tests/support/odd_messages.h"

namespace signet {

/// Who has a say about a signature.
enum class DkimParty : uint8_t {
  native,              ///< our verifier
  libopendkim,         ///< our verifier with DKIMEngine libopendkim
  dkimpy,              ///< Debian's python3-dkim
  mail_dkim,           ///< Debian's libmail-dkim-perl
  libopendkim_signer,  ///< DKIMEngine libopendkim as a signer
};
std::string_view to_string(DkimParty party);

/// How a signature was made.
struct SignatureKind {
  DkimEngine engine = DkimEngine::native;
  DkimKeyType key = DkimKeyType::rsa;
  Canonicalization header = Canonicalization::relaxed;
  Canonicalization body = Canonicalization::relaxed;
  friend auto operator<=>(const SignatureKind&, const SignatureKind&) = default;
};

/// Which signatures a row is about.
enum class DkimScope : uint8_t { any, ed25519, relaxed_header, simple_body, relaxed_body };

enum class WhoIsRight : uint8_t { we, they, either };
std::string_view to_string(WhoIsRight right);

struct DkimDifference {
  DkimParty party;
  DkimScope scope;
  std::vector<OddFeature> features;  ///< the message has one of these; empty: any message
  std::string_view said;             ///< the verdict begins so
  std::string_view section;          ///< of which RFC
  WhoIsRight right;
  std::string_view why;
};

/// The table.
std::span<const DkimDifference> dkim_differences();

/// The first row that explains why `party` said `verdict` ("fail REASON", "neutral REASON") of a
/// signature that was made well; nothing if there is none.
const DkimDifference* explain_difference(DkimParty party, const OddMessage& message,
                                         const SignatureKind& kind, std::string_view verdict);

/// What came of verifying signatures that were made well.
class DkimVerdictCounts {
 public:
  /// `said`: "pass", "fail REASON" and so on. False if that is no pass and no row explains it.
  bool take(DkimParty party, const OddMessage& message, const SignatureKind& kind,
            std::string_view said);
  void add(const DkimVerdictCounts& other);
  uint64_t passes(DkimParty party) const;
  /// Whether the row was needed.
  bool has(const DkimDifference& row) const { return differences_.contains(&row); }
  /// A line for each verifier, and for each row that was needed.
  std::string text() const;

 private:
  std::map<DkimParty, uint64_t> passes_;
  std::map<const DkimDifference*, uint64_t> differences_;
};

}  // namespace signet
