// SPDX-License-Identifier: BSD-2-Clause
//
// One libevent loop on one thread: a UDP socket, a TCP listener with a bufferevent per connection,
// an eventfd that ends the loop, and one timer for the replies that were told to wait.

#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <stdexcept>
#include <thread>

#include "dns/name.h"
#include "tests/support/wire_zone.h"

namespace signet {
namespace {

using Clock = std::chrono::steady_clock;
using Octets = std::vector<uint8_t>;

struct EventFree {
  void operator()(event* e) const { event_free(e); }
  void operator()(event_base* base) const { event_base_free(base); }
  void operator()(evconnlistener* listener) const { evconnlistener_free(listener); }
  void operator()(bufferevent* connection) const { bufferevent_free(connection); }
};
template <class T>
using EventOwner = std::unique_ptr<T, EventFree>;

constexpr size_t kPlainUdpOctets = 512;  // RFC 1035 4.2.1: without EDNS

/// Where a reply goes.
struct Client {
  bool tcp = false;
  sockaddr_in address{};    // UDP
  uint64_t connection = 0;  // TCP
};

std::string with_final_dot(std::string_view name) {
  std::string key = ascii_lower(name);
  if (!key.ends_with('.')) key += '.';
  return key;
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Octets to_octets(const ldns_pkt& packet) {
  uint8_t* wire = nullptr;
  size_t size = 0;
  if (ldns_pkt2wire(&wire, &packet, &size) != LDNS_STATUS_OK) return {};
  const std::unique_ptr<uint8_t, decltype(&std::free)> owner(wire, &std::free);
  return {wire, wire + size};
}

}  // namespace

class DnsServer::Loop {
 public:
  explicit Loop(std::string_view zone_text);
  ~Loop();

  uint16_t port() const { return port_; }
  void behave(std::string key, const DnsBehaviour& behaviour);
  void add(LdnsRecord record);
  std::string sign(std::string_view zone);
  int count(const std::string& key) const;
  int tcp_count() const;

 private:
  void open_sockets();
  void on_udp();
  void on_tcp(uint64_t connection);
  void on_timer();
  void accept(evutil_socket_t fd);
  void answer(std::span<const uint8_t> question, const Client& client);
  /// Counts the question and says how to treat it; nothing if it is to be dropped.
  std::optional<DnsBehaviour> admit(const std::string& key, bool tcp);
  Octets make_reply(const ldns_pkt& query, const DnsBehaviour& behaviour, bool tcp) const;
  void send(const Octets& reply, const Client& client);

  mutable std::mutex mutex_;
  WireZone zone_;                                  // guarded by mutex_
  std::map<std::string, DnsBehaviour> behaviour_;  // guarded by mutex_
  std::map<std::string, int> counts_;              // guarded by mutex_
  int tcp_count_ = 0;                              // guarded by mutex_
  int admitted_ = 0;                               // guarded by mutex_; while some are dropped

