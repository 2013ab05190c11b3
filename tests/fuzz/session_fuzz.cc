// SPDX-License-Identifier: BSD-2-Clause
//
// One connection of an MTA: a line of the input is a step, in any order and number that libmilter
// lets through. Whatever comes, a message's actions are fit for the wire, say what the report says,
// and are those that a fresh connection would give it.
//
//   =KEYWORD value  configuration     c192.0.2.1   connect          F     end of headers
//   %LINE           policy table      hNAME        HELO             bTEXT body; 0x1e is a line end
//   zRECORD         see LineResolver  aLOGIN       of the next MAIL .     end of message
//                                     m<ADDRESS>   MAIL             x     abort
//   r  reload: without configuration  HName: value one field; 0x1e is an LF

#include <algorithm>
#include <cstdint>
#include <utility>

#include "crypto/message.h"
#include "milter/field/auth_results.h"
#include "milter/field/verdict_results.h"
#include "milter/message_line.h"
#include "milter/session.h"
#include "tests/fuzz/line_resolver.h"
#include "tests/fuzz/require.h"
#include "tests/support/dkim_message.h"

namespace {

using signet::Action;
using signet::Config;
using signet::HeaderField;
using signet::require;
using signet::Session;

constexpr std::string_view kOurName = "mx.example.org";
constexpr std::string_view kResultsField = "Authentication-Results";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Those that begin with `letter`, without it.
std::string lines_with(char letter, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (line.starts_with(letter)) text += line.substr(1) + '\n';
  }
  return text;
}

/// The keys of RFC 8463 are example.com's, here and in the DNS.
void hold_keys(signet::Runtime& runtime) {
  const signet::Name domain = *signet::test_name("example.com");
  static const auto kKey =
      *signet::SigningKey::parse(signet::pem_of(signet::ed25519_test_key()), domain, "ed");
  runtime.keys.add(kKey);
}

std::shared_ptr<signet::LineResolver> resolver_of(const std::vector<std::string>& lines) {
  static const std::string kRsa = signet::rsa_test_key().record();
  static const std::string kEd25519 = signet::ed25519_test_key().record();
  auto resolver = std::make_shared<signet::LineResolver>();
  resolver->read("rsa._domainkey.example.com=" + kRsa);
  resolver->read("ed._domainkey.example.com=" + kEd25519);
  for (const std::string& line : lines) {
    if (line.starts_with('z')) resolver->read(std::string_view(line).substr(1));
  }
  return resolver;
}

std::shared_ptr<const signet::Runtime> runtime_of(const std::vector<std::string>& lines,
                                                  bool configured) {
  auto runtime = std::make_shared<signet::Runtime>();
  if (configured) {
    auto config = signet::parse_config(lines_with('=', lines), "fuzz");
    if (auto* good = std::get_if<Config>(&config)) runtime->config = std::move(*good);
    auto table = signet::PolicyTable::parse(lines_with('%', lines), "fuzz");
    if (table) runtime->policy_table = *std::move(table);
  }
  // All answers are there at once, and a busy machine must not make verdicts of its own.
  runtime->config.message_timeout = std::chrono::hours(1);
  runtime->host_name = "host.example";
  runtime->resolver = resolver_of(lines);
  hold_keys(*runtime);
  return runtime;
}

/// All that a message is, so that it can be played again.
struct Played {
  std::shared_ptr<const signet::Runtime> runtime;
  std::optional<signet::IpAddress> client;
  std::string helo;
  std::string login;
  std::string mail_from;
  std::vector<HeaderField> fields;  ///< values as the MTA gives them
  bool headers_ended = false;
  std::string body;
};

signet::Client client_of(const std::string& login) {
  signet::Client client;
  client.auth_type = login.empty() ? "" : "PLAIN";
  client.auth_login = login;
  return client;
}

