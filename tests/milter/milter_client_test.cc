// SPDX-License-Identifier: BSD-2-Clause
//
// The milter client against libmilter itself: a small filter in a child process writes down what
// it was told and hands it back in header fields at end of message.

#include "tests/support/milter_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/filter_process.h"

namespace signet {
namespace {

using namespace std::chrono_literals;

// ---- the filter: what it wants, and its notes on one connection

unsigned long wanted_protocol = 0;  // set before the child is forked

struct Notes {
  unsigned long protocol = 0;
  std::vector<std::string> lines;
  size_t body_octets = 0;
  int body_chunks = 0;
  bool refuse_at_end = false;
};

Notes& notes_of(SMFICTX* context) {
  auto* notes = static_cast<Notes*>(smfi_getpriv(context));
  if (notes == nullptr) {
    notes = new Notes;  // NOLINT: libmilter keeps it until on_close
    smfi_setpriv(context, notes);
  }
  return *notes;
}

std::string macro(SMFICTX* context, const char* name) {
  std::string symbol(name);
  const char* value = smfi_getsymval(context, symbol.data());
  return value == nullptr ? "-" : value;
}

sfsistat answer(SMFICTX* context, unsigned long no_reply, sfsistat otherwise = SMFIS_CONTINUE) {
  return (notes_of(context).protocol & no_reply) != 0 ? SMFIS_NOREPLY : otherwise;
}

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long protocol,
                      unsigned long /*f2*/, unsigned long /*f3*/, unsigned long* our_actions,
                      unsigned long* our_protocol, unsigned long* f2, unsigned long* f3) {
  notes_of(context).protocol = wanted_protocol & protocol;
  *our_actions = actions;
  *our_protocol = wanted_protocol & protocol;
  *f2 = 0;
  *f3 = 0;
  std::string symbols = "i {mail_addr}";
  smfi_setsymlist(context, SMFIM_ENVFROM, symbols.data());
  return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX* context, char* host, _SOCK_ADDR* address) {
  std::array<char, INET6_ADDRSTRLEN> text{"-"};
  if (address != nullptr && address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<sockaddr_in*>(address);
    inet_ntop(AF_INET, &in->sin_addr, text.data(), text.size());
  } else if (address != nullptr && address->sa_family == AF_INET6) {
    const auto* in = reinterpret_cast<sockaddr_in6*>(address);
    inet_ntop(AF_INET6, &in->sin6_addr, text.data(), text.size());
  }
  notes_of(context).lines.push_back(std::string("connect ") + host + " " + text.data() + " " +
                                    macro(context, "{daemon_name}"));
  return answer(context, SMFIP_NR_CONN);
}

sfsistat on_helo(SMFICTX* context, char* name) {
  notes_of(context).lines.push_back(std::string("helo ") + name);
  return answer(context, SMFIP_NR_HELO);
}

sfsistat on_mail(SMFICTX* context, char** arguments) {
  notes_of(context).lines.push_back(std::string("mail ") + arguments[0] + " " +
                                    macro(context, "{auth_type}"));
  if (std::string_view(arguments[0]) == "<accept@example.com>") return SMFIS_ACCEPT;
  return answer(context, SMFIP_NR_MAIL);
}

sfsistat on_rcpt(SMFICTX* context, char** arguments) {
  notes_of(context).lines.push_back(std::string("rcpt ") + arguments[0] + " " +
                                    macro(context, "i"));
  if (std::string_view(arguments[0]).starts_with("<bad")) {
    std::string code = "550";
    std::string extended = "5.1.1";
    std::string text = "no such user";
    smfi_setreply(context, code.data(), extended.data(), text.data());
    return SMFIS_REJECT;
  }
  return answer(context, SMFIP_NR_RCPT);
}

sfsistat on_data(SMFICTX* context) {
  notes_of(context).lines.emplace_back("data");
  return answer(context, SMFIP_NR_DATA);
}

sfsistat on_header(SMFICTX* context, char* name, char* value) {
  Notes& notes = notes_of(context);
  notes.lines.push_back(std::string("header ") + name + ":" + value);
  if (std::string_view(name) == "X-Refuse") notes.refuse_at_end = true;
  if (std::string_view(name) == "X-Defer") return SMFIS_TEMPFAIL;
  return answer(context, SMFIP_NR_HDR);
}

sfsistat on_end_of_headers(SMFICTX* context) {
  notes_of(context).lines.emplace_back("eoh");
  return answer(context, SMFIP_NR_EOH);
}

sfsistat on_body(SMFICTX* context, unsigned char* /*octets*/, size_t size) {
  Notes& notes = notes_of(context);
  notes.body_octets += size;
  ++notes.body_chunks;
  return answer(context, SMFIP_NR_BODY,
                (notes.protocol & SMFIP_SKIP) != 0 ? SMFIS_SKIP : SMFIS_CONTINUE);
}

void add_note(SMFICTX* context, std::string note) {
  std::string name = "X-Note";
  smfi_addheader(context, name.data(), note.data());
}

sfsistat on_end_of_message(SMFICTX* context) {
  Notes& notes = notes_of(context);
  for (const std::string& line : notes.lines) add_note(context, line);
  add_note(context, "body " + std::to_string(notes.body_octets) + " in " +
                        std::to_string(notes.body_chunks));
  add_note(context, "eom " + macro(context, "i"));
  std::string name = "X-Name";
  std::string value = "a\n\tb";
  std::string reason = "held for a test";
  std::string recipient = "<other@example.net>";
  smfi_progress(context);
  smfi_insheader(context, 0, name.data(), value.data());
  smfi_chgheader(context, name.data(), 2, nullptr);
  smfi_quarantine(context, reason.data());
  smfi_addrcpt(context, recipient.data());
  const bool refuse = notes.refuse_at_end;
  notes.lines.clear();
  notes.body_octets = 0;
  notes.body_chunks = 0;
  notes.refuse_at_end = false;
  if (!refuse) return SMFIS_CONTINUE;
  std::string code = "550";
  std::string extended = "5.7.1";
  std::string text = "refused for a test";
  smfi_setreply(context, code.data(), extended.data(), text.data());
  return SMFIS_REJECT;
}

sfsistat on_abort(SMFICTX* context) {
  Notes& notes = notes_of(context);
  notes.lines = {"aborted"};
  notes.body_octets = 0;
  notes.refuse_at_end = false;
  return SMFIS_CONTINUE;
}

sfsistat on_close(SMFICTX* context) {
  delete static_cast<Notes*>(smfi_getpriv(context));  // NOLINT
  smfi_setpriv(context, nullptr);
  return SMFIS_CONTINUE;
}

smfiDesc filter() {
  smfiDesc description{};
  description.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_ADDRCPT;
  description.xxfi_connect = on_connect;
  description.xxfi_helo = on_helo;
  description.xxfi_envfrom = on_mail;
  description.xxfi_envrcpt = on_rcpt;
  description.xxfi_header = on_header;
  description.xxfi_eoh = on_end_of_headers;
  description.xxfi_body = on_body;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_abort = on_abort;
  description.xxfi_close = on_close;
  description.xxfi_data = on_data;
  description.xxfi_negotiate = on_negotiate;
  return description;
}

// ---- the tests

class MilterClientTest : public testing::Test {
 protected:
  /// Forks the filter and connects to it as soon as it listens.
  Result<MilterConversation> start(unsigned long protocol, const std::string& kind = "unix") {
    wanted_protocol = protocol;
    process_.emplace(filter(), kind);
    auto client = MilterClient::connect(process_->socket(), 10s);
    if (!client) return Error{client.error()};
    return MilterConversation(*std::move(client));
  }

