// SPDX-License-Identifier: BSD-2-Clause
//
// What is right is said by tables: who the clients are, how they are served, and which oddities are
// reasons not to sign. The tags of a signature are read here without the parser under test.

#include "tests/support/signing_integrity.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>

#include "milter/session.h"
#include "tests/support/dkim_message.h"
#include "tests/support/dkim_witness.h"
#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

constexpr size_t kMaxProblems = 20;
constexpr uint64_t kBatch = 10'000;
/// A century would be too long for SignatureTTL, and the witnesses read the clock: no x=.
constexpr const char* kConfig =
    "DNSData {0}/zone\nKeyDirectory {0}/keys\nKeyCheckInterval 0\nSignatureTTL 0\n"
    "InternalHosts 198.51.100.0/24\nSigningListeners submission\nVerifyingListeners relay\n";

/// Which clients may have mail signed.
enum class Right { none, always, unless_logins_count };

struct ClientRow {
  const char* address;  ///< empty: unknown
  const char* login;
  const char* listener;
  Right right;
};
constexpr ClientRow kClients[] = {
    {"198.51.100.7", "", "smtpd", Right::always},
    {"203.0.113.9", "joe", "smtpd", Right::always},
    {"203.0.113.9", "", "submission", Right::always},
    {"203.0.113.9", "eve", "smtpd", Right::unless_logins_count},
    {"198.51.100.7", "eve", "submission", Right::unless_logins_count},
    {"203.0.113.9", "", "smtpd", Right::none},
    {"203.0.113.9", "", "", Right::none},
    {"", "", "smtpd", Right::none},
    {"198.51.100.7", "", "relay", Right::none},
};

/// What stands in From in place of the domain we hold keys for.
constexpr std::string_view kForeignDomains[] = {"example.org", "sub.example.com",
                                                "example.com.example.net", "xample.com"};

/// One way to be served: a configuration.
struct Way {
  const char* options;
  SignatureKind kind;  ///< of its RSA signatures
  bool logins_count;
  bool fragile_lines_refused;
};
constexpr auto kRelaxed = Canonicalization::relaxed;
constexpr auto kSimple = Canonicalization::simple;
const Way kWays[] = {
    {"", {DkimEngine::native, DkimKeyType::rsa, kRelaxed, kRelaxed}, false, false},
    {"Canonicalization simple/simple\n",
     {DkimEngine::native, DkimKeyType::rsa, kSimple, kSimple},
     false,
     false},
    {"Canonicalization simple/relaxed\nSenderLogins {0}/logins\nBareNewlines refuse\n"
     "LongLines refuse\n",
     {DkimEngine::native, DkimKeyType::rsa, kSimple, kRelaxed},
     true,
     true},
    {"DKIMEngine libopendkim\n",
     {DkimEngine::libopendkim, DkimKeyType::rsa, kRelaxed, kRelaxed},
     false,
     false},
};
constexpr const char* kLogins = "joe *\neve example.org\n";

/// Oddities that may leave a message of ours unsigned.
constexpr OddFeature kReasons[] = {OddFeature::no_from, OddFeature::two_from,
                                   OddFeature::nul_in_signed_field, OddFeature::many_signed_fields,
                                   OddFeature::space_before_colon};
/// And those that may where fragile lines are refused.
constexpr OddFeature kFragile[] = {
    OddFeature::bare_cr_in_body,  OddFeature::bare_lf_in_body, OddFeature::cr_before_crlf,
    OddFeature::bare_cr_in_field, OddFeature::line_of_998,     OddFeature::line_of_999,
    OddFeature::line_of_64k,      OddFeature::huge_word,       OddFeature::long_field};

template <size_t kCount>
bool has_one_of(const OddMessage& message, const OddFeature (&features)[kCount]) {
  return std::any_of(std::begin(features), std::end(features),
                     [&](OddFeature feature) { return message.has(feature); });
}

/// A message on its way out: who sends it, and how it is served.
struct Outgoing {
  uint64_t index = 0;
  const ClientRow* client = nullptr;
  const Way* way = nullptr;
  bool is_ours = true;  ///< we hold keys for the domain in From
  OddMessage message;   ///< with its signatures on top once it is signed
  std::vector<SignatureKind> kinds;