std::vector<Action> play_again(const Played& played, signet::Background& background) {
  const signet::RuntimeSlot slot(played.runtime);
  Session session(slot, background);
  session.connect(played.client, std::string(kOurName));
  session.helo(played.helo);
  session.mail_from(played.mail_from, client_of(played.login), signet::kTestNow);
  for (const HeaderField& field : played.fields) session.header(field.name, field.value);
  session.end_of_headers();
  for (const char c : played.body) session.body({&c, 1});
  return session.end_of_message("4XYZ", signet::kTestNow);
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// RFC 5322 2.2: no control octet but in a fold.
void require_fit_for_the_wire(const signet::InsertHeader& field) {
  require(field.name == kResultsField || field.name == "Received-SPF" ||
          field.name == "DKIM-Signature");
  const std::string& value = field.value;
  require(value.starts_with(' '));
  for (size_t i = 0; i < value.size(); ++i) {
    const auto octet = static_cast<unsigned char>(value[i]);
    const bool folds = value.compare(i, 2, "\r\n") == 0 && i + 2 < value.size() &&
                       (value[i + 2] == ' ' || value[i + 2] == '\t');
    if (folds) i += 2;
    require(folds || octet == '\t' || (octet >= 0x20 && octet != 0x7f));
  }
  for (const bool keep : {true, false}) {
    require(signet::milter_field_body(value, keep).find('\r') == std::string::npos);
  }
}

void require_good_reply(const signet::Reply& reply) {
  require(reply.code == 451 || reply.code == 550);
  require(reply.enhanced_code.starts_with(reply.code == 451 ? "4." : "5."));
  require(is_printable(reply.text) && reply.text.size() <= 400);
}

const Config& config_of(const Played& played) { return played.runtime->config; }

std::string authserv_id_of(const Played& played) {
  const std::string& id = config_of(played).authserv_id;
  return id.empty() ? std::string(kOurName) : id;
}

/// RFC 8601 5: from the highest index down, every one that claims our id.
void require_forgeries_removed(const Played& played, const std::vector<Action>& actions) {
  std::vector<int> removed;
  for (const Action& action : actions) {
    if (const auto* field = std::get_if<signet::DeleteHeader>(&action)) {
      require(field->name == kResultsField);
      removed.push_back(field->occurrence);
    }
  }
  require(std::ranges::is_sorted(removed, std::greater_equal<>()));
  int seen = 0;
  for (const HeaderField& field : played.fields) {
    if (!signet::is_named(field, kResultsField)) continue;
    ++seen;
    const bool claims = signet::claims_authserv_id(field.value, authserv_id_of(played));
    require(!claims || std::ranges::find(removed, seen) != removed.end());
  }
  require(removed.empty() || removed.front() <= seen);
}

/// RFC 8601 2.2: what was found out is what can be read in the fields, and nothing else is.
void require_results_told(const Played& played, const signet::MessageReport& report,
                          const std::vector<Action>& actions) {
  std::vector<signet::AuthMethod> told;
  for (const Action& action : actions) {
    const auto* field = std::get_if<signet::InsertHeader>(&action);
    if (field == nullptr || field->name != kResultsField) continue;
    const auto results = signet::parse_auth_results(field->value);
    require(results.ok() && results->authserv_id == authserv_id_of(played));
    told.insert(told.begin(), results->methods.begin(), results->methods.end());
  }
  if (report.client.authenticated() && config_of(played).add_auth_results_for_authenticated) {
    require(!told.empty() && told.front().method == "auth");
    told.erase(told.begin());
  }
  const auto found =
      report.inbound ? methods_of(*report.inbound) : std::vector<signet::AuthMethod>();
  require(std::ranges::equal(told, found, [](const auto& a, const auto& b) {
    return a.method == b.method && a.result == b.result;
  }));
}

bool is_from(const HeaderField& field) { return signet::is_named(field, "From"); }

/// RFC 9989 5.3.5, 11.5, and SECURITY: identity.
void require_no_wrong_pass(const Played& played, const signet::InboundResults& results) {
  for (const signet::DkimVerdict& verdict : results.dkim) {
    const bool pass = verdict.result == signet::DkimResult::pass;
    require(!pass || verdict.domain.text() == "example.com");  // nobody else has these keys
  }
  if (results.dmarc.result != signet::DmarcResult::pass) return;
  require(std::ranges::count_if(played.fields, is_from) == 1);
  require(results.author.ok() && results.author.domains.size() == 1);
  const bool spf = results.spf.result == signet::SpfResult::pass;
  const bool dkim = std::ranges::any_of(results.dkim, [](const signet::DkimVerdict& verdict) {
    return verdict.result == signet::DkimResult::pass;
  });
  require(spf || dkim);
}

/// RFC 6376 5.4: exactly one From, and who was asked to sign has signed.
void require_good_signatures(const Played& played, const signet::OutboundResults& results) {
  if (results.signatures.empty()) return;
  require(std::ranges::count_if(played.fields, is_from) == 1);
  require(results.author.ok() && results.author.domains.front().text() == "example.com");
  require(results.failure.empty() && results.signatures.size() == results.signed_with.size());
}

void require_sound(const Played& played, const signet::MessageReport& report,
                   const std::vector<Action>& actions) {
  require(is_printable(report.action));
  const std::string line = signet::to_log_line(report);
  require(line.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos);
  if (report.inbound) require_no_wrong_pass(played, *report.inbound);
  if (report.outbound) require_good_signatures(played, *report.outbound);
  if (report.shadow) return require(actions.empty());
  for (const Action& action : actions) {
    if (const auto* field = std::get_if<signet::InsertHeader>(&action)) {
      require_fit_for_the_wire(*field);
    } else if (const auto* reply = std::get_if<signet::Reply>(&action)) {
      require_good_reply(*reply);
      return require(actions.size() == 1);
    } else if (const auto* hold = std::get_if<signet::Quarantine>(&action)) {
      require(is_printable(hold->reason) && !hold->reason.empty());
    }
  }
  if (config_of(played).verify) require_forgeries_removed(played, actions);
  require_results_told(played, report, actions);
}

/// The MTA's side: what it has told so far, and what it may tell next.
class Connection {
 public:
  Connection(const std::vector<std::string>& lines, signet::Background& background)
      : lines_(lines),
        background_(background),
        slot_(runtime_of(lines, true)),
        session_(slot_, background) {
    connect("192.0.2.1");
  }

  void play() {
    for (const std::string& line : lines_) {
      if (!line.empty()) step(line[0], line.substr(1));
    }
  }

 private:
  void step(char letter, std::string text) {
    std::ranges::replace(text, '\x1e', '\n');
    if (letter == 'c') connect(text);
    if (letter == 'h') session_.helo(told_.helo = text);
    if (letter == 'a') told_.login = text;
    if (letter == 'r') slot_.replace(runtime_of(lines_, false));
    if (letter == 'm') mail_from(text);
    if (letter == 'H') header(text);
    if (letter == 'F') end_of_headers();
    if (letter == 'b') body(text);
    if (letter == '.') end_of_message();
    if (letter == 'x') session_.reset();
  }

  void connect(const std::string& address) {
    const auto client = signet::parse_ip_address(address);
    told_ = {};
    if (client) told_.client = *client;
    session_.connect(told_.client, std::string(kOurName));
  }

  void mail_from(const std::string& address) {
    message_ = told_;
    message_.runtime = slot_.get();
    message_.mail_from = address;
    session_.mail_from(address, client_of(message_.login), signet::kTestNow);
  }

  // libmilter gives a field as strings that end in NUL. What comes behind the header is a body:
  // there is no way back.
  void header(const std::string& text) {
    const size_t colon = text.find(':');
    if (message_.headers_ended || colon == std::string::npos || colon == 0) return;
    HeaderField field{text.substr(0, colon).c_str(), text.substr(colon + 1).c_str()};
    session_.header(field.name, field.value);
    message_.fields.push_back(std::move(field));
  }

  void end_of_headers() {
    if (!std::exchange(message_.headers_ended, true)) session_.end_of_headers();
  }

  void body(std::string text) {
    if (!message_.headers_ended) return;
    text = signet::replace_all(std::move(text), "\n", "\r\n");
    session_.body(text);
    message_.body += text;
  }

  void end_of_message() {
    if (!session_.in_message()) return require(session_.end_of_message("", {}).empty());
    end_of_headers();
    // Every answer was there at once; play_again() does without the question.
    require(!session_.end_waits(std::make_shared<signet::AnswerBell>()));
    const auto actions = session_.end_of_message("4XYZ", signet::kTestNow);
    require(!session_.in_message());
    require_sound(message_, session_.report(), actions);
    require(play_again(message_, background_) == actions);
  }

  const std::vector<std::string>& lines_;
  signet::Background& background_;
  signet::RuntimeSlot slot_;
  Session session_;
  Played told_;     ///< what the next message begins with
  Played message_;  ///< the one at hand
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static signet::Background background(2);
  const auto lines = lines_of({reinterpret_cast<const char*>(data), size});
  Connection(lines, background).play();
  return 0;
}