  std::optional<FilterProcess> process_;
};

MilterMessage example() {
  MilterMessage message;
  message.mail_macros = {{"{auth_type}", "PLAIN"}};
  message.set_content(
      "From: a@example.com\r\nSubject:two\r\n lines\r\nEmpty:\r\n\r\nHello\r\nWorld\r\n");
  return message;
}

std::vector<std::string> notes_in(const MilterOutcome& outcome) {
  std::vector<std::string> notes;
  for (const auto& change : outcome.reply.modifications) {
    if (change.letter == SMFIR_ADDHEADER && change.name == "X-Note") notes.push_back(change.value);
  }
  return notes;
}

TEST_F(MilterClientTest, AWholeMessageArrivesAndEveryChangeComesBack) {
  auto conversation = start(SMFIP_HDR_LEADSPC);
  ASSERT_TRUE(conversation) << conversation.error();
  const auto options = conversation->negotiate();
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->version, 6U);
  EXPECT_EQ(options->protocol, SMFIP_HDR_LEADSPC + 0U);
  EXPECT_EQ(options->macros, (std::map<uint32_t, std::string>{{SMFIM_ENVFROM, "i {mail_addr}"}}));
  ASSERT_TRUE(conversation->open());
  const auto outcome = conversation->message(example());
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(outcome->step, SMFIC_BODYEOB);
  EXPECT_EQ(outcome->reply.letter, SMFIR_CONTINUE);
  EXPECT_EQ(outcome->reply.progress, 1);
  EXPECT_EQ(notes_in(*outcome),
            (std::vector<std::string>{"connect mail.example.com 192.0.2.1 smtpd",
                                      "helo mail.example.com", "mail <sender@example.com> PLAIN",
                                      "rcpt <recipient@example.net> 4ABCDEF", "data",
                                      "header From: a@example.com", "header Subject:two\n lines",
                                      "header Empty:", "eoh", "body 14 in 1", "eom 4ABCDEF"}));
  const std::vector<MilterModification> last(outcome->reply.modifications.end() - 4,
                                             outcome->reply.modifications.end());
  EXPECT_EQ(last, (std::vector<MilterModification>{{SMFIR_INSHEADER, 0, "X-Name", "a\n\tb"},
                                                   {SMFIR_CHGHEADER, 2, "X-Name", ""},
                                                   {SMFIR_QUARANTINE, 0, "", "held for a test"},
                                                   {SMFIR_ADDRCPT, 0, "", "<other@example.net>"}}));
  EXPECT_TRUE(conversation->quit());
}

