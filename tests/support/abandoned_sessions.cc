// SPDX-License-Identifier: BSD-2-Clause
//
// What a message must get is not written down here: it is what the same message gets on a fresh
// connection before anything has been abandoned. That its results are its own is looked at apart
// from that (Cast::misattribution), and so is the log.

#include "tests/support/abandoned_sessions.h"

#include <fmt/format.h>
#include <libmilter/mfdef.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/cast.h"
#include "tests/support/dns_server.h"

namespace signet {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMaxProblems = 20;
constexpr auto kDnsDelay = 3ms;

/// What Postfix offers, and what an MTA does that knows none of the protocol's shortcuts: every
/// step is sent and answered.
constexpr MilterOffer kOffers[] = {{}, {2, 0x1ff, 0x1}};

template <class Value>
Value need(Result<Value> result) {
  if (!result) throw std::runtime_error(result.error());
  return *std::move(result);
}

/// An error is what became of the connection, so that comparing it shows the difference.
std::string described(const Result<MilterOutcome>& outcome) {
  return outcome ? description(*outcome, Times::left_out) : "error: " + outcome.error() + "\n";
}

/// One connection of the MTA and how far its session has come.
class Talk {
 public:
  Talk(const std::string& socket, const MilterOffer& offer)
      : milter_(need(MilterClient::connect(socket))) {
    need(milter_.negotiate(offer));
  }

  /// All steps up to `last`; the answer to the end of the message is left to be read.
  void advance(const Player& player, const std::string& queue_id, SessionStep last);
  /// CONNECT and HELO as far as they belong to the steps up to `last`.
  void open(const Player& player, SessionStep last);
  void give_up(GivingUp how, bool early);
  Result<MilterOutcome> message(const Player& player, const std::string& queue_id) {
    MilterMessage message = player.message;
    message.queue_id = queue_id;
    return milter_.message(message);
  }
  MilterConversation& milter() { return milter_; }

 private:
  void send_body(std::string_view octets) { need(milter_.body(octets)); }
  void wait_for_hang_up();

  MilterConversation milter_;
};

void Talk::open(const Player& player, SessionStep last) {
  if (last >= SessionStep::connect) need(milter_.connect(player.client));
  if (last >= SessionStep::helo) need(milter_.helo(player.client.helo));
}

void Talk::advance(const Player& player, const std::string& queue_id, SessionStep last) {
  const MilterMessage& message = player.message;
  const size_t half = message.body.size() / 2;
  open(player, last);
  if (last >= SessionStep::mail) need(milter_.mail(message));
  if (last >= SessionStep::rcpt) need(milter_.rcpt(message.recipients.front(), queue_id));
  if (last >= SessionStep::data) need(milter_.data(queue_id));
  const size_t headers = last >= SessionStep::end_of_headers ? message.headers.size()
                         : last == SessionStep::later_header ? 2
                         : last == SessionStep::first_header ? 1
                                                             : 0;
  for (size_t i = 0; i < headers; ++i) {
    need(milter_.header(message.headers[i].first, message.headers[i].second));
  }
  if (last >= SessionStep::end_of_headers) need(milter_.end_of_headers(queue_id));
  if (last >= SessionStep::first_body) send_body(message.body.substr(0, half));
  if (last >= SessionStep::later_body) send_body(message.body.substr(half));
  MilterClient& client = milter_.client();
  if (last == SessionStep::end_of_message) {
    const std::string macros = std::string(1, SMFIC_BODYEOB) + "i" + '\0' + queue_id + '\0';
    need(client.send(SMFIC_MACRO, macros));
    need(client.send(SMFIC_BODYEOB));
  }
  need(client.flush());
}

/// `early`: half a packet ends within its length, not within its data.
void Talk::give_up(GivingUp how, bool early) {
  using namespace std::string_view_literals;
  MilterClient& client = milter_.client();
  switch (how) {
    case GivingUp::abort:
      need(milter_.abort());
      need(milter_.quit());
      break;
    case GivingUp::close:
      client.close();
      break;
    case GivingUp::abort_and_mail:
      need(milter_.abort());
      break;
    case GivingUp::mail:
      break;
    case GivingUp::quit_nc:
      need(milter_.quit_new_connection());
      wait_for_hang_up();
      break;
    case GivingUp::half_packet:
      need(client.send_octets(early ? "\0\0"sv : "\0\0\1\0LSubject\0 ha"sv));
      need(client.flush());
      client.close();
      break;
  }
}

void Talk::wait_for_hang_up() {
  auto packet = milter_.client().receive();
  while (packet) packet = milter_.client().receive();
  if (packet.error() == "the filter closed the connection") return;
  throw std::runtime_error("instead of hanging up: " + packet.error());
}

bool goes_on(GivingUp how) { return how == GivingUp::abort_and_mail || how == GivingUp::mail; }

/// What follows the key in a line of the log; none of these values has a space.
std::string value_in(const std::string& line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string::npos) return {};
  const size_t start = at + key.size();
  return line.substr(start, line.find(' ', start) - start);
}

