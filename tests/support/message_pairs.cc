// SPDX-License-Identifier: BSD-2-Clause
//
// Everything about a pair follows from the seed and its number. A signature holds the time of its
// making, so a pair is repeated if the clock's second turned meanwhile.

#include "tests/support/message_pairs.h"

#include <fmt/format.h>

#include <array>
#include <random>

#include "tests/support/cast.h"
#include "tests/support/daemon_process.h"
#include "tests/support/dkim_message.h"
#include "tests/support/odd_messages.h"

namespace signet {
namespace {

constexpr size_t kMaxProblems = 10;
constexpr int kMaxTries = 5;
/// Postfix cuts a field there.
constexpr size_t kFieldOctets = 60'000;

struct ClientRow {
  const char* name;
  const char* address;  ///< empty: unknown
  const char* listener;
};
constexpr ClientRow kClients[] = {
    {"mail.example.com", "192.0.2.1", "smtpd"},       // SPF pass
    {"other.example.org", "203.0.113.9", "smtpd"},    // SPF fail
    {"mail.example.com", "2001:db8::1", "smtpd"},     // SPF pass
    {"unknown", "203.0.113.10", "smtpd"},             // without a name
    {"nowhere", "", "smtpd"},                         // without an address
    {"inside.example.com", "198.51.100.7", "smtpd"},  // InternalHosts
    {"laptop", "203.0.113.11", "submission"},         // SigningListeners
};
constexpr const char* kSenders[] = {"<joe@example.com>", "<>",
                                    "<eve@example.net>", "<joe@b\xC3\xBC\x63her.example>",
                                    "not an address",    "<\"a b\"@sub.example.com>"};
constexpr const char* kLogins[] = {"", "", "", "", "joe", "eve"};
constexpr const char* kForged[] = {" mx.example.org; dmarc=pass header.from=example.com",
                                   " mx.example.org 1; spf=pass", " (x) \"mx.example.org\"; none",
                                   " other.example; dkim=pass"};

constexpr const char* kZone =
    ". 3600 IN SOA ns.example. hostmaster.example. 1 1 1 1 1\n"
    "example.com. 3600 IN TXT \"v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 -all\"\n"
    "_dmarc.example.com. 3600 IN TXT \"v=DMARC1\\; p=reject\"\n"
    "xn--bcher-kva.example. 3600 IN TXT \"v=spf1 include:example.com ~all\"\n"
    "_dmarc.xn--bcher-kva.example. 3600 IN TXT \"v=DMARC1\\; p=quarantine\"\n"
    "mail.example.com. 3600 IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";

constexpr const char* kConfig =
    "AuthservID {0}\nDNSData {1}/zone\nKeyDirectory {1}/keys\n"
    "InternalHosts 198.51.100.0/24\nSigningListeners submission\n";

std::string_view domain_of(const OddMessage& message) {
  return message.has(OddFeature::eai) ? kOddEaiDomain : kOddDomain;
}

/// As a stranger would have signed it; as it is if it cannot be signed.
void sign(OddMessage& message) {
  const auto key = SigningKey::parse(pem_of(rsa_test_key()), *test_name(domain_of(message)), "s1");
  const auto signer = make_dkim_signer(DkimEngine::native, {}, {SignatureSpec{*key, {}}});
  for (const HeaderField& field : message.fields) signer->header(field);
  signer->end_of_headers();
  if (!signer->refusal().empty()) return;
  signer->body(message.body);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto signatures = signer->finish(now);
  if (signatures) message.fields.insert(message.fields.begin(), signatures->front());
}

/// A field as Postfix hands it over: cut at a NUL and after kFieldOctets, folds with LF.
std::pair<std::string, std::string> as_postfix_has_it(const HeaderField& field) {
  std::string value = replace_all(field.value, "\r\n", "\n");
  value = value.substr(0, std::min(value.find('\0'), kFieldOctets));
  return {field.name, value};
}

/// What happens between the two messages.
enum class Between { nothing, abort, helo };

struct Pair {
  MilterClientInfo client;
  Between between = Between::nothing;
  std::array<MilterMessage, 2> messages;
};

/// Pair number `index` of a seed.
class PairMaker {
 public:
  PairMaker(uint64_t seed, uint64_t index)
      : seed_(seed), index_(index), dice_(seed << 32 | index) {}

  Pair make() {
    Pair pair;
    const ClientRow& row = pick(kClients);
    pair.client.name = pair.client.helo = row.name;
    pair.client.address = row.address;
    pair.client.macros = {{"j", "mx.example.org"}, {"{daemon_name}", row.listener}};
    pair.between = static_cast<Between>(dice_() % 3);
    for (size_t i = 0; i < 2; ++i) pair.messages[i] = make_message(2 * index_ + i);
    return pair;
  }

 private:
  template <class Row, size_t kRows>
  const Row& pick(const Row (&table)[kRows]) {
    return table[dice_() % kRows];
  }