  bool has_right() const {
    return client->right == Right::always ||
           (client->right == Right::unless_logins_count && !way->logins_count);
  }
  bool may_stay_unsigned() const {
    return has_one_of(message, kReasons) ||
           (way->fragile_lines_refused && has_one_of(message, kFragile));
  }
  std::string_view domain() const {
    return message.has(OddFeature::eai) ? kOddEaiDomain : kOddDomain;
  }
};

Outgoing make_outgoing(uint64_t seed, uint64_t index) {
  std::mt19937_64 dice(seed << 40 | index);
  Outgoing outgoing;
  outgoing.index = index;
  outgoing.client = &kClients[dice() % std::size(kClients)];
  outgoing.way = &kWays[index % std::size(kWays)];
  outgoing.message = odd_message(seed, index);
  if (dice() % 5 != 0 || outgoing.message.has(OddFeature::eai)) return outgoing;
  outgoing.is_ours = false;
  const std::string_view domain = kForeignDomains[dice() % std::size(kForeignDomains)];
  for (HeaderField& field : outgoing.message.fields) {
    if (comparable_name(field) != "from") continue;
    field.value = replace_all(field.value, kOddDomain, domain);
  }
  return outgoing;
}

Client client_of(const ClientRow& row) {
  Client client;
  client.auth_login = row.login;
  client.auth_type = client.auth_login.empty() ? "" : "PLAIN";
  client.listener = row.listener;
  return client;
}

/// The tags of a signature by name, white space taken out.
std::map<std::string, std::string> tags_of(const HeaderField& signature) {
  std::string text = signature.value;
  std::erase_if(
      text, [](char c) { return std::string_view(" \t\r\n").find(c) != std::string_view::npos; });
  std::map<std::string, std::string> tags;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find(';', start), text.size());
    const std::string tag = text.substr(start, end - start);
    const size_t equals = tag.find('=');
    if (equals != std::string::npos) tags[tag.substr(0, equals)] = tag.substr(equals + 1);
    start = end + 1;
  }
  return tags;
}

/// What is wrong with the tags; empty if all is well.
std::string tag_problem(const HeaderField& signature, std::string_view domain) {
  auto tags = tags_of(signature);
  const std::string names = ":" + ascii_lower(tags["h"]) + ":";
  const size_t first = names.find(":from:");
  // RFC 6376 5.4: once for the field, once more against another.
  if (first == std::string::npos || names.find(":from:", first + 1) == std::string::npos) {
    return "From is not signed and oversigned: h=" + tags["h"];
  }
  if (tags.contains("l")) return "l= is there";
  if (tags["d"] != domain) return "d=" + tags["d"];
  return {};
}

/// The first words of a reason, which tell its kind.
std::string kind_of(const std::string& reason) {
  std::istringstream words(reason);
  std::string kind;
  std::string word;
  for (int i = 0; i < 3 && words >> word; ++i) {
    const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
    kind += (is_number ? "N" : word) + " ";
  }
  return kind + "...";
}

class Proof {
 public:
  explicit Proof(const SigningIntegrityOptions& options);
  SigningIntegrityReport run();

 private:
  std::vector<Action> serve(const Outgoing& outgoing, MessageReport& told);
  void judge(Outgoing outgoing);
  void judge_signed(Outgoing& outgoing);
  void judge_unsigned(const Outgoing& outgoing, const MessageReport& told);
  void verify_here(const Outgoing& outgoing, DkimParty party, DkimEngine engine);
  void ask_witnesses();
  void count(const Outgoing& outgoing, DkimParty party, const std::vector<std::string>& verdicts);
  void note(const Outgoing& outgoing, std::string_view what);

  const SigningIntegrityOptions options_;
  TemporaryFolder folder_;
  KeyRecords records_;
  std::unique_ptr<ZoneResolver> resolver_;
  std::vector<std::unique_ptr<RuntimeSlot>> runtimes_;  // as kWays
  Background background_{2};
  std::vector<Outgoing> witnessed_;
  SigningIntegrityReport report_;
};