/// What is known of a message by its queue id.
struct Sent {
  std::string sender;
  /// ended: there is one line about it in the log; given_up: none; at_end: one or none.
  enum class Fate { ended, given_up, at_end } fate;
};

class Matrix {
 public:
  explicit Matrix(const AbandonedSessionsOptions& options);
  AbandonedSessionsReport run();

 private:
  struct Case {
    SessionStep step;
    GivingUp how;
    unsigned round;
    const MilterOffer& offer() const { return kOffers[round % std::size(kOffers)]; }
  };

  void run_round(unsigned round, unsigned thread);
  void run_case(const Case& one, const Player& first, const Player& second);
  void expect_outcome(const Case& one, const Player& client, const Player& author,
                      SessionStep opened, const Result<MilterOutcome>& outcome);
  std::string reference(const Case& one, const Player& client, const Player& author,
                        SessionStep opened);
  std::string send(const Player& player, Sent::Fate fate);
  void check_log();
  void check_end();
  void note(const std::string& problem);

  const AbandonedSessionsOptions options_;
  const Cast cast_;
  DnsServer dns_;
  TemporaryFolder folder_;
  std::unique_ptr<DaemonProcess> daemon_;

  std::mutex mutex_;
  std::map<std::string, std::string> references_;  // guarded by mutex_
  std::map<std::string, Sent> sent_;               // guarded by mutex_, by queue id
  AbandonedSessionsReport report_;                 // guarded by mutex_
};

Matrix::Matrix(const AbandonedSessionsOptions& options) : options_(options), dns_(cast_.zone()) {
  DnsBehaviour slow;
  slow.delay = kDnsDelay;
  dns_.behave(".", slow);
  cast_.write_keys(folder_);
  daemon_ = std::make_unique<DaemonProcess>(
      options.build, folder_,
      fmt::format("AuthservID {}\nNameservers {}\nKeyDirectory {}\n", kCastAuthservId,
                  dns_.address(), (folder_.path() / "keys").string()));
}

/// Registers a message, and gives it a queue id.
std::string Matrix::send(const Player& player, Sent::Fate fate) {
  const std::lock_guard lock(mutex_);
  const std::string queue_id = fmt::format("Q{}", sent_.size());
  sent_[queue_id] = {player.message.sender, fate};
  return queue_id;
}

/// What a message gets on a fresh connection: the same steps, and nobody before it.
std::string Matrix::reference(const Case& one, const Player& client, const Player& author,
                              SessionStep opened) {
  const std::string key = fmt::format("{} {} {} {}", one.round % std::size(kOffers), client.domain,
                                      author.domain, to_string(opened));
  {
    const std::lock_guard lock(mutex_);
    const auto known = references_.find(key);
    if (known != references_.end()) return known->second;
  }
  Talk talk(daemon_->socket(), one.offer());
  talk.open(client, opened);
  std::string text = described(talk.message(author, send(author, Sent::Fate::ended)));
  need(talk.milter().quit());
  const std::lock_guard lock(mutex_);
  return references_.emplace(key, std::move(text)).first->second;
}

/// `opened`: how much of CONNECT and HELO there was.
void Matrix::expect_outcome(const Case& one, const Player& client, const Player& author,
                            SessionStep opened, const Result<MilterOutcome>& outcome) {
  const std::string got = described(outcome);
  const std::string want = reference(one, client, author, opened);
  const std::string wrong = outcome ? cast_.misattribution(client, author, *outcome) : "failed";
  {
    const std::lock_guard lock(mutex_);
    ++report_.messages;
  }
  if (got == want && wrong.empty()) return;
  note(fmt::format("{} after {}, round {}: {}\ngot:\n{}want:\n{}", to_string(one.how),
                   to_string(one.step), one.round, wrong, got, want));
}

void Matrix::run_case(const Case& one, const Player& first, const Player& second) {
  const bool at_end = one.step == SessionStep::end_of_message;
  const std::string abandoned = send(first, at_end ? Sent::Fate::at_end : Sent::Fate::given_up);
  Talk talk(daemon_->socket(), one.offer());
  talk.advance(first, abandoned, one.step);
  talk.give_up(one.how, one.round % 4 < 2);
  {
    const std::lock_guard lock(mutex_);
    ++report_.done[static_cast<size_t>(one.step)][static_cast<size_t>(one.how)];
  }
  if (!goes_on(one.how)) {
    Talk fresh(daemon_->socket(), one.offer());
    fresh.open(second, SessionStep::helo);
    const auto outcome = fresh.message(second, send(second, Sent::Fate::ended));
    expect_outcome(one, second, second, SessionStep::helo, outcome);
    need(fresh.milter().quit());
    return;
  }
  if (at_end) {
    // The answer to what was given up comes all the same, and before any other.
    const auto reply = receive_reply(talk.milter().client());
    const auto outcome =
        reply ? Result<MilterOutcome>(MilterOutcome{SMFIC_BODYEOB, *reply, {}, false})
              : Result<MilterOutcome>(Error{reply.error()});
    expect_outcome(one, first, first, SessionStep::helo, outcome);
  }
  const SessionStep opened = std::min(one.step, SessionStep::helo);
  const auto outcome = talk.message(second, send(second, Sent::Fate::ended));
  expect_outcome(one, first, second, opened, outcome);
  need(talk.milter().quit());
}

