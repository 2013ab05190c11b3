// SPDX-License-Identifier: BSD-2-Clause
//
// SigningRules: who signs a message, and as whom. The SigningTable's first match decides, even if
// its key cannot be used. An author without a match is signed for with the keys of exactly his
// domain (KeyDirectory, or Domain with KeyFile), and with SignSubdomains, if there are none, with
// those of the nearest domain above that has some.

#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/key_store.h"
#include "dns/result.h"
#include "milter/config/config.h"
#include "milter/field/from_field.h"
#include "milter/signing/key_table.h"
#include "milter/signing/sender_logins.h"
#include "milter/signing/signing_table.h"

namespace signet {

/// What was decided for one author.
struct SigningChoice {
  std::vector<SignatureSpec> signatures;  ///< RSA first
  /// What decided: "SigningTable /etc/signet/signing:12 *@example.com", "KeyDirectory example.com",
  /// "SignSubdomains example.com"; empty if nothing did.
  std::string rule;
  std::string unsigned_reason;  ///< without signatures: what was tried
};

/// Constant once loaded; any thread.
class SigningRules {
 public:
  SigningRules() = default;

  /// Reads KeyTable, SigningTable and SenderLogins, as far as the Config names them. The Error
  /// lists all that is wrong in them, `FILE:LINE: ...` each, one a line. Key files that cannot be
  /// used are no error: see KeyTable. At a reload `previous` are the rules until now.
  static Result<SigningRules> load(const Config& config, const SigningRules* previous = nullptr);

  /// `author` has exactly one domain; `keys` are those that the tables do not name.
  SigningChoice choose(const KeyStore& keys, const Author& author) const;

  /// Whether there is a SenderLogins table.
  bool limits_logins() const { return sender_logins_.has_value(); }
  /// A domain of the author's that mail of `login` must not have; null if there is none.
  const Name* forbidden_domain(std::string_view login, const Author& author) const;

  /// Whether a key of the tables signs as that domain (d=).
  bool holds(const Name& domain) const { return signers_.contains(domain); }
  const KeyTable& key_table() const { return key_table_; }
  /// Lines of tables that are of no use, `FILE:LINE: ` and why.
  std::vector<std::string> warnings() const;

 private:
  SigningChoice follow(const SigningTableLine& line, const Name& author) const;
  std::string describe_missing(const Author& author) const;

  std::string signing_table_path_;
  std::optional<SigningTable> signing_table_;
  KeyTable key_table_;
  std::set<Name> signers_;  ///< of the keys whose domain is known
  std::optional<SenderLogins> sender_logins_;
  std::optional<Name> own_domain_;  ///< of KeyFile
  bool sign_subdomains_ = false;
};

}  // namespace signet
