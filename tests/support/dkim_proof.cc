// SPDX-License-Identifier: BSD-2-Clause
//
// Messages go in batches. While the witnesses are at one batch, in processes of their own, our
// verifiers judge it here and the next one is made.

#include "tests/support/dkim_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "crypto/public_key_cache.h"
#include "tests/support/dkim_message.h"
#include "tests/support/dkim_witness.h"

namespace signet {
namespace {

constexpr uint64_t kBatch = 2500;
constexpr size_t kMaxProblems = 20;

constexpr std::pair<bool, bool> kRelaxed[] = {
    {false, false}, {false, true}, {true, false}, {true, true}};

/// The body as a network might cut it: pieces of one size, which differs from message to message.
class Pieces {
 public:
  Pieces(std::string_view body, uint64_t index)
      : rest_(body), size_(std::max<size_t>(index * 7919 % 4096 + 1, body.size() / 256)) {}
  bool empty() const { return rest_.empty(); }
  std::string_view next() {
    const std::string_view piece = rest_.substr(0, size_);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
  const size_t size_;
};

/// What is changed in a copy of a signed message.
enum class Tampering { body, signed_field, from_added, field_removed, signature };
constexpr std::array kTamperings = {Tampering::body, Tampering::signed_field, Tampering::from_added,
                                    Tampering::field_removed, Tampering::signature};

struct Made {
  uint64_t index = 0;
  OddMessage message;                ///< with its signatures on top
  std::vector<SignatureKind> kinds;  ///< of the signatures, from the top
  std::optional<Tampering> tampering;
};

std::string_view to_string(Tampering tampering) {
  constexpr std::string_view kNames[] = {"body", "signed field", "From added", "field removed",
                                         "signature"};
  return kNames[static_cast<size_t>(tampering)];
}

Canonicalization canonicalization(bool relaxed) {
  return relaxed ? Canonicalization::relaxed : Canonicalization::simple;
}

/// The keys of RFC 8463 A.1 under both domains that the messages come from.
class Keys {
 public:
  Keys() {
    for (const std::string_view domain : {kOddDomain, kOddEaiDomain}) {
      for (const auto& [selector, key] :
           {std::pair("rsa", rsa_test_key()), std::pair("ed", ed25519_test_key())}) {
        keys_[{std::string(domain), key.type}] =
            *SigningKey::parse(pem_of(key), *test_name(domain), selector);
        records_[fmt::format("{}._domainkey.{}", selector, domain)] = key.record();
      }
    }
  }
  SignatureSpec spec(const Made& made, DkimKeyType type) const {
    const bool is_eai = made.message.has(OddFeature::eai);
    const auto domain = std::string(is_eai ? kOddEaiDomain : kOddDomain);
    // RFC 6376 2.6: no AUID, a domain below the SDID, or an address.
    const std::string auids[] = {
        "", "@news." + domain,
        is_eai ? "j\xC3\xB6rg@" + std::string(kOddEaiULabels) : "joe+x=y@" + domain};
    return {keys_.at({domain, type}), auids[made.index / 16 % std::size(auids)]};
  }
  const KeyRecords& records() const { return records_; }
  std::string zone() const {
    std::string zone;
    for (const auto& [name, record] : records_) zone += txt_record(name, record);
    return zone;
  }

