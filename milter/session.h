// SPDX-License-Identifier: BSD-2-Clause
//
// Session: one connection of the MTA, and one message at a time on it. The milter's callbacks feed
// it; at the end of the message it answers with a list of Actions. It knows nothing of libmilter
// and reads no wall clock, so a test feeds it and compares the list.
//
// Calls come in the milter protocol's order, never two at once, but on changing threads.
// mail_from() begins a message and forgets the one before; reset() and the destructor abandon it
// without waiting. Nothing of one message is visible to the next.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "milter/action.h"
#include "milter/background.h"
#include "milter/inbound.h"
#include "milter/outbound.h"
#include "milter/role.h"
#include "milter/runtime.h"

namespace signet {

/// Everything there is to tell about one message that has ended; for the log line.
struct MessageReport {
  std::string queue_id;
  Client client;
  std::string helo;
  std::string mail_from;
  Role role;
  std::optional<InboundResults> inbound;
  std::optional<OutboundResults> outbound;
  int forged_results_removed = 0;  ///< Authentication-Results fields that claimed to be ours
  size_t body_octets = 0;
  std::chrono::microseconds since_mail{0};  ///< from MAIL to the verdict
  std::chrono::microseconds at_end{0};      ///< of that, after the last octet had come
  std::string action;                       ///< "accept", "reject", "tempfail" or "hold"
  bool shadow = false;  ///< Shadow: nothing of it was done, the message is accepted as it is
};

class Session {
 public:
  /// Both must outlive the session.
  Session(const RuntimeSlot& runtimes, Background& background)
      : runtimes_(runtimes), background_(background) {}

  /// A new client. `mta_name` is the MTA's own host name ({j}), "" if unknown.
  void connect(std::optional<IpAddress> address, std::string mta_name);
  /// HELO or EHLO; may come several times.
  void helo(std::string name);
  /// MAIL. `address` as given, angle brackets allowed. Of `client` the address is ignored: it is
  /// that of connect().
  void mail_from(std::string_view address, Client client, std::chrono::sys_seconds now);
  /// One field; `value` as after the colon, leading space included, folds as LF or CRLF.
  void header(std::string_view name, std::string_view value);
  /// body() and end_of_message() imply it, for an MTA that leaves EOH out.
  void end_of_headers();
  void body(std::string_view octets);
  /// All of the message has come. Whether end_of_message() would have to wait for the DNS; then
  /// `news` is told, on any thread, when it is time to ask again.
  bool end_waits(const std::shared_ptr<AnswerListener>& news);
  /// Whether end_of_message() may have to wait for the DNS.
  bool may_wait();
  /// Waits for what is not known yet, decides, and ends the message.
  std::vector<Action> end_of_message(std::string queue_id, std::chrono::sys_seconds now);
  /// The message is off (ABORT, or the connection closed).
  void reset() { message_.reset(); }

  bool in_message() const { return message_ != nullptr; }
  /// The report on the message that ended last.
  const MessageReport& report() const { return report_; }

 private:
  /// One message; gone, with all it started, when it ends.
  struct Message {
    std::shared_ptr<const Runtime> runtime;
    std::string authserv_id;
    std::string host;  ///< our name
    std::chrono::steady_clock::time_point began;
    std::optional<std::chrono::steady_clock::time_point> ended;  ///< all of it had come
    std::chrono::sys_seconds received{};                         ///< MAIL
    std::optional<InboundMessage> inbound;
    std::optional<OutboundMessage> outbound;
    std::vector<int> forged_results;  ///< occurrences of Authentication-Results to remove
    int results_seen = 0;
    bool header_ended = false;
    MessageReport report;
  };

  void start_verifying();
  void take(HeaderField field);
  void check_sender_login();
  static std::vector<Action> actions_for(const Message& message);

  const RuntimeSlot& runtimes_;
  Background& background_;
  std::optional<IpAddress> client_address_;
  std::string mta_name_;
  std::string helo_;
  int helos_ = 0;  ///< of this connection
  std::unique_ptr<Message> message_;
  MessageReport report_;
};

}  // namespace signet
