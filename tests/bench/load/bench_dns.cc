// SPDX-License-Identifier: BSD-2-Clause
//
// bench_dns ADDRESS PORT ZONE-FILE: a name server that costs next to nothing, so that what is
// measured is those who ask. Every record is in wire form before the first question comes; answers
// can be held back, thousands at a time. UDP and TCP; no CNAMEs, no wildcards, no DNSSEC.
//
// It prints `ready`, and then does what its standard input says, a command a line, answered by a
// line: `count` tells how many questions came, `delay MILLISECONDS` holds back all answers from now
// on. At the end of the input it ends.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <deque>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tests/support/wire_zone.h"

namespace signet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kHeaderOctets = 12;      // RFC 1035 4.1.1
constexpr size_t kPlainUdpOctets = 512;   // RFC 1035 4.2.1: without EDNS
constexpr uint16_t kOurUdpOctets = 1232;  // what we say in OPT
constexpr uint16_t kTypeSoa = 6;
constexpr uint16_t kTypeOpt = 41;
constexpr std::string_view kPointerToQuestion{"\xc0\x0c", 2};  // RFC 1035 4.1.4

uint16_t u16_at(std::string_view octets, size_t offset) {
  return static_cast<uint16_t>(static_cast<uint8_t>(octets[offset]) << 8 |
                               static_cast<uint8_t>(octets[offset + 1]));
}

void put_u16(std::string& octets, size_t value) {
  octets += static_cast<char>(value >> 8 & 0xff);
  octets += static_cast<char>(value & 0xff);
}

std::string lower(std::string_view name) {
  std::string result(name);
  // RFC 4343 3: also the octets of labels' lengths go through this, all of which are below 'A'.
  for (char& c : result) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return result;
}

// ---- what is answered

struct Question {
  uint16_t id = 0;
  std::string_view octets;  // the question section as it was written: a name, type and class
  std::string name;         // in wire form, lower case
  uint16_t type = 0;
  uint8_t recursion_desired = 0;
  size_t room = kPlainUdpOctets;  // octets the asker takes over UDP
  bool edns = false;
};

/// False if it is none that is answered here.
bool read_question(std::string_view packet, Question& question) {
  if (packet.size() < kHeaderOctets || u16_at(packet, 4) != 1) return false;
  size_t end = kHeaderOctets;
  while (end < packet.size() && packet[end] != 0) end += 1 + static_cast<uint8_t>(packet[end]);
  end += 1 + 4;
  if (end > packet.size()) return false;
  question.id = u16_at(packet, 0);
  question.recursion_desired = static_cast<uint8_t>(packet[2]) & 0x01;
  question.octets = packet.substr(kHeaderOctets, end - kHeaderOctets);
  question.name = lower(question.octets.substr(0, question.octets.size() - 4));
  question.type = u16_at(question.octets, question.octets.size() - 4);
  // RFC 6891 6.1.2: the root, the type, and the sender's room where a class would be.
  if (u16_at(packet, 10) == 1 && packet.size() >= end + 11 && u16_at(packet, end + 1) == kTypeOpt) {
    question.edns = true;
    question.room = std::max<size_t>(kPlainUdpOctets, u16_at(packet, end + 3));
  }
  return true;
}

class Records {
 public:
  explicit Records(const std::string& path);

  std::string answer(const Question& question, bool tcp) const;

 private:
  void add(const ldns_rr& record);

  /// By owner and type: the records in wire form behind their owner, one after the other.
  struct Set {
    std::string octets;
    uint16_t count = 0;
  };
  std::unordered_map<std::string, std::unordered_map<uint16_t, Set>> sets_;
  std::unordered_set<std::string> names_;  // also those that only have names below them
  std::string soa_;                        // the root's, for all that is not there
};

Records::Records(const std::string& path) {
  const std::unique_ptr<FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "r"),
                                                           &std::fclose);
  if (!file) throw std::runtime_error("cannot read " + path);
  int line = 0;
  while (std::feof(file.get()) == 0) {
    ldns_rr* record = nullptr;
    const ldns_status status =
        ldns_rr_new_frm_fp_l(&record, file.get(), nullptr, nullptr, nullptr, &line);
    const LdnsRecord owner(record);
    if (status == LDNS_STATUS_OK) {
      add(*record);
    } else if (status != LDNS_STATUS_SYNTAX_EMPTY) {
      throw std::runtime_error(
          fmt::format("{}:{}: {}", path, line, ldns_get_errorstr_by_id(status)));
    }
  }
}