/// One share of all combinations, with other players in each round.
void Matrix::run_round(unsigned round, unsigned thread) {
  const auto& players = cast_.players();
  for (size_t i = thread; i < kSessionSteps * kGivingUps; i += options_.threads) {
    const Case one{static_cast<SessionStep>(i / kGivingUps), static_cast<GivingUp>(i % kGivingUps),
                   round};
    const size_t first = (i + round) % players.size();
    const size_t distance =
        1 + (i / players.size() + round / players.size()) % (players.size() - 1);
    run_case(one, players[first], players[(first + distance) % players.size()]);
  }
}

AbandonedSessionsReport Matrix::run() {
  const auto in_threads = [&](unsigned first_round, unsigned rounds) {
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < options_.threads; ++thread) {
      threads.emplace_back([=, this] {
        try {
          for (unsigned i = 0; i < rounds; ++i) run_round(first_round + i, thread);
        } catch (const std::exception& error) {
          note(fmt::format("a session failed where it must not: {}", error.what()));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  // What the daemon keeps for so many sessions is there after a first time through all of them.
  in_threads(0, 1);
  report_.base = daemon_->settle({}, 1s);
  in_threads(1, options_.rounds - 1);
  report_.end = daemon_->settle(report_.base, 20s);
  check_end();
  return report_;
}

void Matrix::check_end() {
  if (report_.end.threads > report_.base.threads) note("threads are left over");
  if (report_.end.descriptors > report_.base.descriptors) note("descriptors are left over");
  report_.exit_status = daemon_->stop();
  if (report_.exit_status != 0) note(fmt::format("exit status {}", report_.exit_status));
  const std::string findings = daemon_->sanitizer_findings();
  if (!findings.empty()) note(findings.substr(0, 5000));
  check_log();
}

/// One line for each message that ended, with its own sender, and none for one that did not.
void Matrix::check_log() {
  std::map<std::string, int> lines;
  for (const std::string& line : daemon_->log()) {
    const std::string sender = value_in(line, " mail_from=");
    if (sender.empty()) continue;  // not the line that tells of a message
    const std::string queue_id = value_in(line, " queue_id=");
    ++report_.log_lines;
    const auto sent = sent_.find(queue_id);
    const bool is_known = sent != sent_.end();
    if (!is_known || sent->second.sender != sender) note("confused: " + line);
    ++lines[queue_id];
  }
  for (const auto& [queue_id, sent] : sent_) {
    const int count = lines[queue_id];
    const bool is_right = sent.fate == Sent::Fate::ended    ? count == 1
                          : sent.fate == Sent::Fate::at_end ? count <= 1
                                                            : count == 0;
    if (!is_right) note(fmt::format("{} has {} lines in the log", queue_id, count));
  }
}

void Matrix::note(const std::string& problem) {
  const std::lock_guard lock(mutex_);
  if (++report_.problem_count <= kMaxProblems) report_.problems.push_back(problem);
}

}  // namespace

std::string_view to_string(SessionStep step) {
  constexpr std::string_view kNames[] = {"negotiation",  "connect",      "helo",
                                         "mail",         "rcpt",         "data",
                                         "first header", "later header", "end of headers",
                                         "first body",   "later body",   "end of message"};
  static_assert(std::size(kNames) == kSessionSteps);
  return kNames[static_cast<size_t>(step)];
}

std::string_view to_string(GivingUp how) {
  constexpr std::string_view kNames[] = {"abort", "close",   "abort+mail",
                                         "mail",  "quit_nc", "half packet"};
  static_assert(std::size(kNames) == kGivingUps);
  return kNames[static_cast<size_t>(how)];
}

std::string AbandonedSessionsReport::text() const {
  std::string text = fmt::format("{:<16}", "given up after");
  for (size_t how = 0; how < kGivingUps; ++how) {
    text += fmt::format("{:>12}", to_string(static_cast<GivingUp>(how)));
  }
  for (size_t step = 0; step < kSessionSteps; ++step) {
    text += fmt::format("\n{:<16}", to_string(static_cast<SessionStep>(step)));
    for (const uint64_t count : done[step]) text += fmt::format("{:>12}", count);
  }
  text += fmt::format(
      "\n{} messages afterwards; {} lines in the log; threads {} -> {}, descriptors {} -> {}; exit "
      "status {}; {} problems\n",
      messages, log_lines, base.threads, end.threads, base.descriptors, end.descriptors,
      exit_status, problem_count);
  for (const std::string& problem : problems) text += problem + "\n";
  return text;
}

AbandonedSessionsReport abandon_sessions(const AbandonedSessionsOptions& options) {
  return Matrix(options).run();
}

}  // namespace signet