  MilterMessage make_message(uint64_t number) {
    OddMessage odd = odd_message(seed_, number);
    if (dice_() % 3 == 0) sign(odd);
    if (dice_() % 5 == 0) {
      odd.fields.insert(odd.fields.begin(), {"Authentication-Results", pick(kForged)});
    }
    MilterMessage message;
    message.sender = pick(kSenders);
    message.queue_id = fmt::format("Q{}", number);
    const std::string login = pick(kLogins);
    message.mail_macros = {{"{mail_addr}", message.sender}};
    if (!login.empty()) {
      message.mail_macros.insert(message.mail_macros.end(),
                                 {{"{auth_type}", "PLAIN"}, {"{auth_authen}", login}});
    }
    for (const HeaderField& field : odd.fields) message.headers.push_back(as_postfix_has_it(field));
    message.body = odd.body;
    return message;
  }

  const uint64_t seed_;
  const uint64_t index_;
  std::mt19937_64 dice_;
};

template <class Value>
Value need(Result<Value> result) {
  if (!result) throw std::runtime_error(result.error());
  return *std::move(result);
}

class Comparison {
 public:
  explicit Comparison(const MessagePairsOptions& options) : options_(options) {
    std::string zone = kZone;
    for (const std::string_view domain : {kOddDomain, kOddEaiDomain}) {
      folder_.write(fmt::format("keys/{}/s1.pem", domain), pem_of(rsa_test_key()));
      zone += txt_record(fmt::format("s1._domainkey.{}", domain), rsa_test_key().record());
    }
    folder_.write("zone", zone);
  }

  MessagePairsReport run() {
    DaemonProcess daemon(options_.build, folder_,
                         fmt::format(kConfig, kCastAuthservId, folder_.path().string()));
    socket_ = daemon.socket();
    for (uint64_t i = 0; i < options_.pairs; ++i) compare(i);
    report_.exit_status = daemon.stop();
    const std::string findings = daemon.sanitizer_findings();
    if (!findings.empty()) note(findings);
    return report_;
  }

 private:
  using Outcomes = std::array<MilterOutcome, 2>;

  MilterConversation open(const Pair& pair) const {
    MilterConversation talk(need(MilterClient::connect(socket_)));
    need(talk.negotiate());
    need(talk.open(pair.client));
    return talk;
  }

  Outcomes on_one_connection(const Pair& pair) const {
    MilterConversation talk = open(pair);
    Outcomes outcomes;
    outcomes[0] = need(talk.message(pair.messages[0]));
    if (pair.between == Between::abort) need(talk.abort());
    if (pair.between == Between::helo) need(talk.helo(pair.client.helo));
    outcomes[1] = need(talk.message(pair.messages[1]));
    need(talk.quit());
    return outcomes;
  }

  Outcomes on_fresh_connections(const Pair& pair) const {
    Outcomes outcomes;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      MilterConversation talk = open(pair);
      outcomes[i] = need(talk.message(pair.messages[i]));
      need(talk.quit());
    }
    return outcomes;
  }

  static std::string describe(const Outcomes& outcomes, Times times) {
    return description(outcomes[0], times) + description(outcomes[1], times);
  }

  void compare(uint64_t index) {
    const Pair pair = PairMaker(options_.seed, index).make();
    Outcomes together = on_one_connection(pair);
    Outcomes apart = on_fresh_connections(pair);
    for (int i = 1; i < kMaxTries && differ_in_time_alone(together, apart); ++i) {
      ++report_.repeated;
      together = on_one_connection(pair);
      apart = on_fresh_connections(pair);
    }
    count(pair, together[1]);
    const std::string got = describe(together, Times::kept);
    const std::string want = describe(apart, Times::kept);
    if (got != want) {
      note(fmt::format("pair {} of seed {}\ntogether:\n{}apart:\n{}", index, options_.seed, got,
                       want));
    }
  }

  static bool differ_in_time_alone(const Outcomes& one, const Outcomes& other) {
    return describe(one, Times::kept) != describe(other, Times::kept) &&
           describe(one, Times::left_out) == describe(other, Times::left_out);
  }

  void count(const Pair& pair, const MilterOutcome& second) {
    ++report_.pairs;
    for (const MilterMessage& message : pair.messages) {
      report_.octets += message.body.size();
      for (const auto& [name, value] : message.headers)
        report_.octets += name.size() + value.size();
    }
    report_.refused += second.reply.goes_on() ? 0 : 1;
    for (const MilterModification& change : second.reply.modifications) {
      if (change.name == "DKIM-Signature") ++report_.signed_by_us;
      if (change.name == "Authentication-Results" && !change.value.empty()) ++report_.verified;
    }
  }

  void note(std::string problem) {
    if (++report_.problem_count <= kMaxProblems) report_.problems.push_back(std::move(problem));
  }

  const MessagePairsOptions options_;
  TemporaryFolder folder_;
  std::string socket_;
  MessagePairsReport report_;
};

}  // namespace

std::string MessagePairsReport::text() const {
  std::string text = fmt::format(
      "{} pairs of {} octets; of the second messages {} were signed, {} verified, {} refused; {} "
      "pairs repeated; exit status {}; {} differences\n",
      pairs, octets, signed_by_us, verified, refused, repeated, exit_status, problem_count);
  for (const std::string& problem : problems) text += problem + "\n";
  return text;
}

MessagePairsReport compare_message_pairs(const MessagePairsOptions& options) {
  return Comparison(options).run();
}

}  // namespace signet