 private:
  std::map<std::pair<std::string, DkimKeyType>, std::shared_ptr<const SigningKey>> keys_;
  KeyRecords records_;
};

/// RFC 6376 3.5: t= of a signature.
std::optional<std::chrono::sys_seconds> signed_at(const HeaderField& signature) {
  return parse_dkim_signature(signature.value, INT32_MAX).signed_at;
}

/// The reason why a message with these oddities must not be signed; empty if it can be.
std::string_view due_refusal(const OddMessage& message) {
  if (message.has(OddFeature::no_from)) return "the message has 0 From fields";
  if (message.has(OddFeature::two_from)) return "the message has 2 From fields";
  if (message.has(OddFeature::nul_in_signed_field)) return "a header field holds a NUL";
  return {};
}

/// Refusals that depend on more than the oddity alone.
bool is_possible_refusal(const OddMessage& message, std::string_view said) {
  return message.has(OddFeature::many_signed_fields) &&
         said.starts_with("too many header fields to sign: ");
}

/// An octet that no canonicalization touches; npos if there is none.
size_t find_plain_octet(std::string_view text) {
  return text.find_first_of("abcdefghijklmnopqrstuvwxyz0123456789");
}

/// Any field that default_sign_headers() names and that has a plain octet in it.
HeaderField* find_signed_field(OddMessage& message, bool with_text) {
  static const std::vector<std::string> kSigned = default_sign_headers();
  for (HeaderField& field : message.fields) {
    const bool is_signed = std::any_of(kSigned.begin(), kSigned.end(), [&](const std::string& n) {
      return ascii_lower(n) == comparable_name(field);
    });
    if (!is_signed) continue;
    if (!with_text || find_plain_octet(field.value) != std::string::npos) return &field;
  }
  return nullptr;
}

void change_octet(std::string& text, size_t from) {
  const size_t at = from + find_plain_octet(std::string_view(text).substr(from));
  text[at] = text[at] == 'x' ? 'y' : 'x';
}

OddMessage tampered(OddMessage message, Tampering tampering, size_t signatures) {
  switch (tampering) {
    case Tampering::body:
      if (find_plain_octet(message.body) == std::string::npos) {
        message.body += "x\r\n";
      } else {
        change_octet(message.body, 0);
      }
      break;
    case Tampering::signed_field:
      change_octet(find_signed_field(message, true)->value, 0);
      break;
    case Tampering::from_added:
      message.fields.push_back({"From", " eve@example.net"});
      break;
    case Tampering::field_removed:
      message.fields.erase(message.fields.begin() +
                           (find_signed_field(message, false) - message.fields.data()));
      break;
    case Tampering::signature:
      for (size_t i = 0; i < signatures; ++i) {
        std::string& value = message.fields[i].value;
        change_octet(value, value.rfind("b=") + 2);
      }
      break;
  }
  return message;
}

class Proof {
 public:
  explicit Proof(const DkimProofOptions& options) : options_(options), resolver_(keys_.zone()) {}
  DkimProofReport run();

 private:
  struct Batch {
    std::vector<Made> made;
    std::unique_ptr<DkimWitness> dkimpy;
    std::unique_ptr<DkimWitness> mail_dkim;
  };

  Batch make_batch(uint64_t first, uint64_t count);
  std::optional<Made> make(uint64_t index);
  std::string sign(Made& made, DkimEngine engine, std::pair<bool, bool> relaxed,
                   const std::vector<DkimKeyType>& types);
  void add_signature(Made& made, const HeaderField& field, const SignatureKind& kind);
  void check_refusal(const Made& made, std::string_view said);
  void verify_here(const Made& made, DkimParty party, DkimEngine engine);
  void finish_batch(Batch& batch);
  void judge(const Made& made, DkimParty party, const std::vector<std::string>& verdicts);
  void judge_one(const Made& made, DkimParty party, size_t index, const std::string& verdict);
  void note_verdict(const Made& made, DkimParty party, const SignatureKind& kind,
                    std::string_view verdict);
  void note_problem(const Made& made, DkimParty party, std::string_view what);

