// SPDX-License-Identifier: BSD-2-Clause
//
// What libmilter calls, one function for each step of the protocol, and what it is told in return.
// Nothing is decided here: steps feed the Session, and at the end of the message its Actions are
// carried out. Exceptions end in quietly() and on_end_of_message().

#include "milter/callbacks.h"

#include <libmilter/mfapi.h>

#include <exception>
#include <optional>

#include "milter/libmilter/macros.h"
#include "milter/libmilter/perform_action.h"
#include "milter/libmilter/worker_pool.h"
#include "milter/log.h"
#include "milter/message_line.h"
#include "milter/session.h"

namespace signet {
namespace {

// The one service of the process; set by open_milter() before libmilter has a thread.
MilterService* service = nullptr;

// Headers, removal of headers, quarantine: without them a verdict cannot be told.
constexpr unsigned long kActions = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE;
// Steps that never refuse need no reply, which saves a round trip each. MAIL has one all the same:
// Postfix holds the envelope back until it wants an answer, and SPF would begin at DATA. Steps not
// used are not sent; and without the leading space "simple" header canonicalization cannot be
// right.
constexpr unsigned long kProtocol = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_EOH |
                                    SMFIP_NR_BODY | SMFIP_NORCPT | SMFIP_NODATA | SMFIP_NOUNKNOWN |
                                    SMFIP_HDR_LEADSPC;

// Passes the news on that a message's end need not wait any more.
class GoOn final : public AnswerListener {
 public:
  explicit GoOn(std::function<void()> go_on) : go_on_(std::move(go_on)) {}
  void answer_arrived() noexcept override { go_on_(); }

 private:
  const std::function<void()> go_on_;
};

// What belongs to one connection of the MTA.
struct Connection {
  Session session{service->runtimes, service->background};
  unsigned long protocol = 0;   // the SMFIP_ flags agreed on
  std::string error;            // the internal error that spoiled the message at hand
  bool counted = false;         // the message at hand is in messages_in_flight
  std::shared_ptr<GoOn> go_on;  // while the end of the message is held

