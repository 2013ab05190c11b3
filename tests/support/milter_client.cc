// SPDX-License-Identifier: BSD-2-Clause
//
// Packets: four octets of length in network order, a letter, and its octets. Strings inside end in
// NUL. What each command carries is laid down in <libmilter/mfdef.h> and in libmilter's own parser.

#include "tests/support/milter_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace signet {
namespace {

// Postfix's streams have buffers of this size: so much goes into one write, and one read.
constexpr size_t kStreamOctets = 4096;
constexpr uint32_t kMaxPacketOctets = 64 * 1024 * 1024;  // no filter of ours writes more
constexpr size_t kBodyChunk = MILTER_CHUNK_SIZE;

Error system_error(std::string_view what) {
  const bool late = errno == EAGAIN || errno == EWOULDBLOCK;
  return Error{fmt::format("{}: {}", what, late ? "timed out" : std::strerror(errno))};
}

// ---- numbers and strings on the wire

void put_u32(std::string& out, uint32_t value) {
  const uint32_t big = htonl(value);
  out.append(reinterpret_cast<const char*>(&big), sizeof big);
}

/// A value over 0xffffffff cannot come in: `data` has at least `offset` + 4 octets.
uint32_t u32_at(std::string_view data, size_t offset) {
  uint32_t big = 0;
  std::memcpy(&big, data.data() + offset, sizeof big);
  return ntohl(big);
}

void put_string(std::string& out, std::string_view text) {
  out += text;
  out += '\0';
}

/// What stands before the next NUL, taken off `data`.
std::string take_string(std::string_view& data) {
  const size_t end = data.find('\0');
  std::string text(data.substr(0, end));
  data.remove_prefix(end == std::string_view::npos ? data.size() : end + 1);
  return text;
}

// ---- sockets

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> unix_address(std::string_view path) {
  Address address;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof un.sun_path) return Error{"bad path of a socket"};
  std::memcpy(un.sun_path, path.data(), path.size());
  std::memcpy(&address.storage, &un, sizeof un);
  address.size = sizeof un;
  return address;
}

Result<Address> inet_address(std::string_view port_and_host) {
  const size_t at = port_and_host.find('@');
  uint16_t port = 0;
  std::from_chars(port_and_host.data(), port_and_host.data() + port_and_host.size(), port);
  if (at == std::string_view::npos || port == 0) return Error{"want PORT@ADDRESS"};
  const std::string host(port_and_host.substr(at + 1));
  Address address;
  sockaddr_in in{};
  sockaddr_in6 in6{};
  if (inet_pton(AF_INET, host.c_str(), &in.sin_addr) == 1) {
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  } else if (inet_pton(AF_INET6, host.c_str(), &in6.sin6_addr) == 1) {
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    std::memcpy(&address.storage, &in6, sizeof in6);
    address.size = sizeof in6;
  } else {
    return Error{"want an IP address after the @"};
  }
  return address;
}

Result<Address> parse_socket(std::string_view socket) {
  const size_t colon = socket.find(':');
  const std::string_view kind = socket.substr(0, colon);
  const std::string_view rest =
      colon == std::string_view::npos ? std::string_view() : socket.substr(colon + 1);
  if (kind == "unix" || kind == "local") return unix_address(rest);
  if (kind == "inet" || kind == "inet6") return inet_address(rest);
  return Error{"want unix:PATH, local:PATH or inet:PORT@ADDRESS"};
}

