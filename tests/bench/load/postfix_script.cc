// SPDX-License-Identifier: BSD-2-Clause

#include "tests/bench/load/postfix_script.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include <sstream>

namespace signet {

/// One command, and how it is negotiated away or left without an answer.
struct PostfixWriter::Event {
  char command;
  unsigned long not_sent;
  unsigned long no_reply;
};

namespace {

constexpr char kQueueId[] = "4TbK2x6Zq1z9sQ";

void put_u32(std::string& octets, uint32_t value) {
  const uint32_t big = htonl(value);
  octets.append(reinterpret_cast<const char*>(&big), sizeof big);
}

void put_packet(std::string& octets, char letter, std::string_view data) {
  put_u32(octets, static_cast<uint32_t>(data.size() + 1));
  octets += letter;
  octets += data;
}

void put_string(std::string& octets, std::string_view text) {
  octets += text;
  octets += '\0';
}

std::string domain_of(std::string_view address) {
  return std::string(address.substr(address.find('@') + 1));
}

/// Empty: Postfix has no value for it, and leaves it out.
std::string macro_value(std::string_view name, const PoolMessage& message) {
  if (name == "j") return "mx.bench.example";
  if (name == "{daemon_name}") return message.login.empty() ? "smtpd" : "submission";
  if (name == "{daemon_addr}") return "192.0.2.25";
  if (name == "v") return "Postfix 3.7.11";
  if (name == "_") return fmt::format("{} [{}]", message.helo, message.client);
  if (name == "{client_addr}") return message.client;
  if (name == "{client_name}" || name == "{client_ptr}") return message.helo;
  if (name == "{auth_type}") return message.login.empty() ? "" : "PLAIN";
  if (name == "{auth_authen}") return message.login;
  if (name == "{mail_addr}") return message.from;
  if (name == "{mail_host}") return domain_of(message.from);
  if (name == "{rcpt_addr}") return "reader@reader.example";
  if (name == "{rcpt_host}") return "reader.example";
  if (name == "{mail_mailer}" || name == "{rcpt_mailer}") return "smtp";
  return name == "i" ? kQueueId : "";
}

}  // namespace

std::string PostfixWriter::macros(unsigned stage, std::string_view defaults,
                                  const PoolMessage& message) const {
  const auto own = options_.macros.find(stage);
  const bool overridden = own != options_.macros.end() && !own->second.empty();
  // The queue file, and with it the queue id, is there when the first recipient has been accepted.
  const bool has_queue_id = stage != SMFIM_ENVFROM && stage != SMFIM_ENVRCPT;
  std::istringstream names(overridden ? own->second : std::string(defaults));
  std::string octets;
  for (std::string name; names >> name;) {
    const std::string value = macro_value(name, message);
    if (value.empty() || (name == "i" && !has_queue_id)) continue;
    put_string(octets, name);
    put_string(octets, value);
  }
  return octets;
}

void PostfixWriter::add(MilterSteps& steps, const Event& event, std::string_view macros,
                        std::string_view data) const {
  if (steps.empty() || steps.back().answered) steps.emplace_back();
  MilterStep& step = steps.back();
  put_packet(step.octets, SMFIC_MACRO, std::string(1, event.command).append(macros));
  if ((options_.protocol & event.not_sent) != 0) return;
  put_packet(step.octets, event.command, data);
  step.command = event.command;
  step.answered = (options_.protocol & event.no_reply) == 0;
}

void PostfixWriter::add_header(MilterSteps& steps, std::string_view name,
                               std::string_view value) const {
  if ((options_.protocol & SMFIP_NOHDRS) != 0) return;  // nor are its macros sent
  const bool keep_space = (options_.protocol & SMFIP_HDR_LEADSPC) != 0;
  if (!keep_space && value.starts_with(' ')) value.remove_prefix(1);
  std::string data;
  put_string(data, name);
  put_string(data, value);
  add(steps, {SMFIC_HEADER, 0, SMFIP_NR_HDR}, macros(SMFIM_EOH, "i", {}), data);
}

void PostfixWriter::add_body(MilterSteps& steps, std::string_view octets) const {
  if ((options_.protocol & SMFIP_NOBODY) != 0) return;
  for (; !octets.empty();
       octets.remove_prefix(std::min<size_t>(octets.size(), MILTER_CHUNK_SIZE))) {
    add(steps, {SMFIC_BODY, 0, SMFIP_NR_BODY}, macros(SMFIM_EOM, "i", {}),
        octets.substr(0, MILTER_CHUNK_SIZE));
  }
}

MilterScript PostfixWriter::write(const PoolMessage& message) const {
  MilterMessage content;
  content.set_content(message.text);
  MilterScript script;
  std::string data;

  put_string(data, message.helo);
  data += SMFIA_INET;
  data += "\xc3\x50";  // the client's port
  put_string(data, message.client);
  add(script.connect, {SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN},
      macros(SMFIM_CONNECT, "j {daemon_name} {daemon_addr} v _", message), data);

  data.clear();
  put_string(data, message.helo);
  add(script.helo, {SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO}, macros(SMFIM_HELO, "", message),
      data);

  data.clear();
  put_string(data, "<" + message.from + ">");
  put_string(data, fmt::format("SIZE={}", message.text.size()));
  put_string(data, "BODY=8BITMIME");
  add(script.mail, {SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL},
      macros(SMFIM_ENVFROM,
             "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
             message),
      data);

  data.clear();
  put_string(data, "<reader@reader.example>");
  add(script.rcpt, {SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT},
      macros(SMFIM_ENVRCPT, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}", message), data);
  add(script.data, {SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA}, macros(SMFIM_DATA, "i", message), {});

  for (const auto& [name, value] : content.headers) add_header(script.header, name, value);
  if ((options_.protocol & SMFIP_NOEOH) == 0) {
    add(script.body, {SMFIC_EOH, 0, SMFIP_NR_EOH}, macros(SMFIM_EOH, "i", message), {});
  }
  const std::string_view body = content.body;
  const size_t half = halves_ ? body.size() / 2 : body.size();
  add_body(script.body, body.substr(0, half));
  add_body(script.rest, body.substr(half));
  add(script.end, {SMFIC_BODYEOB, 0, 0}, macros(SMFIM_EOM, "i", message), {});
  return script;
}

}  // namespace signet
