// SPDX-License-Identifier: BSD-2-Clause

#include "tests/bench/load/load_session.h"

#include <fmt/format.h>
#include <libmilter/mfdef.h>

#include <stdexcept>
#include <utility>

#include "dns/name.h"

namespace signet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTimeout{60};

/// A connection, and whether the filter still wants to hear of the message.
struct Conversation {
  MilterConversation milter;
  bool listens = true;
};

Result<Conversation> open_conversation(const std::string& socket) {
  auto client = MilterClient::connect(socket, kTimeout);
  if (!client) return Error{client.error()};
  Conversation conversation{MilterConversation(*std::move(client))};
  auto options = conversation.milter.negotiate();
  if (!options) return Error{fmt::format("{}: {}", socket, options.error())};
  return conversation;
}

/// The answer that ended the steps, or the last one.
Result<MilterReply> perform(Conversation& conversation, const MilterSteps& steps) {
  MilterReply reply;
  char skipped = 0;
  for (const MilterStep& step : steps) {
    if (!conversation.listens) break;
    if (step.answered && step.command == skipped) continue;
    MilterClient& client = conversation.milter.client();
    if (auto sent = client.send_octets(step.octets); !sent) return Error{sent.error()};
    if (!step.answered) continue;
    auto answer = receive_reply(client);
    if (!answer) return answer;
    reply = *std::move(answer);
    if (reply.letter == SMFIR_SKIP) skipped = step.command;
    conversation.listens = reply.goes_on();
  }
  return reply;
}

/// Refused, for now or for good: that ends the message for all filters.
bool ends_message(const MilterReply& reply) {
  return !reply.goes_on() && reply.letter != SMFIR_ACCEPT;
}

class Session {
 public:
  Session(const std::vector<LoadedMilter>& milters, size_t number)
      : milters_(milters), number_(number) {}

  Result<bool> open() {
    for (const LoadedMilter& milter : milters_) {
      auto conversation = open_conversation(milter.socket);
      if (!conversation) return Error{conversation.error()};
      conversations_.push_back(*std::move(conversation));
    }
    return true;
  }

  /// False: a filter refused.
  Result<bool> envelope() {
    for (const auto phase : {&MilterScript::connect, &MilterScript::helo, &MilterScript::mail,
                             &MilterScript::rcpt, &MilterScript::data}) {
      if (phase == &MilterScript::mail) mail_ = Clock::now();
      for (size_t i = 0; i < milters_.size(); ++i) {
        auto reply = perform(conversations_[i], script(i).*phase);
        if (!reply) return Error{reply.error()};
        if (ends_message(*reply)) return refuse(*reply);
      }
    }
    // smtpd gives the connection to cleanup here, and has sent all of it.
    for (Conversation& conversation : conversations_) {
      if (auto sent = conversation.milter.client().flush(); !sent) return sent;
    }
    return true;
  }

  /// False: the message ended here.
  Result<bool> content(size_t i, const MiddleOfBody& middle) {
    Conversation& conversation = conversations_[i];
    MilterSteps added;
    for (const auto& [name, value] : added_) milters_[i].writer.add_header(added, name, value);
    for (const MilterSteps* steps : {&std::as_const(added), &script(i).header, &script(i).body}) {
      auto reply = perform(conversation, *steps);
      if (!reply) return Error{reply.error()};
      if (ends_message(*reply)) return refuse(*reply);
    }
    if (middle) {
      if (auto sent = conversation.milter.client().flush(); !sent) return sent;
      if (!middle()) return false;
      auto reply = perform(conversation, script(i).rest);
      if (!reply) return Error{reply.error()};
      if (ends_message(*reply)) return refuse(*reply);
    }
    return finish(conversation, script(i).end);
  }

  /// As Postfix: the message is over, the client says goodbye.
  void close() {
    for (Conversation& conversation : conversations_) {
      for (int i = 0; i < 2; ++i) static_cast<void>(conversation.milter.client().send(SMFIC_ABORT));
      static_cast<void>(conversation.milter.quit());
    }
  }

  SessionResult result() {
    result_.in_all = Clock::now() - mail_;
    return result_;
  }

 private:
  const MilterScript& script(size_t i) const { return milters_[i].scripts[number_]; }

  bool refuse(const MilterReply& reply) {
    const bool temporary = reply.letter == SMFIR_REPLYCODE && reply.text.starts_with('4');
    result_.answer = temporary ? SMFIR_TEMPFAIL : reply.letter;
    return false;
  }

  Result<bool> finish(Conversation& conversation, const MilterSteps& end) {
    if (!conversation.listens) return true;
    MilterClient& client = conversation.milter.client();
    auto sent = client.send_octets(end.front().octets);
    if (sent) sent = client.flush();
    if (!sent) return sent;
    const auto start = Clock::now();
    auto reply = receive_reply(client);
    if (!reply) return Error{reply.error()};
    result_.at_end += Clock::now() - start;
    for (MilterModification& change : reply->modifications) note(std::move(change));
    return ends_message(*reply) ? refuse(*reply) : true;
  }

  void note(MilterModification change) {
    if (change.letter != SMFIR_ADDHEADER && change.letter != SMFIR_INSHEADER) return;
    const std::string name = ascii_lower(change.name);
    const std::string value = ascii_lower(change.value);
    const auto has = [&](const char* words) { return value.find(words) != std::string::npos; };
    if (name == "dkim-signature") result_.has_signature = true;
    if (name == "received-spf" && has("pass")) result_.spf_pass = true;
    if (name == "authentication-results") {
      result_.spf_pass = result_.spf_pass || has("spf=pass");
      result_.dkim_pass = result_.dkim_pass || has("dkim=pass");
      result_.dmarc_pass = result_.dmarc_pass || has("dmarc=pass");
    }
    if (!change.value.starts_with(' ')) change.value.insert(0, " ");
    added_.insert(added_.begin(), {change.name, change.value});
  }

  const std::vector<LoadedMilter>& milters_;
  size_t number_;
  std::vector<Conversation> conversations_;
  std::vector<std::pair<std::string, std::string>> added_;  // from the top
  Clock::time_point mail_ = Clock::now();
  SessionResult result_;
};

}  // namespace

LoadedMilter load_milter(const std::string& socket, const std::vector<PoolMessage>& messages,
                         bool halves) {
  auto conversation = open_conversation(socket);
  if (!conversation) throw std::runtime_error(conversation.error());
  LoadedMilter milter{socket, PostfixWriter(conversation->milter.options(), halves), {}};
  static_cast<void>(conversation->milter.quit());
  for (const PoolMessage& message : messages)
    milter.scripts.push_back(milter.writer.write(message));
  return milter;
}

Result<SessionResult> run_session(const std::vector<LoadedMilter>& milters, size_t number,
                                  const MiddleOfBody& middle) {
  Session session(milters, number);
  if (auto opened = session.open(); !opened) return Error{opened.error()};
  auto goes_on = session.envelope();
  for (size_t i = 0; goes_on && *goes_on && i < milters.size(); ++i) {
    goes_on = session.content(i, middle);
  }
  if (!goes_on) return Error{goes_on.error()};
  const SessionResult result = session.result();
  session.close();
  return result;
}

}  // namespace signet
