// SPDX-License-Identifier: BSD-2-Clause
//
// The MTA's side of the milter protocol, version 6, as Postfix speaks it: for tests of a running
// filter, and for putting load on one. Two layers. MilterClient moves packets: a command letter
// and its octets. MilterConversation knows the steps of an SMTP session, what was negotiated about
// each (not sent, no reply, skip), and what a filter may answer.
//
// Blocking sockets, one timeout for every wait; a failure is an Error and ends the use of the
// object. Nothing is shared between objects: one thread for each, as many as you like. Command
// letters and flags are those of <libmilter/mfdef.h>.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dns/result.h"

namespace signet {

/// The octets after the length: a command or reply letter and what follows it.
struct MilterPacket {
  char letter = 0;
  std::string data;
};

class MilterClient {
 public:
  /// `socket` as in an MTA's configuration: `unix:/path` or `local:/path`, `inet:PORT@HOST`,
  /// `inet6:PORT@HOST`; HOST is an address.
  static Result<MilterClient> connect(std::string_view socket,
                                      std::chrono::milliseconds timeout = std::chrono::seconds(30));
  ~MilterClient();
  MilterClient(MilterClient&& other) noexcept;
  MilterClient& operator=(MilterClient&& other) noexcept;

  /// Adds a packet to what is to be sent. It leaves with the next flush() or receive(), and in
  /// pieces of 4,096 octets as soon as so many wait. An Error of an earlier send is reported by
  /// whichever comes next.
  Result<bool> send(char letter, std::string_view data = {});
  /// The same for octets that need not be a packet: a half one, garbage.
  Result<bool> send_octets(std::string_view octets);
  Result<bool> flush();
  /// Flushes, then waits for one packet.
  Result<MilterPacket> receive();
  /// Closes the connection, as an MTA that dies; what was not flushed is lost.
  void close();

 private:
  explicit MilterClient(int fd) : fd_(fd) {}
  Result<bool> read_at_least(size_t octets);

  int fd_ = -1;
  std::string out_;
  std::string in_;
  size_t in_start_ = 0;  ///< first octet of in_ not yet taken
};

/// What an MTA offers; the default is what Postfix 3.7 does.
struct MilterOffer {
  uint32_t version = 6;
  uint32_t actions = 0x1ff;      ///< SMFIF_*: every one
  uint32_t protocol = 0x1fffff;  ///< SMFIP_*: every one
};

/// What the filter made of the offer.
struct MilterOptions {
  uint32_t version = 0;
  uint32_t actions = 0;
  uint32_t protocol = 0;
  std::map<uint32_t, std::string> macros;  ///< asked for with smfi_setsymlist: by SMFIM_* stage
};

/// One thing a filter asks to be done to a message, in the order it asked.
struct MilterModification {
  char letter = 0;     ///< SMFIR_ADDHEADER, INSHEADER, CHGHEADER, QUARANTINE, ADDRCPT, ...
  uint32_t index = 0;  ///< INSHEADER, CHGHEADER
  std::string name;    ///< headers
  std::string value;   ///< header value (empty in CHGHEADER: delete), reason, address or body
  friend bool operator==(const MilterModification&, const MilterModification&) = default;
};

/// The answer to one command.
struct MilterReply {
  char letter = 'c';  ///< SMFIR_CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, REPLYCODE, SKIP, ...
  std::string text;   ///< REPLYCODE: "550 5.7.1 ..." as it would go to the SMTP client
  std::vector<MilterModification> modifications;  ///< at end of message only
  int progress = 0;                               ///< SMFIR_PROGRESS packets before it

  /// The message goes on past this step: SMFIR_CONTINUE or SKIP.
  bool goes_on() const { return letter == 'c' || letter == 's'; }
};

/// Flushes, then waits for the answer to a command: all packets up to the one that ends it.
Result<MilterReply> receive_reply(MilterClient& client);

using MilterMacros = std::vector<std::pair<std::string, std::string>>;

struct MilterClientInfo {
  std::string name = "mail.example.com";
  std::string address = "192.0.2.1";  ///< IPv4, IPv6, or empty: SMFIA_UNKNOWN
  uint16_t port = 25252;
  std::string helo = "mail.example.com";
  MilterMacros macros = {{"j", "mx.example.net"}, {"{daemon_name}", "smtpd"}, {"v", "Postfix"}};
};

struct MilterMessage {
  std::string sender = "<sender@example.com>";
  std::vector<std::string> recipients = {"<recipient@example.net>"};
  MilterMacros mail_macros;          ///< {auth_type}, {mail_addr}, ...
  std::string queue_id = "4ABCDEF";  ///< macro i, from RCPT on as in Postfix
  std::vector<std::pair<std::string, std::string>>
      headers;       ///< value: all after the colon, LF folds
  std::string body;  ///< with CRLF

  /// Fills headers and body from the text of a message, lines ending in CRLF or LF.
  void set_content(std::string_view text);
};

/// How the filter disposed of a message.
struct MilterOutcome {
  char step = 0;                        ///< SMFIC_* of the command that got the last reply
  MilterReply reply;                    ///< the last one; its modifications are the message's
  std::vector<MilterReply> recipients;  ///< one for each RCPT sent and replied to
  bool skipped_body = false;            ///< the filter answered SKIP
};

class MilterConversation {
 public:
  explicit MilterConversation(MilterClient client) : client_(std::move(client)) {}

  /// SMFIC_OPTNEG. Comes first.
  Result<MilterOptions> negotiate(const MilterOffer& offer = {});
  /// SMFIC_CONNECT and SMFIC_HELO with their macros. Stops at the first reply that does not go on.
  Result<MilterReply> open(const MilterClientInfo& info = {});
  /// A whole message, SMFIC_MAIL to SMFIC_BODYEOB. If the filter ends it before, SMFIC_ABORT
  /// follows. A recipient that is refused is left out; if none is left, the message ends.
  Result<MilterOutcome> message(const MilterMessage& message);
  /// SMFIC_ABORT: the message is gone, the SMTP session goes on.
  Result<bool> abort();
  /// SMFIC_QUIT and close.
  Result<bool> quit();
  /// SMFIC_QUIT_NC: the next session comes over this connection; go on with open().
  Result<bool> quit_new_connection();

  // The steps one by one, for tests that stop or stray in between. A step that was negotiated
  // away is not sent, one without reply is not waited for; both are SMFIR_CONTINUE.
  Result<MilterReply> connect(const MilterClientInfo& info);
  Result<MilterReply> helo(std::string_view name);
  Result<MilterReply> mail(const MilterMessage& message);
  Result<MilterReply> rcpt(std::string_view recipient, std::string_view queue_id);
  Result<MilterReply> data(std::string_view queue_id);
  Result<MilterReply> header(std::string_view name, std::string_view value);
  Result<MilterReply> end_of_headers(std::string_view queue_id);
  /// In chunks of at most 65,535 octets; stops after SKIP.
  Result<MilterReply> body(std::string_view octets);
  Result<MilterReply> end_of_message(std::string_view queue_id);

  const MilterOptions& options() const { return options_; }
  MilterClient& client() { return client_; }

 private:
  Result<MilterReply> step(char command, uint32_t not_sent, uint32_t no_reply,
                           std::string_view data);
  Result<bool> send_macros(char command, const MilterMacros& macros);
  Result<MilterReply> envelope(const MilterMessage& message, MilterOutcome& outcome);
  Result<MilterReply> content(const MilterMessage& message, MilterOutcome& outcome);

  MilterClient client_;
  MilterOptions options_;
};

}  // namespace signet