Proof::Proof(const SigningIntegrityOptions& options) : options_(options) {
  std::string zone = ". 3600 IN SOA ns.example. hostmaster.example. 1 1 1 1 1\n";
  for (const std::string_view domain : {kOddDomain, kOddEaiDomain}) {
    for (const auto& [selector, key] :
         {std::pair("rsa", rsa_test_key()), std::pair("ed", ed25519_test_key())}) {
      const std::string name = fmt::format("{}._domainkey.{}", selector, domain);
      folder_.write(fmt::format("keys/{}/{}.pem", domain, selector), pem_of(key));
      records_[name] = key.record();
      zone += txt_record(name, key.record());
    }
  }
  folder_.write("zone", zone);
  folder_.write("logins", kLogins);
  resolver_ = std::make_unique<ZoneResolver>(zone);
  for (const Way& way : kWays) {
    const std::string text =
        replace_all(std::string(kConfig) + way.options, "{0}", folder_.path().string());
    auto config = parse_config(text, "config");
    if (const auto* errors = std::get_if<ConfigErrors>(&config)) {
      throw std::runtime_error(errors->lines.front());
    }
    auto runtime = build_runtime(std::get<Config>(std::move(config)));
    if (!runtime) throw std::runtime_error(runtime.error());
    runtimes_.push_back(std::make_unique<RuntimeSlot>(*std::move(runtime)));
  }
}

SigningIntegrityReport Proof::run() {
  for (uint64_t index = 0; index < options_.count; ++index) {
    ++report_.messages;
    judge(make_outgoing(options_.seed, index));
    if (index % kBatch == kBatch - 1) ask_witnesses();
  }
  ask_witnesses();
  return report_;
}

std::vector<Action> Proof::serve(const Outgoing& outgoing, MessageReport& told) {
  const RuntimeSlot& runtime = *runtimes_[static_cast<size_t>(outgoing.way - kWays)];
  Session session(runtime, background_);
  const auto address = parse_ip_address(outgoing.client->address);
  session.connect(address ? std::optional(*address) : std::nullopt, "mx.example.net");
  session.helo("client.example.net");
  session.mail_from("<joe@example.com>", client_of(*outgoing.client), kTestNow);
  for (const HeaderField& field : outgoing.message.fields) session.header(field.name, field.value);
  session.end_of_headers();
  const size_t piece = outgoing.index * 7919 % 65'535 + 1;
  for (size_t i = 0; i < outgoing.message.body.size(); i += piece) {
    session.body(std::string_view(outgoing.message.body).substr(i, piece));
  }
  std::vector<Action> actions = session.end_of_message("4XYZ", kTestNow);
  told = session.report();
  return actions;
}

void Proof::judge(Outgoing outgoing) {
  MessageReport told;
  size_t signatures = 0;
  for (const Action& action : serve(outgoing, told)) {
    const auto* inserted = std::get_if<InsertHeader>(&action);
    if (inserted == nullptr || inserted->name != "DKIM-Signature") continue;
    ++signatures;
    outgoing.message.fields.insert(outgoing.message.fields.begin(),
                                   {inserted->name, inserted->value});
  }
  if (!outgoing.has_right()) {
    ++report_.without_right;
    if (signatures > 0) note(outgoing, "signed for a client without the right");
    if (outgoing.client->right == Right::none && told.role.outbound) {
      note(outgoing, "taken for ours: " + told.role.rule);
    }
    return;
  }
  if (signatures == 0) return judge_unsigned(outgoing, told);
  judge_signed(outgoing);
}

void Proof::judge_unsigned(const Outgoing& outgoing, const MessageReport& told) {
  if (!told.outbound) return note(outgoing, "not taken for ours: " + told.role.rule);
  const std::string& reason = told.outbound->unsigned_reason;
  if (reason.empty()) return note(outgoing, "no reason: " + told.outbound->failure);
  ++report_.unsigned_why[kind_of(reason)];
  if (outgoing.is_ours && !outgoing.may_stay_unsigned()) note(outgoing, reason);
}