  EventOwner<event_base> base_{event_base_new()};
  uint16_t port_ = 0;
  int udp_ = -1;
  int stop_ = -1;
  EventOwner<event> udp_event_, stop_event_, timer_;
  EventOwner<evconnlistener> listener_;
  std::map<uint64_t, EventOwner<bufferevent>> connections_;
  uint64_t last_connection_ = 0;
  std::multimap<Clock::time_point, std::function<void()>> waiting_;
  std::thread thread_;
};

DnsServer::Loop::Loop(std::string_view zone_text) : zone_(zone_text) {
  for (int attempt = 0; port_ == 0 && attempt < 20; ++attempt) open_sockets();
  if (port_ == 0) throw std::runtime_error("no port for both UDP and TCP on 127.0.0.1");
  stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  udp_event_.reset(event_new(
      base_.get(), udp_, EV_READ | EV_PERSIST,
      [](int, short, void* self) { static_cast<Loop*>(self)->on_udp(); }, this));
  stop_event_.reset(event_new(
      base_.get(), stop_, EV_READ,
      [](int, short, void* base) { event_base_loopbreak(static_cast<event_base*>(base)); },
      base_.get()));
  timer_.reset(evtimer_new(
      base_.get(), [](int, short, void* self) { static_cast<Loop*>(self)->on_timer(); }, this));
  event_add(udp_event_.get(), nullptr);
  event_add(stop_event_.get(), nullptr);
  thread_ = std::thread([this] { event_base_dispatch(base_.get()); });
}

DnsServer::Loop::~Loop() {
  const uint64_t one = 1;
  if (write(stop_, &one, sizeof one) == sizeof one) thread_.join();
  connections_.clear();
  listener_.reset();
  udp_event_.reset();
  stop_event_.reset();
  timer_.reset();
  close(udp_);
  close(stop_);
}

void DnsServer::Loop::open_sockets() {
  udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int buffer = 4 * 1024 * 1024;  // a burst of a thousand questions must not be lost here
  setsockopt(udp_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (bind(udp_, generic, size) != 0 || getsockname(udp_, generic, &size) != 0) {
    throw std::runtime_error("cannot bind a UDP socket on 127.0.0.1");
  }
  listener_.reset(evconnlistener_new_bind(
      base_.get(),
      [](evconnlistener*, evutil_socket_t fd, sockaddr*, int, void* self) {
        static_cast<Loop*>(self)->accept(fd);
      },
      this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 128, generic,
      static_cast<int>(size)));
  if (listener_) {
    port_ = ntohs(address.sin_port);
  } else {
    close(udp_);
  }
}

void DnsServer::Loop::on_udp() {
  std::array<uint8_t, 65536> buffer;
  Client client;
  socklen_t size = sizeof client.address;
  ssize_t got = 0;
  while ((got = recvfrom(udp_, buffer.data(), buffer.size(), 0,
                         reinterpret_cast<sockaddr*>(&client.address), &size)) >= 0) {
    answer({buffer.data(), static_cast<size_t>(got)}, client);
  }
}

void DnsServer::Loop::accept(evutil_socket_t fd) {
  evutil_make_socket_nonblocking(fd);
  const uint64_t id = ++last_connection_;
  auto* connection = bufferevent_socket_new(base_.get(), fd, BEV_OPT_CLOSE_ON_FREE);
  connections_[id].reset(connection);
  struct Callbacks {
    static void read(bufferevent* from, void* self) { find(from, self, false); }
    static void end(bufferevent* from, short, void* self) { find(from, self, true); }
    static void find(bufferevent* from, void* self, bool ended) {
      auto* loop = static_cast<Loop*>(self);
      for (const auto& [known_id, known] : loop->connections_) {
        if (known.get() != from) continue;
        if (ended) {
          loop->connections_.erase(known_id);
        } else {
          loop->on_tcp(known_id);
        }
        return;
      }
    }
  };
  bufferevent_setcb(connection, &Callbacks::read, nullptr, &Callbacks::end, this);
  bufferevent_enable(connection, EV_READ | EV_WRITE);
}

void DnsServer::Loop::on_tcp(uint64_t connection) {
  evbuffer* input = bufferevent_get_input(connections_.at(connection).get());
  // RFC 1035 4.2.2: two octets of length before each message.
  std::array<uint8_t, 2> prefix;
  while (evbuffer_copyout(input, prefix.data(), 2) == 2) {
    const size_t size = static_cast<size_t>(prefix[0] << 8 | prefix[1]);
    if (evbuffer_get_length(input) < size + 2) return;
    Octets question(size);
    evbuffer_drain(input, 2);
    evbuffer_remove(input, question.data(), size);
    Client client;
    client.tcp = true;
    client.connection = connection;
    answer(question, client);
  }
}

std::optional<DnsBehaviour> DnsServer::Loop::admit(const std::string& key, bool tcp) {
  const std::lock_guard lock(mutex_);
  ++counts_[key];
  if (tcp) ++tcp_count_;
  auto found = behaviour_.find(key);
  if (found == behaviour_.end()) found = behaviour_.find(".");
  if (found == behaviour_.end()) return DnsBehaviour{};
  if (tcp && found->second.dead_tcp) return std::nullopt;
  if (found->second.drop_each > 0 && ++admitted_ % found->second.drop_each == 0) {
    return std::nullopt;
  }
  int& drop = found->second.drop;
  if (drop == 0) return found->second;
  if (drop > 0) --drop;
  return std::nullopt;
}

void DnsServer::Loop::answer(std::span<const uint8_t> question, const Client& client) {
  ldns_pkt* parsed = nullptr;
  if (ldns_wire2pkt(&parsed, question.data(), question.size()) != LDNS_STATUS_OK) return;
  const LdnsPacket query(parsed);
  if (ldns_pkt_qdcount(parsed) != 1) return;
  const ldns_rr* asked = ldns_rr_list_rr(ldns_pkt_question(parsed), 0);
  const auto behaviour = admit(wire_key(*ldns_rr_owner(asked)), client.tcp);
  if (!behaviour) return;
  const Octets reply = make_reply(*parsed, *behaviour, client.tcp);
  if (behaviour->delay.count() == 0) return send(reply, client);
  waiting_.emplace(Clock::now() + behaviour->delay, [=, this] { send(reply, client); });
  on_timer();
}

Octets DnsServer::Loop::make_reply(const ldns_pkt& query, const DnsBehaviour& behaviour,
                                   bool tcp) const {
  const uint16_t asked_id = ldns_pkt_id(&query);
  const auto id = static_cast<uint16_t>(behaviour.wrong_id ? asked_id + 1 : asked_id);
  if (behaviour.raw) {
    Octets reply{static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id & 0xff)};
    reply.insert(reply.end(), behaviour.raw->begin(), behaviour.raw->end());
    return reply;
  }
  const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(&query), 0);
  const LdnsPacket reply(ldns_pkt_new());
  ldns_pkt_set_id(reply.get(), id);
  ldns_pkt_set_qr(reply.get(), true);
  ldns_pkt_set_rd(reply.get(), ldns_pkt_rd(&query));
  ldns_pkt_set_ra(reply.get(), true);
  ldns_pkt_push_rr(reply.get(), LDNS_SECTION_QUESTION, ldns_rr_clone(question));
  if (ldns_pkt_edns(&query)) ldns_pkt_set_edns_udp_size(reply.get(), 1232);
  ldns_pkt_set_edns_do(reply.get(), ldns_pkt_edns_do(&query));
  const LdnsPacket empty(ldns_pkt_clone(reply.get()));
  ldns_pkt_set_tc(empty.get(), true);
  if (behaviour.truncate && !tcp) return to_octets(*empty);
  if (behaviour.rcode) {
    ldns_pkt_set_rcode(reply.get(), static_cast<uint8_t>(*behaviour.rcode));
  } else {
    const std::lock_guard lock(mutex_);
    zone_.answer(*question, ldns_pkt_edns_do(&query), *reply);
  }
  Octets octets = to_octets(*reply);
  // RFC 6891 6.2.5: no more over UDP than the asker says it takes.
  const size_t room = std::max<size_t>(kPlainUdpOctets, ldns_pkt_edns_udp_size(&query));
  return !tcp && octets.size() > room ? to_octets(*empty) : octets;
}

void DnsServer::Loop::on_timer() {
  while (!waiting_.empty() && waiting_.begin()->first <= Clock::now()) {
    const auto reply = waiting_.extract(waiting_.begin());
    reply.mapped()();
  }
  if (waiting_.empty()) return;
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
      std::max(waiting_.begin()->first - Clock::now(), Clock::duration(0)));
  const timeval wait{left.count() / 1'000'000, left.count() % 1'000'000};
  event_add(timer_.get(), &wait);
}