TEST_F(MilterClientTest, WithoutLeadspcTheSpaceAfterTheColonIsLeftOut) {
  auto conversation = start(0, "local");
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  const auto outcome = conversation->message(example());
  ASSERT_TRUE(outcome) << outcome.error();
  const auto notes = notes_in(*outcome);
  EXPECT_NE(std::find(notes.begin(), notes.end(), "header From:a@example.com"), notes.end());
}

TEST_F(MilterClientTest, StepsWithoutReplyAreNotWaitedFor) {
  auto conversation = start(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
                            SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  MilterMessage message = example();
  message.body.assign(200'000, 'x');
  const auto outcome = conversation->message(message);
  ASSERT_TRUE(outcome) << outcome.error();
  const auto notes = notes_in(*outcome);
  EXPECT_EQ(notes.size(), 11U);
  EXPECT_NE(std::find(notes.begin(), notes.end(), "body 200000 in 4"), notes.end());
}

TEST_F(MilterClientTest, StepsNegotiatedAwayAreNotSentButTheirMacrosAre) {
  auto conversation = start(SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NODATA | SMFIP_NOEOH);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  const auto outcome = conversation->message(example());
  ASSERT_TRUE(outcome) << outcome.error();
  const auto notes = notes_in(*outcome);
  for (const char* absent : {"helo", "rcpt", "data", "eoh"}) {
    EXPECT_TRUE(std::none_of(notes.begin(), notes.end(), [&](const std::string& note) {
      return note.starts_with(absent);
    })) << absent;
  }
  EXPECT_EQ(notes.back(), "eom 4ABCDEF");
}

TEST_F(MilterClientTest, SkipEndsTheBody) {
  auto conversation = start(SMFIP_SKIP);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  MilterMessage message = example();
  message.body.assign(200'000, 'x');
  const auto outcome = conversation->message(message);
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_TRUE(outcome->skipped_body);
  const auto notes = notes_in(*outcome);
  EXPECT_NE(std::find(notes.begin(), notes.end(), "body 65535 in 1"), notes.end());
}

TEST_F(MilterClientTest, ARefusalAtTheEndCarriesItsText) {
  auto conversation = start(0);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  MilterMessage message = example();
  message.headers.emplace_back("X-Refuse", " yes");
  const auto outcome = conversation->message(message);
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(outcome->reply.letter, SMFIR_REPLYCODE);
  EXPECT_EQ(outcome->reply.text, "550 5.7.1 refused for a test");
  EXPECT_FALSE(outcome->reply.goes_on());
}

TEST_F(MilterClientTest, AfterAMessageThatEndsEarlyTheNextIsServed) {
  auto conversation = start(0);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  MilterMessage deferred = example();
  deferred.headers.emplace_back("X-Defer", " yes");
  const auto first = conversation->message(deferred);
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(first->step, SMFIC_HEADER);
  EXPECT_EQ(first->reply.letter, SMFIR_TEMPFAIL);
  MilterMessage accepted = example();
  accepted.sender = "<accept@example.com>";
  const auto second = conversation->message(accepted);
  ASSERT_TRUE(second) << second.error();
  EXPECT_EQ(second->step, SMFIC_MAIL);
  EXPECT_EQ(second->reply.letter, SMFIR_ACCEPT);
  const auto third = conversation->message(example());
  ASSERT_TRUE(third) << third.error();
  EXPECT_EQ(third->step, SMFIC_BODYEOB);
  EXPECT_EQ(third->reply.letter, SMFIR_CONTINUE);
}

TEST_F(MilterClientTest, AnAbandonedMessageIsAborted) {
  auto conversation = start(SMFIP_NR_MAIL);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  ASSERT_TRUE(conversation->mail(example()));
  ASSERT_TRUE(conversation->rcpt("<recipient@example.net>", "4ABCDEF"));
  ASSERT_TRUE(conversation->data("4ABCDEF"));
  ASSERT_TRUE(conversation->header("Subject", " never ends"));
  ASSERT_TRUE(conversation->abort());
  const auto outcome = conversation->message(example());
  ASSERT_TRUE(outcome) << outcome.error();
  const auto notes = notes_in(*outcome);
  EXPECT_EQ(notes.size(), 10U);
  EXPECT_EQ(notes.front(), "aborted");
}

TEST_F(MilterClientTest, RefusedRecipientsAreLeftOut) {
  auto conversation = start(0);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  MilterMessage message = example();
  message.recipients = {"<bad1@example.net>", "<good@example.net>"};
  const auto some = conversation->message(message);
  ASSERT_TRUE(some) << some.error();
  ASSERT_EQ(some->recipients.size(), 2U);
  EXPECT_EQ(some->recipients[0].text, "550 5.1.1 no such user");
  EXPECT_EQ(some->recipients[1].letter, SMFIR_CONTINUE);
  EXPECT_EQ(some->step, SMFIC_BODYEOB);
  message.recipients = {"<bad1@example.net>", "<bad2@example.net>"};
  const auto none = conversation->message(message);
  ASSERT_TRUE(none) << none.error();
  EXPECT_EQ(none->step, SMFIC_RCPT);
  EXPECT_EQ(none->reply.text, "550 5.1.1 no such user");
}

TEST_F(MilterClientTest, ANewSessionMayFollowOnTheSameConnection) {
  auto conversation = start(0);
  ASSERT_TRUE(conversation && conversation->negotiate() && conversation->open());
  ASSERT_TRUE(conversation->message(example()));
  ASSERT_TRUE(conversation->quit_new_connection());
  MilterClientInfo info;
  info.name = "other.example.com";
  info.address = "2001:db8::1";
  ASSERT_TRUE(conversation->open(info));
  const auto outcome = conversation->message(example());
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(notes_in(*outcome).front(), "connect other.example.com 2001:db8::1 smtpd");
}

TEST_F(MilterClientTest, AClientWithoutAddressIsUnknown) {
  auto conversation = start(0);
  ASSERT_TRUE(conversation && conversation->negotiate());
  MilterClientInfo info;
  info.address = "";
  ASSERT_TRUE(conversation->open(info));
  const auto outcome = conversation->message(example());
  ASSERT_TRUE(outcome) << outcome.error();
  EXPECT_EQ(notes_in(*outcome).front(), "connect mail.example.com - smtpd");
}

TEST_F(MilterClientTest, ASilentFilterIsAnErrorInTime) {
  ASSERT_TRUE(start(0));
  auto client = MilterClient::connect(process_->socket(), 100ms);
  ASSERT_TRUE(client) << client.error();
  ASSERT_TRUE(client->send_octets(std::string("\0\0\0\x0dO", 5)));  // half of a packet
  const auto packet = client->receive();
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error(), "receive: timed out");
}

TEST_F(MilterClientTest, AFilterThatHangsUpIsAnError) {
  auto conversation = start(0);
  ASSERT_TRUE(conversation);
  ASSERT_TRUE(conversation->negotiate() && conversation->open());
  ASSERT_TRUE(conversation->client().send(SMFIC_QUIT));
  const auto packet = conversation->client().receive();
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error(), "the filter closed the connection");
}

TEST(MilterClientSocket, BadSpellingsSayWhatWasExpected) {
  for (const char* socket : {"", "unix", "unix:", "/run/x", "inet:25", "inet:x@127.0.0.1",
                             "inet:25@localhost", "tcp:25@127.0.0.1"}) {
    const auto client = MilterClient::connect(socket, 1s);
    ASSERT_FALSE(client) << socket;
    EXPECT_TRUE(client.error().starts_with(std::string(socket) + ": ")) << client.error();
  }
  EXPECT_FALSE(MilterClient::connect("unix:/nonexistent/socket", 1s));
  EXPECT_FALSE(MilterClient::connect("unix:" + std::string(200, 'x'), 1s));
}

TEST(MilterMessageContent, IsCutIntoFieldsAndABodyWithCrlf) {
  MilterMessage message;
  message.set_content("A: 1\nB :2\n\t3\n\nbody: x\n\nend");
  EXPECT_EQ(message.headers,
            (std::vector<std::pair<std::string, std::string>>{{"A", " 1"}, {"B ", "2\n\t3"}}));
  EXPECT_EQ(message.body, "body: x\r\n\r\nend\r\n");
}

}  // namespace
}  // namespace signet