void Proof::judge_signed(Outgoing& outgoing) {
  ++report_.signed_messages;
  if (!outgoing.is_ours) note(outgoing, "signed for a domain that is not ours");
  for (const HeaderField& field : outgoing.message.fields) {
    if (field.name != "DKIM-Signature") break;
    ++report_.signatures;
    SignatureKind kind = outgoing.way->kind;
    if (tags_of(field)["a"] == "ed25519-sha256") kind.key = DkimKeyType::ed25519;
    outgoing.kinds.push_back(kind);
    const std::string problem = tag_problem(field, outgoing.domain());
    if (!problem.empty()) note(outgoing, problem);
  }
  if (outgoing.kinds.size() != 2) note(outgoing, "not signed with both keys");
  verify_here(outgoing, DkimParty::native, DkimEngine::native);
  verify_here(outgoing, DkimParty::libopendkim, DkimEngine::libopendkim);
  if (report_.signed_messages % options_.witnessed_one_in == 0) {
    witnessed_.push_back(std::move(outgoing));
  }
}

void Proof::verify_here(const Outgoing& outgoing, DkimParty party, DkimEngine engine) {
  DkimVerifyOptions options;
  options.maximum_header_fields = 3000;
  options.maximum_signed_fields = 2000;
  // Where libopendkim signs t= is the system's clock.
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::vector<std::string> verdicts;
  for (const DkimVerdict& verdict :
       verify_message({outgoing.message.fields, outgoing.message.body}, *resolver_, std::nullopt,
                      options, std::max(now, kTestNow), 4096, engine)) {
    verdicts.push_back(verdict.result == DkimResult::pass ? "pass" : words(verdict));
  }
  count(outgoing, party, verdicts);
}

void Proof::ask_witnesses() {
  if (witnessed_.empty()) return;
  MessageStream stream;
  for (const Outgoing& outgoing : witnessed_) stream.add(outgoing.message.wire_text());
  DkimWitness dkimpy(WitnessProgram::dkimpy, records_, stream);
  DkimWitness mail_dkim(WitnessProgram::mail_dkim, records_, stream);
  const auto of_dkimpy = dkimpy.finish();
  const auto of_mail_dkim = mail_dkim.finish();
  for (size_t i = 0; i < witnessed_.size(); ++i) {
    count(witnessed_[i], DkimParty::dkimpy, of_dkimpy[i]);
    count(witnessed_[i], DkimParty::mail_dkim, of_mail_dkim[i]);
  }
  witnessed_.clear();
}

void Proof::count(const Outgoing& outgoing, DkimParty party,
                  const std::vector<std::string>& verdicts) {
  for (size_t i = 0; i < outgoing.kinds.size(); ++i) {
    // Who could not read a message has one word for all its signatures.
    const bool has_own = verdicts.size() == outgoing.kinds.size();
    const std::string verdict = has_own ? verdicts[i] : verdicts.empty() ? "none" : verdicts[0];
    if (report_.verdicts.take(party, outgoing.message, outgoing.kinds[i], verdict)) continue;
    note(outgoing, fmt::format("{}: {}", to_string(party), verdict));
  }
}

void Proof::note(const Outgoing& outgoing, std::string_view what) {
  if (++report_.problem_count > kMaxProblems) return;
  std::string features;
  for (size_t i = 0; i < kOddFeatureCount; ++i) {
    if (!outgoing.message.features.test(i)) continue;
    (features += ' ') += to_string(static_cast<OddFeature>(i));
  }
  report_.problems.push_back(fmt::format("seed {} message {}, client {} {} {}, way {}: {} ({} )",
                                         options_.seed, outgoing.index, outgoing.client->address,
                                         outgoing.client->login, outgoing.client->listener,
                                         outgoing.way - kWays, what, features));
}

}  // namespace

std::string SigningIntegrityReport::text() const {
  std::string text =
      fmt::format("{} messages: {} signed with {} signatures, {} of clients without the right\n",
                  messages, signed_messages, signatures, without_right);
  for (const auto& [reason, number] : unsigned_why) {
    text += fmt::format("  {:>8} unsigned: {}\n", number, reason);
  }
  text += verdicts.text();
  text += fmt::format("{} problems\n", problem_count);
  for (const std::string& problem : problems) text += "  " + problem + "\n";
  return text;
}

SigningIntegrityReport prove_signing_integrity(const SigningIntegrityOptions& options) {
  return Proof(options).run();
}

}  // namespace signet