void set_timeout(int fd, std::chrono::milliseconds timeout) {
  timeval value{};
  value.tv_sec = timeout.count() / 1000;
  value.tv_usec = (timeout.count() % 1000) * 1000;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

// ---- replies

/// SMFIR_INSHEADER and SMFIR_CHGHEADER begin with an index.
bool has_index(char letter) { return letter == SMFIR_INSHEADER || letter == SMFIR_CHGHEADER; }

bool is_header_change(char letter) { return letter == SMFIR_ADDHEADER || has_index(letter); }

bool is_modification(char letter) {
  constexpr std::string_view kOthers{"qb+-2e"};  // quarantine, body, recipients, sender
  static_assert(SMFIR_QUARANTINE == 'q' && SMFIR_REPLBODY == 'b' && SMFIR_CHGFROM == 'e');
  return is_header_change(letter) || kOthers.find(letter) != std::string_view::npos;
}

Result<MilterModification> parse_modification(const MilterPacket& packet) {
  MilterModification change;
  change.letter = packet.letter;
  std::string_view data = packet.data;
  if (packet.letter == SMFIR_REPLBODY) {
    change.value = packet.data;
    return change;
  }
  if (has_index(packet.letter)) {
    if (data.size() < MILTER_LEN_BYTES) return Error{"a header change without an index"};
    change.index = u32_at(data, 0);
    data.remove_prefix(MILTER_LEN_BYTES);
  }
  if (is_header_change(packet.letter)) change.name = take_string(data);
  change.value = take_string(data);
  // SMFIR_CHGFROM and SMFIR_ADDRCPT_PAR may carry ESMTP arguments.
  while (!data.empty()) change.value += ' ' + take_string(data);
  return change;
}

/// After smfi_setsymlist the answer to SMFIC_OPTNEG ends in pairs of a stage and a list of names.
std::map<uint32_t, std::string> parse_macro_lists(std::string_view data) {
  std::map<uint32_t, std::string> lists;
  while (data.size() > MILTER_LEN_BYTES) {
    const uint32_t stage = u32_at(data, 0);
    data.remove_prefix(MILTER_LEN_BYTES);
    lists[stage] = take_string(data);
  }
  return lists;
}

std::string connect_data(const MilterClientInfo& info) {
  std::string data;
  put_string(data, info.name);
  if (info.address.empty()) {
    data += SMFIA_UNKNOWN;
    return data;
  }
  data += info.address.find(':') == std::string::npos ? SMFIA_INET : SMFIA_INET6;
  const uint16_t port = htons(info.port);
  data.append(reinterpret_cast<const char*>(&port), sizeof port);
  put_string(data, info.address);
  return data;
}

}  // namespace

// ---- MilterClient