void DnsServer::Loop::send(const Octets& reply, const Client& client) {
  if (!client.tcp) {
    sendto(udp_, reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&client.address),
           sizeof client.address);
    return;
  }
  const auto connection = connections_.find(client.connection);
  if (connection == connections_.end()) return;
  const std::array<uint8_t, 2> prefix{static_cast<uint8_t>(reply.size() >> 8),
                                      static_cast<uint8_t>(reply.size() & 0xff)};
  bufferevent_write(connection->second.get(), prefix.data(), 2);
  bufferevent_write(connection->second.get(), reply.data(), reply.size());
}

void DnsServer::Loop::behave(std::string key, const DnsBehaviour& behaviour) {
  const std::lock_guard lock(mutex_);
  behaviour_[std::move(key)] = behaviour;
}

void DnsServer::Loop::add(LdnsRecord record) {
  const std::lock_guard lock(mutex_);
  zone_.add(std::move(record));
}

std::string DnsServer::Loop::sign(std::string_view zone) {
  const std::lock_guard lock(mutex_);
  return zone_.sign(zone);
}

int DnsServer::Loop::count(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  if (!key.empty()) {
    const auto found = counts_.find(key);
    return found == counts_.end() ? 0 : found->second;
  }
  int sum = 0;
  for (const auto& [unused, count] : counts_) sum += count;
  return sum;
}

int DnsServer::Loop::tcp_count() const {
  const std::lock_guard lock(mutex_);
  return tcp_count_;
}

DnsServer::DnsServer(std::string_view zone_text) : loop_(std::make_unique<Loop>(zone_text)) {}
DnsServer::~DnsServer() = default;

uint16_t DnsServer::port() const { return loop_->port(); }
std::string DnsServer::address() const { return "127.0.0.1@" + std::to_string(port()); }

void DnsServer::behave(std::string_view name, const DnsBehaviour& behaviour) {
  loop_->behave(with_final_dot(name), behaviour);
}

void DnsServer::add_text(std::string_view name, const std::vector<std::string>& strings,
                         uint32_t ttl) {
  LdnsRecord record(ldns_rr_new());
  ldns_rr_set_owner(record.get(), ldns_dname_new_frm_str(with_final_dot(name).c_str()));
  ldns_rr_set_type(record.get(), LDNS_RR_TYPE_TXT);
  ldns_rr_set_ttl(record.get(), ttl);
  for (const auto& text : strings) {
    std::string field(1, static_cast<char>(text.size()));
    field += text;
    ldns_rr_push_rdf(record.get(),
                     ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, field.size(), field.data()));
  }
  loop_->add(std::move(record));
}

std::string DnsServer::sign(std::string_view zone) { return loop_->sign(with_final_dot(zone)); }

int DnsServer::question_count() const { return loop_->count(""); }
int DnsServer::question_count(std::string_view name) const {
  return loop_->count(with_final_dot(name));
}
int DnsServer::tcp_question_count() const { return loop_->tcp_count(); }

}  // namespace signet
