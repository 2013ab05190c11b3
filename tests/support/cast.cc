// SPDX-License-Identifier: BSD-2-Clause

#include "tests/support/cast.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/dkim_message.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

constexpr size_t kPlayers = 12;
constexpr const char* kSelector = "s1";

/// What a player is there for.
enum class Part { passes, is_refused, is_ours, forges };
constexpr Part kParts[] = {Part::passes, Part::is_refused, Part::is_ours, Part::forges};

Part part_of(size_t number) { return kParts[number % std::size(kParts)]; }

std::string message_text(const std::string& domain) {
  return fmt::format(
      "From: Author <author@{0}>\n"
      "To: reader@example.org\n"
      "Subject: of {0}\n"
      "Date: Mon, 01 Jun 2026 09:00:00 +0000\n"
      "Message-ID: <1@{0}>\n"
      "\n"
      "This is what {0} has to say.\n"
      "\n"
      "And that was it.\n",
      domain);
}

HeaderField signature_of(const DkimTestMessage& message, const std::string& domain) {
  const std::string tags = fmt::format(
      "v=1; a=rsa-sha256; c=relaxed/relaxed; d={}; s={}; h=from:to:subject:date; bh={{bh}}", domain,
      kSelector);
  return sign_with(message, tags, rsa_test_key());
}

/// As the milter protocol has it: folds are LF.
std::pair<std::string, std::string> milter_field(const HeaderField& field) {
  return {field.name, replace_all(field.value, "\r\n", "\n")};
}

/// As on the wire.
DkimTestMessage as_received(const MilterMessage& message) {
  DkimTestMessage received{{}, message.body};
  for (const auto& [name, value] : message.headers) {
    received.fields.push_back({name, replace_all(value, "\n", "\r\n")});
  }
  return received;
}

std::string without_time(std::string_view signature) {
  std::string text;
  while (!signature.empty()) {
    const size_t end = std::min(signature.find(';'), signature.size() - 1) + 1;
    const std::string_view tag = signature.substr(0, end);
    const size_t name = tag.find_first_not_of(" \t\r\n");
    const bool depends_on_time = name + 1 < tag.size() && tag[name + 1] == '=' &&
                                 std::string_view("txb").find(tag[name]) != std::string_view::npos;
    text += depends_on_time ? tag.substr(0, name + 2) : tag;
    signature.remove_prefix(end);
  }
  return text;
}

}  // namespace

Cast::Cast() : zone_("$TTL 0\n. IN SOA ns.example. hostmaster.example. 1 1 1 1 0\n") {
  for (size_t i = 0; i < kPlayers; ++i) add(i);
  dns_ = std::make_unique<ZoneResolver>(zone_);
}

Cast::~Cast() = default;

void Cast::add(size_t number) {
  const Part part = part_of(number);
  Player player;
  player.domain = fmt::format("d{}.example.net", number);
  player.client.name = player.client.helo = "mail." + player.domain;
  player.client.address = fmt::format("192.0.2.{}", number + 1);
  MilterMessage& message = player.message;
  message.sender = "<author@" + player.domain + ">";
  message.mail_macros = {{"{mail_addr}", "author@" + player.domain}};
  const DkimTestMessage signed_part = parse_message(message_text(player.domain));
  message.set_content(message_text(player.domain));
  if (part == Part::is_ours) {
    message.mail_macros.insert(message.mail_macros.end(),
                               {{"{auth_type}", "PLAIN"}, {"{auth_authen}", "author"}});
  } else if (part != Part::is_refused) {
    message.headers.insert(message.headers.begin(),
                           milter_field(signature_of(signed_part, player.domain)));
  }
  if (part == Part::forges) {
    message.headers.insert(message.headers.begin(),
                           {"Authentication-Results", fmt::format(" {}; dmarc=pass header.from={}",
                                                                  kCastAuthservId, player.domain)});
    message.body += "Added behind the signer's back.\r\n";
  }

  const std::string allowed = part == Part::is_refused ? "198.51.100.1" : player.client.address;
  zone_ += fmt::format(
      "{0}. IN TXT \"v=spf1 include:_spf.{0} -all\"\n_spf.{0}. IN TXT \"v=spf1 ip4:{1} -all\"\n"
      "mail.{0}. IN TXT \"v=spf1 a -all\"\nmail.{0}. IN A {2}\n"
      "_dmarc.{0}. IN TXT \"v=DMARC1\\; p={3}\"\n",
      player.domain, allowed, player.client.address, part == Part::is_refused ? "reject" : "none");
  zone_ += replace_all(txt_record(fmt::format("{}._domainkey.{}", kSelector, player.domain),
                                  rsa_test_key().record()),
                       " 60 IN ", " IN ");
  players_.push_back(std::move(player));
}

void Cast::write_keys(const TemporaryFolder& folder) const {
  for (size_t i = 0; i < players_.size(); ++i) {
    if (part_of(i) != Part::is_ours) continue;
    folder.write(fmt::format("keys/{}/{}.pem", players_[i].domain, kSelector),
                 pem_of(rsa_test_key()));
  }
}

std::string description(const MilterOutcome& outcome, Times times) {
  std::string text =
      fmt::format("step {} reply {} {}\n", outcome.step, outcome.reply.letter, outcome.reply.text);
  for (const MilterModification& change : outcome.reply.modifications) {
    const bool shortened = times == Times::left_out && change.name == "DKIM-Signature";
    text += fmt::format("{} {} {}:{}\n", change.letter, change.index, change.name,
                        shortened ? without_time(change.value) : change.value);
  }
  return text;
}

namespace {

/// The players' domains that a text names.
std::vector<std::string> domains_in(std::string_view text) {
  constexpr std::string_view kParent = ".example.net";
  std::vector<std::string> domains;
  for (size_t at = text.find(kParent); at != text.npos; at = text.find(kParent, at + 1)) {
    const size_t start = text.find_last_not_of("0123456789", at - 1);
    if (text[start] == 'd') domains.emplace_back(text.substr(start, at - start + kParent.size()));
  }
  return domains;
}

/// Empty if the signature is good for the message.
std::string signature_problem(const MilterModification& added, const MilterMessage& message,
                              Resolver& dns) {
  DkimTestMessage received = as_received(message);
  received.fields.insert(received.fields.begin(),
                         {added.name, replace_all(added.value, "\n", "\r\n")});
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto verdicts = verify_message(received, dns, std::nullopt, {}, now);
  return verdicts.front().result == DkimResult::pass ? "" : "signed: " + words(verdicts.front());
}

}  // namespace

std::string Cast::misattribution(const Player& client, const Player& author,
                                 const MilterOutcome& outcome) const {
  const std::string text = description(outcome, Times::left_out);
  for (const std::string& domain : domains_in(text)) {
    if (domain != client.domain && domain != author.domain) return "names " + domain;
  }
  if (text.find(author.domain) == std::string::npos) return "does not name " + author.domain;
  for (const MilterModification& change : outcome.reply.modifications) {
    if (change.name != "DKIM-Signature") continue;
    const std::string problem = signature_problem(change, author.message, *dns_);
    if (!problem.empty()) return problem;
  }
  return {};
}

}  // namespace signet