  const DkimProofOptions options_;
  const Keys keys_;
  const std::shared_ptr<PublicKeyCache> public_keys_ = std::make_shared<PublicKeyCache>();
  ZoneResolver resolver_;
  DkimProofReport report_;
};

DkimProofReport Proof::run() {
  std::optional<Batch> running;
  const uint64_t end = options_.first + options_.count;
  for (uint64_t first = options_.first; first < end; first += kBatch) {
    Batch batch = make_batch(first, std::min(kBatch, end - first));
    if (running) finish_batch(*running);
    running = std::move(batch);
    for (const Made& made : running->made) {
      verify_here(made, DkimParty::native, DkimEngine::native);
      verify_here(made, DkimParty::libopendkim, DkimEngine::libopendkim);
    }
  }
  if (running) finish_batch(*running);
  return report_;
}

Proof::Batch Proof::make_batch(uint64_t first, uint64_t count) {
  Batch batch;
  MessageStream stream;
  const auto add = [&](Made made) {
    stream.add(made.message.wire_text());
    batch.made.push_back(std::move(made));
  };
  for (uint64_t index = first; index < first + count; ++index) {
    auto made = make(index);
    ++report_.messages;
    if (!made) {
      ++report_.refused;
      continue;
    }
    if (index % options_.tampered_one_in == 0) {
      Made copy = *made;
      copy.tampering = kTamperings[index / options_.tampered_one_in % kTamperings.size()];
      copy.message = tampered(std::move(copy.message), *copy.tampering, copy.kinds.size());
      ++report_.tampered;
      add(std::move(copy));
    }
    add(*std::move(made));
  }
  batch.dkimpy = std::make_unique<DkimWitness>(WitnessProgram::dkimpy, keys_.records(), stream);
  batch.mail_dkim =
      std::make_unique<DkimWitness>(WitnessProgram::mail_dkim, keys_.records(), stream);
  return batch;
}

/// Message number `index` with its signatures, or nothing if it was refused.
std::optional<Made> Proof::make(uint64_t index) {
  Made made;
  made.index = index;
  made.message = odd_message(options_.seed, index);
  // Two canonicalizations a message, so that one body is hashed both ways now and then.
  const std::string refusal =
      sign(made, DkimEngine::native, kRelaxed[index % 4], {DkimKeyType::rsa, DkimKeyType::ed25519});
  check_refusal(made, refusal);
  const std::string library_refusal =
      sign(made, DkimEngine::libopendkim, kRelaxed[index / 4 % 4], {DkimKeyType::rsa});
  if (library_refusal != refusal) {
    note_verdict(made, DkimParty::libopendkim_signer, {}, "refuses: " + library_refusal);
  }
  if (made.kinds.empty()) return std::nullopt;
  report_.octets += made.message.wire_text().size();
  return made;
}

/// Puts signatures on top. Returns why not, or nothing.
std::string Proof::sign(Made& made, DkimEngine engine, std::pair<bool, bool> relaxed,
                        const std::vector<DkimKeyType>& types) {
  DkimSignOptions options;
  options.relaxed_header = relaxed.first;
  options.relaxed_body = relaxed.second;
  // A century: the witnesses read the clock.
  options.signature_ttl = std::chrono::hours(24 * 36500);
  std::vector<SignatureSpec> wanted;
  for (const DkimKeyType type : types) wanted.push_back(keys_.spec(made, type));
  const auto signer = make_dkim_signer(engine, options, std::move(wanted));
  // Signatures of the other engine that are there already are not signed.
  for (const HeaderField& field : made.message.fields) signer->header(field);
  signer->end_of_headers();
  if (!signer->refusal().empty()) return signer->refusal();
  for (Pieces body(made.message.body, made.index); !body.empty();) signer->body(body.next());
  const auto signatures = signer->finish(kTestNow);
  if (!signatures) return "does not sign: " + signatures.error();
  for (size_t i = 0; i < signatures->size(); ++i) {
    add_signature(
        made, (*signatures)[i],
        {engine, types[i], canonicalization(relaxed.first), canonicalization(relaxed.second)});
  }
  return {};
}

void Proof::add_signature(Made& made, const HeaderField& field, const SignatureKind& kind) {
  // Only the library takes t= from the system's clock.
  if (kind.engine == DkimEngine::libopendkim && signed_at(field) == kTestNow) {
    note_verdict(made, DkimParty::libopendkim_signer, kind, "left to OpenSSL");
  }
  ++report_.signatures[kind];
  made.kinds.insert(made.kinds.begin(), kind);
  made.message.fields.insert(made.message.fields.begin(), field);
}

/// A message is refused for what is odd about it, and for nothing else.
void Proof::check_refusal(const Made& made, std::string_view said) {
  const std::string_view due = due_refusal(made.message);
  const bool is_right = said == due || (due.empty() && is_possible_refusal(made.message, said));
  if (is_right) return;
  note_problem(made, DkimParty::native,
               fmt::format("refuses with \"{}\", not with \"{}\"", said, due));
}

void Proof::verify_here(const Made& made, DkimParty party, DkimEngine engine) {
  DkimVerifyOptions options;
  options.maximum_header_fields = 3000;
  options.maximum_signed_fields = 2000;
  const auto budget = std::make_shared<LookupBudget>(
      std::chrono::steady_clock::now() + std::chrono::seconds(60), 204);
  const auto verifier = make_dkim_verifier(engine, options, resolver_, budget, public_keys_);
  auto now = kTestNow;
  for (const HeaderField& field : made.message.fields) {
    if (field.name == "DKIM-Signature") now = std::max(now, signed_at(field).value_or(now));
    verifier->header(field);
  }
  verifier->end_of_headers(std::nullopt);
  for (Pieces body(made.message.body, made.index); !body.empty();) verifier->body(body.next());
  std::vector<std::string> verdicts;
  for (const DkimVerdict& verdict : verifier->finish(now)) {
    verdicts.push_back(verdict.result == DkimResult::pass
                           ? "pass"
                           : fmt::format("{} {}", to_string(verdict.result), verdict.reason));
  }
  judge(made, party, verdicts);
}

void Proof::finish_batch(Batch& batch) {
  const auto dkimpy = batch.dkimpy->finish();
  const auto mail_dkim = batch.mail_dkim->finish();
  for (size_t i = 0; i < batch.made.size(); ++i) {
    judge(batch.made[i], DkimParty::dkimpy, dkimpy[i]);
    judge(batch.made[i], DkimParty::mail_dkim, mail_dkim[i]);
  }
}

void Proof::judge(const Made& made, DkimParty party, const std::vector<std::string>& verdicts) {
  for (size_t i = 0; i < made.kinds.size(); ++i) {
    // Who could not read a message has one word for all its signatures.
    const bool has_own = verdicts.size() == made.kinds.size();
    judge_one(made, party, i, has_own || verdicts.empty() ? verdicts.at(i) : verdicts.front());
  }
}

void Proof::judge_one(const Made& made, DkimParty party, size_t index, const std::string& verdict) {
  if (made.tampering) {
    if (verdict != "pass") return;
    return note_problem(made, party,
                        fmt::format("passes though tampered with: {}", to_string(*made.tampering)));
  }
  note_verdict(made, party, made.kinds[index], verdict);
}

void Proof::note_verdict(const Made& made, DkimParty party, const SignatureKind& kind,
                         std::string_view verdict) {
  if (report_.verdicts.take(party, made.message, kind, verdict)) return;
  note_problem(made, party,
               fmt::format("{} {} {}/{}: {}", to_string(kind.engine), to_string(kind.key),
                           to_string(kind.header), to_string(kind.body), verdict));
}

void Proof::note_problem(const Made& made, DkimParty party, std::string_view what) {
  ++report_.unexplained;
  if (report_.problems.size() >= kMaxProblems) return;
  std::string features;
  for (size_t i = 0; i < kOddFeatureCount; ++i) {
    if (!made.message.features.test(i)) continue;
    (features += ' ') += to_string(static_cast<OddFeature>(i));
  }
  report_.problems.push_back(fmt::format("seed {} message {} {}: {} ({} )", options_.seed,
                                         made.index, to_string(party), what, features));
}

}  // namespace

uint64_t DkimProofReport::signature_count() const {
  uint64_t count = 0;
  for (const auto& [kind, number] : signatures) count += number;
  return count;
}

void DkimProofReport::add(const DkimProofReport& other) {
  messages += other.messages;
  octets += other.octets;
  refused += other.refused;
  tampered += other.tampered;
  for (const auto& [kind, number] : other.signatures) signatures[kind] += number;
  verdicts.add(other.verdicts);
  unexplained += other.unexplained;
  for (const std::string& problem : other.problems) {
    if (problems.size() < kMaxProblems) problems.push_back(problem);
  }
}

std::string DkimProofReport::text() const {
  std::string text = fmt::format(
      "{} messages of {} octets, {} of them refused; {} signatures; {} tampered copies\n", messages,
      octets, refused, signature_count(), tampered);
  for (const auto& [kind, number] : signatures) {
    text += fmt::format("  {:>8} signed by {}, {}, {}/{}\n", number, to_string(kind.engine),
                        to_string(kind.key), to_string(kind.header), to_string(kind.body));
  }
  text += verdicts.text();
  text += fmt::format("{} unexplained\n", unexplained);
  for (const std::string& problem : problems) text += "  " + problem + "\n";
  return text;
}

DkimProofReport prove_dkim(const DkimProofOptions& options) { return Proof(options).run(); }

}  // namespace signet