  Connection() { ++service->connections; }
  ~Connection() {
    count(false);
    --service->connections;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void count(bool in_flight) {
    if (in_flight != counted) service->messages_in_flight += in_flight ? 1 : -1;
    counted = in_flight;
  }
};

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

bool has_leading_space(const Connection& connection) {
  return (connection.protocol & SMFIP_HDR_LEADSPC) != 0;
}

Connection* connection_of(SMFICTX* context) {
  return static_cast<Connection*>(smfi_getpriv(context));
}

// Runs one step that has no say in the message's fate. An exception ends here: it spoils the
// message, whose end then answers as OnInternalError says.
template <class Step>
sfsistat quietly(SMFICTX* context, unsigned long no_reply, Step step) {
  Connection* connection = connection_of(context);
  if (connection == nullptr) return SMFIS_TEMPFAIL;
  try {
    step(*connection);
  } catch (const std::exception& error) {
    connection->error = error.what();
    connection->session.reset();
  }
  return (connection->protocol & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long protocol,
                      unsigned long /*unused*/, unsigned long /*unused*/,
                      unsigned long* our_actions, unsigned long* our_protocol,
                      unsigned long* unused2, unsigned long* unused3) {
  if (service->draining) return SMFIS_REJECT;
  if ((actions & kActions) != kActions) {
    service->log->error("the MTA offers actions {:#x}, {:#x} are needed", actions, kActions);
    return SMFIS_REJECT;
  }
  try {
    auto connection = std::make_unique<Connection>();
    connection->protocol = protocol & kProtocol;
    *our_actions = kActions;
    if ((actions & SMFIF_SETSYMLIST) != 0) {
      *our_actions |= SMFIF_SETSYMLIST;
      choose_macros(context);
    }
    *our_protocol = connection->protocol;
    *unused2 = *unused3 = 0;
    if (smfi_setpriv(context, connection.get()) != MI_SUCCESS) return SMFIS_REJECT;
    static_cast<void>(connection.release());  // on_close() deletes it
  } catch (const std::exception& error) {
    service->log->error("connection refused: {}", error.what());
    return SMFIS_REJECT;
  }
  return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX* context, char* name, _SOCK_ADDR* address) {
  return quietly(context, SMFIP_NR_CONN, [&](Connection& connection) {
    connection.session.connect(client_address(text_or_empty(name), address), macro(context, "j"));
  });
}

sfsistat on_helo(SMFICTX* context, char* name) {
  return quietly(context, SMFIP_NR_HELO,
                 [&](Connection& connection) { connection.session.helo(text_or_empty(name)); });
}

sfsistat on_mail(SMFICTX* context, char** arguments) {
  return quietly(context, SMFIP_NR_MAIL, [&](Connection& connection) {
    connection.error.clear();
    // The end does not wait for a message that begins after SIGTERM.
    connection.count(!service->draining);
    Client client;
    client.auth_type = macro(context, "{auth_type}");
    client.auth_login = macro(context, "{auth_authen}");
    client.listener = macro(context, "{daemon_name}");
    connection.session.mail_from(text_or_empty(arguments[0]), std::move(client), now());
  });
}

sfsistat on_header(SMFICTX* context, char* name, char* value) {
  return quietly(context, SMFIP_NR_HDR, [&](Connection& connection) {
    const char* space = has_leading_space(connection) ? "" : " ";
    connection.session.header(text_or_empty(name), space + text_or_empty(value));
  });
}

sfsistat on_end_of_headers(SMFICTX* context) {
  return quietly(context, SMFIP_NR_EOH,
                 [](Connection& connection) { connection.session.end_of_headers(); });
}

sfsistat on_body(SMFICTX* context, unsigned char* octets, size_t size) {
  return quietly(context, SMFIP_NR_BODY, [&](Connection& connection) {
    connection.session.body({reinterpret_cast<const char*>(octets), size});
  });
}

sfsistat answer_of(const Action& action) {
  const Reply* reply = std::get_if<Reply>(&action);
  if (reply == nullptr) return SMFIS_CONTINUE;
  return reply->code >= 500 ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

sfsistat finish_message(SMFICTX* context, Connection& connection) {
  const std::vector<Action> actions = connection.session.end_of_message(macro(context, "i"), now());
  sfsistat answer = SMFIS_CONTINUE;
  for (const Action& action : actions) {
    answer = answer_of(action);
    if (perform(context, action, has_leading_space(connection))) continue;
    service->log->error("libmilter refused an action, queue_id={}",
                        log_value(connection.session.report().queue_id));
    if (answer == SMFIS_CONTINUE) return SMFIS_TEMPFAIL;
  }
  service->log->info("{}", to_log_line(connection.session.report()));
  return answer;
}

// The end of a message that met an internal error, with the one log line that every message has.
sfsistat give_up_message(SMFICTX* context, const std::string& error) {
  const auto runtime = service->runtimes.get();
  const bool accept =
      runtime->config.shadow || runtime->config.on_internal_error == FailureAction::accept;
  service->log->error("queue_id={} action={} internal_error={}", log_value(macro(context, "i")),
                      accept ? "accept" : "tempfail", log_quoted(error));
  return accept ? SMFIS_ACCEPT : SMFIS_TEMPFAIL;
}

bool end_waits(SMFICTX* context, const std::function<void()>& go_on) {
  Connection* connection = connection_of(context);
  if (connection == nullptr || !connection->error.empty()) return false;
  try {
    if (!connection->go_on) connection->go_on = std::make_shared<GoOn>(go_on);
    if (connection->session.end_waits(connection->go_on)) return true;
  } catch (const std::exception&) {
    // The end comes now; it meets the same error, or waits.
  }
  connection->go_on.reset();
  return false;
}

sfsistat on_end_of_message(SMFICTX* context) {
  Connection* connection = connection_of(context);
  if (connection == nullptr) return SMFIS_TEMPFAIL;
  sfsistat answer = SMFIS_TEMPFAIL;
  try {
    std::optional<WaitingWorker> waiting;
    if (connection->session.may_wait()) waiting.emplace();
    if (connection->error.empty()) answer = finish_message(context, *connection);
  } catch (const std::exception& error) {
    connection->error = error.what();
  }
  if (!connection->error.empty()) answer = give_up_message(context, connection->error);
  connection->count(false);
  return answer;
}

sfsistat on_abort(SMFICTX* context) {
  return quietly(context, 0, [](Connection& connection) {
    connection.session.reset();
    connection.error.clear();
    connection.count(false);
  });
}

sfsistat on_close(SMFICTX* context) {
  const std::unique_ptr<Connection> connection(connection_of(context));
  smfi_setpriv(context, nullptr);
  return SMFIS_CONTINUE;
}

}  // namespace

Result<bool> open_milter(MilterService& milter_service, const std::string& socket,
                         std::chrono::seconds timeout) {
  service = &milter_service;
  smfiDesc description{};
  std::string name = "signet";
  description.xxfi_name = name.data();
  description.xxfi_version = SMFI_VERSION;
  description.xxfi_flags = kActions | SMFIF_SETSYMLIST;
  description.xxfi_connect = on_connect;
  description.xxfi_helo = on_helo;
  description.xxfi_envfrom = on_mail;
  description.xxfi_header = on_header;
  description.xxfi_eoh = on_end_of_headers;
  description.xxfi_body = on_body;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_abort = on_abort;
  description.xxfi_close = on_close;
  description.xxfi_negotiate = on_negotiate;
  std::string connection = socket;
  if (smfi_setconn(connection.data()) != MI_SUCCESS) {
    return Error{"libmilter does not take the socket " + socket};
  }
  smfi_settimeout(static_cast<int>(timeout.count()));
  set_idle_timeout(timeout);
  set_end_waits(end_waits);
  if (smfi_register(description) != MI_SUCCESS) return Error{"libmilter does not take the filter"};
  if (smfi_opensocket(true) != MI_SUCCESS) return Error{"cannot listen on " + socket};
  return true;
}

void run_milter() { smfi_main(); }

std::string milter_library_version() {
  unsigned int major = 0, minor = 0, patch = 0;
  smfi_version(&major, &minor, &patch);
  return fmt::format("{}.{}.{}", major, minor, patch);
}

}  // namespace signet
