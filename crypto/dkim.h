// SPDX-License-Identifier: BSD-2-Clause
//
// DKIM (RFC 6376, 8301, 8463) as the rest of the program sees it: a verifier and a signer that a
// message is streamed through. No library's type appears here. One object serves one message, one
// thread at a time (the thread may change between calls); different objects are independent.
//
// Order of calls: header() for each field from the top, end_of_headers(), body() any number of
// times, finish() once. The result never depends on how the body was cut into pieces. Dropping an
// object at any point is fine.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key.h"
#include "crypto/message.h"
#include "dns/limit.h"
#include "dns/name.h"
#include "dns/resolver.h"
#include "dns/result.h"
#include "dns/tag_list.h"

namespace signet {

class PublicKeyCache;

/// RFC 8601 2.7.1
enum class DkimResult { none, pass, fail, policy, neutral, temperror, permerror };
std::string_view to_string(DkimResult result);

/// Who does the cryptography (DKIMEngine). The strict gate in front of it, and what stands in a
/// verdict, is the same for both.
enum class DkimEngine {
  native,      ///< our canonicalization and OpenSSL
  libopendkim  ///< libopendkim's, wherever it can be trusted with the message
};
std::string_view to_string(DkimEngine engine);

/// Limits and choices for verifying; one Config's worth, shared by all messages.
struct DkimVerifyOptions {
  int minimum_key_bits = 1024;            ///< RFC 8301 3.2
  int maximum_key_bits = 4096;            ///< more costs too much CPU
  std::chrono::seconds clock_drift{300};  ///< tolerance for t= and x=
  int maximum_signatures = 8;             ///< evaluated per message; aligned ones first
  int maximum_signatures_present = 50;    ///< with more than this, none is evaluated
  int maximum_signed_fields = 300;        ///< names in h=
  int maximum_header_fields = 2000;       ///< fields taken into account
  /// Of all fields. Each of the signatures evaluated may name them all, so this, times
  /// maximum_signatures, is what has to be canonicalized and hashed before the body.
  int maximum_header_octets = 4 * 1024 * 1024;
  int maximum_tag_list_octets = kMaxTagListOctets;  ///< of a signature field, and of a key record
  /// Different pairs of body canonicalization and l=; simple and relaxed, each with and without l=,
  /// make four. However many they are, a body is canonicalized and hashed at most twice; but
  /// libopendkim does both once for each.
  int maximum_body_hashes = 4;
  /// Of a body, for all its hashes together, that libopendkim is given to canonicalize; what is
  /// longer the native engine judges. Each octet may take the library 10 ns. By default what
  /// Postfix's message_size_limit lets through, once.
  size_t maximum_library_octets = size_t{10} * 1024 * 1024;
  bool unsigned_bytes_pass = false;  ///< l= that leaves octets unsigned: pass instead of policy
};

/// The verdict on one DKIM-Signature field.
struct DkimVerdict {
  DkimResult result = DkimResult::none;
  std::string reason;           ///< one line for a postmaster: "body hash differs", "key revoked"
  std::optional<Limit> limit;   ///< that was reached, if that is the reason
  Name domain;                  ///< d=, as A-labels; the root if it did not parse
  std::string identity;         ///< i= as written, or "@" + d=
  std::string selector;         ///< s=
  std::string algorithm;        ///< a=: "rsa-sha256", "ed25519-sha256"
  std::string signature_start;  ///< first octets of b=, base64 (RFC 6008): at least 8, at most 16
  int key_bits = 0;             ///< of the public key; 0 if it was not seen
  bool testing = false;         ///< the key record says t=y
};

/// Verifies every acceptable DKIM-Signature of one message.
class DkimVerifier {
 public:
  virtual ~DkimVerifier() = default;
  /// A DKIM-Signature field starts its key lookup here.
  virtual void header(const HeaderField& field) = 0;
  /// `author`: the Author Domain if there is exactly one; its signatures are evaluated first.
  virtual void end_of_headers(const std::optional<Name>& author) = 0;
  /// After end_of_headers(): d= of each signature that will be evaluated.
  virtual std::vector<Name> domains() const = 0;
  /// After end_of_headers(): a key that finish() would wait for; nullptr: it would not wait.
  virtual Lookup* open_question() = 0;
  /// Octets of the body, CRLF line ends, cut anywhere.
  virtual void body(std::string_view octets) = 0;
  /// One verdict per DKIM-Signature, in order of the fields; empty if there were none. With more
  /// than maximum_signatures_present there is a single one that says so, result `policy`. Waits for
  /// keys until the budget's deadline.
  virtual std::vector<DkimVerdict> finish(std::chrono::sys_seconds now) = 0;
};

/// SignHeaders: the fields that are signed when they are present. RFC 6376 5.4.1, and the MIME
/// fields that decide what is shown.
std::vector<std::string> default_sign_headers();
/// OversignHeaders: named once more than they are present, so that none can be added (RFC 6376 5.4,
/// 8.15).
std::vector<std::string> default_oversign_headers();

/// Choices for signing; one Config's worth. The lists hold field names, case aside; what they
/// choose is told in crypto/signed_fields.h, with the fields that are never signed.
struct DkimSignOptions {
  bool relaxed_header = true;  ///< Canonicalization, RFC 6376 3.4
  bool relaxed_body = true;
  std::chrono::seconds signature_ttl{7 * 24 * 3600};               ///< x= is now + this; 0: no x=
  std::vector<std::string> sign_headers = default_sign_headers();  ///< From is signed in any case
  std::vector<std::string> oversign_headers = default_oversign_headers();  ///< From in any case
};

/// One signature to make.
struct SignatureSpec {
  std::shared_ptr<const SigningKey> key;  ///< with the SDID (d=) and the selector
  /// i= (RFC 6376 2.6): an address, or "@" and a domain; UTF-8 and U-labels are fine. Empty: no i=,
  /// nor is there one for what is not within d= or can't stand in the tag, see write_identity().
  std::string auid;
};

/// Makes one DKIM-Signature per SignatureSpec.
class DkimSigner {
 public:
  virtual ~DkimSigner() = default;
  virtual void header(const HeaderField& field) = 0;
  virtual void end_of_headers() = 0;
  /// After end_of_headers(): why this message is not to be signed; empty if it can be. The reason
  /// lies in its header, so it is the same at every other try.
  virtual const std::string& refusal() const = 0;
  virtual void body(std::string_view octets) = 0;
  /// DKIM-Signature fields to put on top of the message, the last one topmost. Each has been
  /// read back: From is in h=, every tag is what it should be, and a recipient hashes what was
  /// signed. What libopendkim signed is verified with the key's public half too. The Error is the
  /// refusal(), or says which key failed and why; then nothing must be signed.
  virtual Result<std::vector<HeaderField>> finish(std::chrono::sys_seconds now) = 0;
};

/// `resolver` must outlive it. `keys` remembers parsed public keys for all messages; without it
/// each is parsed anew.
std::unique_ptr<DkimVerifier> make_dkim_verifier(DkimEngine engine,
                                                 const DkimVerifyOptions& options,
                                                 Resolver& resolver,
                                                 std::shared_ptr<LookupBudget> budget,
                                                 std::shared_ptr<PublicKeyCache> keys = nullptr);

/// A signer for one message: one signature for each of `wanted`, in that order. t= is `now` of
/// finish(), d= and s= are written as A-labels, and there is never an l=. With
/// DkimEngine::libopendkim, RSA keys are signed with the library as long as it takes the options
/// and its signature holds; t= is then the system's time when the header had ended. Ed25519 keys
/// are signed with OpenSSL in any case (Debian's libopendkim leaks memory for each of those).
std::unique_ptr<DkimSigner> make_dkim_signer(DkimEngine engine, const DkimSignOptions& options,
                                             std::vector<SignatureSpec> wanted);

/// libopendkim's version and that of the OpenSSL it uses, for `signet-milter -V`.
std::string dkim_library_versions();

}  // namespace signet