Result<MilterClient> MilterClient::connect(std::string_view socket,
                                           std::chrono::milliseconds timeout) {
  const auto address = parse_socket(socket);
  if (!address) return Error{fmt::format("{}: {}", socket, address.error())};
  MilterClient client(::socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (client.fd_ < 0) return system_error("socket");
  set_timeout(client.fd_, timeout);
  const int on = 1;  // an answer is waited for after nearly every packet
  setsockopt(client.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address->storage);
  if (::connect(client.fd_, raw, address->size) != 0) return system_error(socket);
  return client;
}

MilterClient::~MilterClient() { close(); }

MilterClient::MilterClient(MilterClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      out_(std::move(other.out_)),
      in_(std::move(other.in_)),
      in_start_(std::exchange(other.in_start_, 0)) {}

MilterClient& MilterClient::operator=(MilterClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(out_, other.out_);
  std::swap(in_, other.in_);
  std::swap(in_start_, other.in_start_);
  return *this;
}

void MilterClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<bool> MilterClient::send(char letter, std::string_view data) {
  std::string start;
  put_u32(start, static_cast<uint32_t>(data.size() + 1));
  start += letter;
  auto sent = send_octets(start);
  return sent ? send_octets(data) : sent;
}

Result<bool> MilterClient::send_octets(std::string_view octets) {
  while (out_.size() + octets.size() >= kStreamOctets) {
    const size_t piece = kStreamOctets - out_.size();
    out_ += octets.substr(0, piece);
    octets.remove_prefix(piece);
    if (auto sent = flush(); !sent) return sent;
  }
  out_ += octets;
  return true;
}

Result<bool> MilterClient::flush() {
  std::string_view rest = out_;
  while (!rest.empty()) {
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return system_error("send");
    rest.remove_prefix(static_cast<size_t>(sent));
  }
  out_.clear();
  return true;
}

Result<bool> MilterClient::read_at_least(size_t octets) {
  in_.erase(0, std::exchange(in_start_, 0));
  while (in_.size() < octets) {
    const size_t have = in_.size();
    in_.resize(have + std::max(octets - have, kStreamOctets));
    const ssize_t got = ::recv(fd_, in_.data() + have, in_.size() - have, 0);
    const int error = errno;
    in_.resize(have + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    errno = error;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("receive");
    if (got == 0) return Error{"the filter closed the connection"};
  }
  return true;
}

Result<MilterPacket> MilterClient::receive() {
  if (auto sent = flush(); !sent) return Error{sent.error()};
  const auto have = [&](size_t octets) -> Result<bool> {
    return in_.size() - in_start_ >= octets ? Result<bool>(true) : read_at_least(octets);
  };
  if (auto read = have(MILTER_LEN_BYTES); !read) return Error{read.error()};
  const uint32_t size = u32_at(in_, in_start_);
  if (size == 0 || size > kMaxPacketOctets) {
    return Error{fmt::format("a packet of {} octets", size)};
  }
  if (auto read = have(MILTER_LEN_BYTES + size); !read) return Error{read.error()};
  const size_t start = in_start_ + MILTER_LEN_BYTES;
  MilterPacket packet{in_[start], in_.substr(start + 1, size - 1)};
  in_start_ = start + size;
  return packet;
}

// ---- answers

Result<MilterReply> receive_reply(MilterClient& client) {
  MilterReply reply;
  for (;;) {
    auto packet = client.receive();
    if (!packet) return Error{packet.error()};
    if (packet->letter == SMFIR_PROGRESS) {
      ++reply.progress;
    } else if (is_modification(packet->letter)) {
      auto change = parse_modification(*packet);
      if (!change) return Error{change.error()};
      reply.modifications.push_back(*std::move(change));
    } else {
      reply.letter = packet->letter;
      std::string_view data = packet->data;
      reply.text = take_string(data);
      return reply;
    }
  }
}

// ---- MilterMessage

void MilterMessage::set_content(std::string_view text) {
  headers.clear();
  body.clear();
  bool in_body = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const size_t colon = line.find(':');
    if (in_body) {
      body.append(line).append("\r\n");
    } else if (line.empty()) {
      in_body = true;
    } else if ((line[0] == ' ' || line[0] == '\t') && !headers.empty()) {
      headers.back().second.append("\n").append(line);
    } else if (colon != std::string_view::npos) {
      headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
  }
}

// ---- MilterConversation

Result<MilterOptions> MilterConversation::negotiate(const MilterOffer& offer) {
  std::string data;
  for (const uint32_t value : {offer.version, offer.actions, offer.protocol}) put_u32(data, value);
  if (auto sent = client_.send(SMFIC_OPTNEG, data); !sent) return Error{sent.error()};
  auto packet = client_.receive();
  if (!packet) return Error{packet.error()};
  if (packet->letter != SMFIC_OPTNEG || packet->data.size() < MILTER_OPTLEN) {
    return Error{"the filter did not answer the option negotiation"};
  }
  options_.version = u32_at(packet->data, 0);
  options_.actions = u32_at(packet->data, MILTER_LEN_BYTES);
  options_.protocol = u32_at(packet->data, MILTER_LEN_BYTES + MILTER_LEN_BYTES);
  options_.macros = parse_macro_lists(std::string_view(packet->data).substr(MILTER_OPTLEN));
  if ((options_.actions & ~offer.actions) != 0 || (options_.protocol & ~offer.protocol) != 0) {
    return Error{"the filter wants what was not offered"};
  }
  return options_;
}

Result<bool> MilterConversation::send_macros(char command, const MilterMacros& macros) {
  std::string data(1, command);
  for (const auto& [name, value] : macros) {
    put_string(data, name);
    put_string(data, value);
  }
  return macros.empty() ? Result<bool>(true) : client_.send(SMFIC_MACRO, data);
}

Result<MilterReply> MilterConversation::step(char command, uint32_t not_sent, uint32_t no_reply,
                                             std::string_view data) {
  if ((options_.protocol & not_sent) != 0) return MilterReply{};
  if (auto sent = client_.send(command, data); !sent) return Error{sent.error()};
  if ((options_.protocol & no_reply) != 0) return MilterReply{};
  return receive_reply(client_);
}

Result<MilterReply> MilterConversation::connect(const MilterClientInfo& info) {
  if (auto sent = send_macros(SMFIC_CONNECT, info.macros); !sent) return Error{sent.error()};
  return step(SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN, connect_data(info));
}

Result<MilterReply> MilterConversation::helo(std::string_view name) {
  std::string data;
  put_string(data, name);
  return step(SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO, data);
}

Result<MilterReply> MilterConversation::mail(const MilterMessage& message) {
  auto sent = send_macros(SMFIC_MAIL, message.mail_macros);
  if (!sent) return Error{sent.error()};
  std::string data;
  put_string(data, message.sender);
  return step(SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL, data);
}

Result<MilterReply> MilterConversation::rcpt(std::string_view recipient,
                                             std::string_view queue_id) {
  auto sent = send_macros(SMFIC_RCPT, {{"i", std::string(queue_id)}});
  if (!sent) return Error{sent.error()};
  std::string data;
  put_string(data, recipient);
  return step(SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT, data);
}

Result<MilterReply> MilterConversation::data(std::string_view queue_id) {
  auto sent = send_macros(SMFIC_DATA, {{"i", std::string(queue_id)}});
  if (!sent) return Error{sent.error()};
  return step(SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA, {});
}

Result<MilterReply> MilterConversation::header(std::string_view name, std::string_view value) {
  // Without SMFIP_HDR_LEADSPC the white space after the colon stays with the MTA.
  const size_t start =
      (options_.protocol & SMFIP_HDR_LEADSPC) != 0 ? 0 : value.find_first_not_of(" \t");
  std::string data;
  put_string(data, name);
  put_string(data, value.substr(std::min(start, value.size())));
  return step(SMFIC_HEADER, SMFIP_NOHDRS, SMFIP_NR_HDR, data);
}

Result<MilterReply> MilterConversation::end_of_headers(std::string_view queue_id) {
  auto sent = send_macros(SMFIC_EOH, {{"i", std::string(queue_id)}});
  if (!sent) return Error{sent.error()};
  return step(SMFIC_EOH, SMFIP_NOEOH, SMFIP_NR_EOH, {});
}

Result<MilterReply> MilterConversation::body(std::string_view octets) {
  while (!octets.empty()) {
    auto reply = step(SMFIC_BODY, SMFIP_NOBODY, SMFIP_NR_BODY, octets.substr(0, kBodyChunk));
    if (!reply || reply->letter != SMFIR_CONTINUE) return reply;
    octets.remove_prefix(std::min(octets.size(), kBodyChunk));
  }
  return MilterReply{};
}

Result<MilterReply> MilterConversation::end_of_message(std::string_view queue_id) {
  auto sent = send_macros(SMFIC_BODYEOB, {{"i", std::string(queue_id)}});
  if (!sent) return Error{sent.error()};
  return step(SMFIC_BODYEOB, 0, 0, {});
}

Result<MilterReply> MilterConversation::open(const MilterClientInfo& info) {
  auto reply = connect(info);
  if (!reply || !reply->goes_on()) return reply;
  return helo(info.helo);
}

Result<MilterReply> MilterConversation::envelope(const MilterMessage& message,
                                                 MilterOutcome& outcome) {
  outcome.step = SMFIC_MAIL;
  auto reply = mail(message);
  if (!reply || !reply->goes_on()) return reply;
  outcome.step = SMFIC_RCPT;
  bool any = message.recipients.empty();
  for (const std::string& recipient : message.recipients) {
    reply = rcpt(recipient, message.queue_id);
    if (!reply) return reply;
    outcome.recipients.push_back(*reply);
    // Accept and discard are about the message, refusals about the recipient.
    if (reply->letter == SMFIR_ACCEPT || reply->letter == SMFIR_DISCARD) return reply;
    any = any || reply->goes_on();
  }
  if (!any) return reply;
  outcome.step = SMFIC_DATA;
  return data(message.queue_id);
}

Result<MilterReply> MilterConversation::content(const MilterMessage& message,
                                                MilterOutcome& outcome) {
  outcome.step = SMFIC_HEADER;
  for (const auto& [name, value] : message.headers) {
    auto reply = header(name, value);
    if (!reply || !reply->goes_on()) return reply;
  }
  outcome.step = SMFIC_EOH;
  auto reply = end_of_headers(message.queue_id);
  if (!reply || !reply->goes_on()) return reply;
  outcome.step = SMFIC_BODY;
  reply = body(message.body);
  if (!reply || !reply->goes_on()) return reply;
  outcome.skipped_body = reply->letter == SMFIR_SKIP;
  outcome.step = SMFIC_BODYEOB;
  return end_of_message(message.queue_id);
}

Result<MilterOutcome> MilterConversation::message(const MilterMessage& message) {
  MilterOutcome outcome;
  auto reply = envelope(message, outcome);
  if (reply && reply->goes_on()) reply = content(message, outcome);
  if (!reply) return Error{reply.error()};
  outcome.reply = *std::move(reply);
  if (outcome.step != SMFIC_BODYEOB) {
    if (auto aborted = abort(); !aborted) return Error{aborted.error()};
  }
  return outcome;
}

Result<bool> MilterConversation::abort() {
  auto sent = client_.send(SMFIC_ABORT);
  return sent ? client_.flush() : sent;
}

Result<bool> MilterConversation::quit() {
  auto sent = client_.send(SMFIC_QUIT);
  if (sent) sent = client_.flush();
  client_.close();
  return sent;
}

Result<bool> MilterConversation::quit_new_connection() {
  auto sent = client_.send(SMFIC_QUIT_NC);
  return sent ? client_.flush() : sent;
}

}  // namespace signet