void Records::add(const ldns_rr& record) {
  uint8_t* wire = nullptr;
  size_t size = 0;
  if (ldns_rr2wire(&wire, &record, LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK) {
    throw std::runtime_error("ldns cannot write a record");
  }
  const std::string octets(reinterpret_cast<const char*>(wire), size);
  std::free(wire);
  const size_t name_size = ldns_rdf_size(ldns_rr_owner(&record));
  const std::string name = lower(octets.substr(0, name_size));
  const auto type = static_cast<uint16_t>(ldns_rr_get_type(&record));
  Set& set = sets_[name][type];
  set.octets.append(kPointerToQuestion).append(octets, name_size);
  ++set.count;
  if (type == kTypeSoa) soa_ = octets;
  for (size_t i = 0; name[i] != 0; i += 1 + static_cast<uint8_t>(name[i])) {
    names_.insert(name.substr(i));
  }
}

std::string Records::answer(const Question& question, bool tcp) const {
  const Set* set = nullptr;
  if (const auto name = sets_.find(question.name); name != sets_.end()) {
    const auto found = name->second.find(question.type);
    if (found != name->second.end()) set = &found->second;
  }
  const int rcode = set == nullptr && !names_.contains(question.name) ? LDNS_RCODE_NXDOMAIN : 0;
  const size_t size = kHeaderOctets + question.octets.size() + (set ? set->octets.size() : 0) + 11;
  const bool truncated = !tcp && size > question.room;
  const bool negative = set == nullptr;

  std::string reply;
  put_u16(reply, question.id);
  // RFC 1035 4.1.1: QR, AA, TC, RD as asked; RA, RCODE.
  reply += static_cast<char>(0x84 | (truncated ? 0x02 : 0) | question.recursion_desired);
  reply += static_cast<char>(0x80 | rcode);
  put_u16(reply, 1);
  put_u16(reply, negative || truncated ? 0 : set->count);
  put_u16(reply, negative ? 1 : 0);
  put_u16(reply, question.edns ? 1 : 0);
  reply += question.octets;
  if (negative) {
    reply += soa_;
  } else if (!truncated) {
    reply += set->octets;
  }
  if (question.edns) {
    reply += '\0';
    put_u16(reply, kTypeOpt);
    put_u16(reply, kOurUdpOctets);
    reply.append(6, '\0');
  }
  return reply;
}

// ---- to whom

/// A descriptor that is closed with the last one who may write to it.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    if (fd < 0) throw std::runtime_error("no socket");
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct TcpClient {
  std::shared_ptr<Socket> socket;
  std::string input;
};

struct WaitingReply {
  Clock::time_point due;
  std::string octets;
  std::shared_ptr<Socket> socket;
  sockaddr_in address{};  // UDP only
  bool tcp = false;
};

class Server {
 public:
  Server(const char* address, uint16_t port, const std::string& zone);
  void run();

 private:
  void on_command();
  void obey(std::string_view line);
  void on_udp();
  void on_connection();
  bool on_tcp(TcpClient& client);
  void receive(std::string_view packet, const std::shared_ptr<Socket>& socket,
               const sockaddr_in* address);
  void send_due();
  static void send(const WaitingReply& reply);

  Records records_;
  std::shared_ptr<Socket> udp_{std::make_shared<Socket>(socket(AF_INET, SOCK_DGRAM, 0))};
  std::shared_ptr<Socket> listener_{std::make_shared<Socket>(socket(AF_INET, SOCK_STREAM, 0))};
  std::vector<TcpClient> clients_;
  std::deque<WaitingReply> waiting_;  // all are held back equally long: the first is due first
  std::chrono::milliseconds delay_{0};
  size_t questions_ = 0;
  std::string commands_;
  bool ended_ = false;
};

Server::Server(const char* address, uint16_t port, const std::string& zone) : records_(zone) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  if (inet_pton(AF_INET, address, &in.sin_addr) != 1) throw std::runtime_error("want an address");
  const int buffer = 8 * 1024 * 1024;  // a burst of thousands of questions must not be lost here
  const int on = 1;
  setsockopt(udp_->fd(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  setsockopt(listener_->fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* generic = reinterpret_cast<const sockaddr*>(&in);
  if (bind(udp_->fd(), generic, sizeof in) != 0 || bind(listener_->fd(), generic, sizeof in) != 0 ||
      listen(listener_->fd(), 128) != 0) {
    throw std::runtime_error(fmt::format("cannot listen on {} port {}", address, port));
  }
}

void Server::run() {
  fmt::print("ready\n");
  std::fflush(stdout);
  while (!ended_) {
    std::vector<pollfd> fds = {
        {STDIN_FILENO, POLLIN, 0}, {udp_->fd(), POLLIN, 0}, {listener_->fd(), POLLIN, 0}};
    for (const TcpClient& client : clients_) fds.push_back({client.socket->fd(), POLLIN, 0});
    timespec wait{};
    if (!waiting_.empty()) {
      const auto left = std::max(Clock::duration(0), waiting_.front().due - Clock::now());
      const auto nanoseconds = std::chrono::nanoseconds(left).count();
      wait = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
    }
    ppoll(fds.data(), fds.size(), waiting_.empty() ? nullptr : &wait, nullptr);
    send_due();
    if (fds[0].revents != 0) on_command();
    if (fds[1].revents != 0) on_udp();
    for (size_t i = fds.size(); i-- > 3;) {
      const auto client = clients_.begin() + static_cast<std::ptrdiff_t>(i - 3);
      if (fds[i].revents != 0 && !on_tcp(*client)) clients_.erase(client);
    }
    if (fds[2].revents != 0) on_connection();
  }
}

void Server::on_command() {
  std::array<char, 512> buffer;
  const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
  if (got <= 0) {
    ended_ = true;
    return;
  }
  commands_.append(buffer.data(), static_cast<size_t>(got));
  for (size_t end = 0; (end = commands_.find('\n')) != std::string::npos;) {
    obey(std::string_view(commands_).substr(0, end));
    commands_.erase(0, end + 1);
  }
  std::fflush(stdout);
}

void Server::obey(std::string_view line) {
  constexpr std::string_view kDelay = "delay ";
  unsigned value = 0;
  if (line == "count") {
    fmt::print("{}\n", questions_);
  } else if (line.starts_with(kDelay) &&
             std::from_chars(line.data() + kDelay.size(), line.data() + line.size(), value).ec ==
                 std::errc()) {
    delay_ = std::chrono::milliseconds(value);
    fmt::print("{}\n", value);
  } else {
    fmt::print("want: count, or delay MILLISECONDS\n");
  }
}

void Server::on_udp() {
  std::array<char, 4096> buffer;
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ssize_t got = 0;
  while ((got = recvfrom(udp_->fd(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                         reinterpret_cast<sockaddr*>(&address), &size)) >= 0) {
    receive({buffer.data(), static_cast<size_t>(got)}, udp_, &address);
  }
}

void Server::on_connection() {
  const int fd = accept(listener_->fd(), nullptr, nullptr);
  if (fd >= 0) clients_.push_back({std::make_shared<Socket>(fd), {}});
}

/// False when the client is gone.
bool Server::on_tcp(TcpClient& client) {
  std::array<char, 4096> buffer;
  const ssize_t got = recv(client.socket->fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got <= 0) return false;
  std::string& input = client.input.append(buffer.data(), static_cast<size_t>(got));
  // RFC 1035 4.2.2: two octets of length before each message.
  while (input.size() >= 2 && input.size() >= 2U + u16_at(input, 0)) {
    const size_t size = u16_at(input, 0);
    receive(std::string_view(input).substr(2, size), client.socket, nullptr);
    input.erase(0, 2 + size);
  }
  return true;
}

void Server::receive(std::string_view packet, const std::shared_ptr<Socket>& socket,
                     const sockaddr_in* address) {
  Question question;
  if (!read_question(packet, question)) return;
  ++questions_;
  const bool tcp = address == nullptr;
  WaitingReply reply{Clock::now() + delay_, records_.answer(question, tcp), socket, {}, tcp};
  if (!tcp) reply.address = *address;
  if (delay_.count() == 0) {
    send(reply);
  } else {
    waiting_.push_back(std::move(reply));
  }
}

void Server::send_due() {
  while (!waiting_.empty() && waiting_.front().due <= Clock::now()) {
    send(waiting_.front());
    waiting_.pop_front();
  }
}

void Server::send(const WaitingReply& reply) {
  if (!reply.tcp) {
    sendto(reply.socket->fd(), reply.octets.data(), reply.octets.size(), 0,
           reinterpret_cast<const sockaddr*>(&reply.address), sizeof reply.address);
    return;
  }
  std::string octets;
  put_u16(octets, reply.octets.size());
  octets += reply.octets;
  ::send(reply.socket->fd(), octets.data(), octets.size(), MSG_NOSIGNAL);
}

int run(int argc, char** argv) {
  uint16_t port = 0;
  const std::string_view number = argc == 4 ? argv[2] : "";
  std::from_chars(number.data(), number.data() + number.size(), port);
  if (port == 0) {
    fmt::print(stderr, "usage: bench_dns ADDRESS PORT ZONE-FILE\n");
    return 64;
  }
  Server(argv[1], port, argv[3]).run();
  return 0;
}

}  // namespace
}  // namespace signet

int main(int argc, char** argv) {
  try {
    return signet::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_dns: {}\n", error.what());
    return 1;
  }
}
