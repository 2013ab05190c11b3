// SPDX-License-Identifier: BSD-2-Clause
//
// The pump. A question's way: ask() looks into local data, the cache and the questions in flight;
// else it makes a Flight, queues it and wakes the pump thread through an eventfd. The pump hands it
// to libunbound, which calls back on the same thread; the answer goes into the cache and to all who
// wait. The mutex guards the queue and the map of flights, nothing else is shared.
//
// libunbound is made to ask authoritative servers: it backs off from one that is silent, twice as
// long each time, and in the end answers SERVFAIL without asking. Here the silence is mostly not
// the name server's. It waits for the servers of some domain, perhaps an attacker's, and everybody
// else's lookups must go on. So when a context has met silence and is older than the timeout, the
// next question gets a fresh one, which knows nothing; the old one stays until its questions have
// ended. (Measured for 100 s with 10 to 40 questions a second that are never answered: without this
// up to 14 % of the other lookups failed at once, with it none of 732.)

#include "dns/unbound/unbound_resolver.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>
#include <map>
#include <mutex>

#include "dns/unbound/answer_cache.h"
#include "dns/unbound/dns_packet.h"
#include "dns/unbound/high_thread.h"
#include "dns/unbound/unbound_context.h"

namespace signet {
namespace {

constexpr size_t kOctetsPerEntry = 1024;       // on average; see UnboundOptions::cache_entries
constexpr size_t kLeastCacheOctets = 1 << 20;  // a small cache still takes a 64 KiB answer
constexpr size_t kMostContexts = 5;
constexpr int kInternet = 1;  // RFC 1035 3.2.4: class IN
constexpr int kBogus = 1;     // unbound-event.h, `sec`
constexpr int kSecure = 2;

/// The name as libunbound reads it: RFC 1035 5.1, `\DDD` for what is not LDH or `_`, final dot.
std::string presentation(const Name& name) {
  std::string text;
  for (const char c : name.text()) {
    const auto octet = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (plain || c == '.') {
      text += c;
    } else {
      text += fmt::format("\\{:03}", octet);
    }
  }
  return text + '.';
}

std::shared_ptr<const Answer> make_shared_answer(Answer answer) {
  return std::make_shared<const Answer>(std::move(answer));
}

Answer timed_out() {
  Answer answer;
  answer.status = DnsStatus::timed_out;
  return answer;
}

/// What libunbound's callback says, as an Answer.
Answer read_reply(const Question& question, int rcode, const void* packet, int size, int security,
                  const char* why_bogus) {
  if (security == kBogus) {
    return dns_failure(fmt::format("DNSSEC: {}", why_bogus != nullptr ? why_bogus : "bogus"));
  }
  // With an rcode there is no packet to look into (unbound-event.h). SERVFAIL stands for whatever
  // went wrong, silence of the name servers included.
  if (rcode != 0) return dns_failure(fmt::format("no usable answer ({})", rcode_text(rcode)));
  if (packet == nullptr || size <= 0) return dns_failure("no answer");
  Answer answer = parse_dns_packet({static_cast<const uint8_t*>(packet), static_cast<size_t>(size)},
                                   question.name, question.type);
  answer.authenticated = security == kSecure && !answer.failed();
  return answer;
}

/// The descriptor that wakes the pump.
class WakeUp {
 public:
  WakeUp() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~WakeUp() {
    if (fd_ >= 0) close(fd_);
  }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  int fd() const { return fd_; }
  /// Any thread. A full counter (EAGAIN) is as good: the pump is awake then.
  void ring() const { eventfd_write(fd_, 1); }
  void silence() const {
    eventfd_t count = 0;
    eventfd_read(fd_, &count);
  }

 private:
  int fd_;
};

}  // namespace

class UnboundResolver::Pump {
 public:
  static Result<std::unique_ptr<Pump>> start(const UnboundOptions& options);
  ~Pump();

  Lookup ask(Question question, Deadline deadline);
  ResolverCounters counters() const;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// A libunbound context and what it has been through.
  struct Generation {
    UnboundContext context;
    TimePoint born;
    size_t flights = 0;
    bool met_silence = false;
  };
  /// A question on its way. Belongs to in_flight_; only the pump thread removes it.
  struct Flight {
    Pump* pump;
    const Question* question;  // the key in in_flight_
    std::shared_ptr<PendingAnswer> pending;
    Generation* generation;  // this and the next since launch()
    TimePoint launched;
  };
  struct AtomicCounters {
    std::atomic<uint64_t> local{0}, cached{0}, merged{0}, sent{0}, refused{0}, failures{0},
        contexts{0};
  };

  explicit Pump(const UnboundOptions& options);
  Result<bool> start_thread();
  /// Joins an identical question or launches this one; nullptr if too many are in flight.
  std::shared_ptr<PendingAnswer> join_or_launch(Question question);

  // On the pump thread:
  static void on_wake(evutil_socket_t, short, void* self);
  static void on_answer(void* cookie, int rcode, void* packet, int size, int security,
                        char* why_bogus, int was_ratelimited);
  void launch_queued();
  void use_context(UnboundContext context);
  void renew_context();
  void drop_idle_contexts();
  void launch(Flight& flight);
  void land(Flight& flight, Answer answer);
  void crash(Flight& flight) noexcept;
  std::shared_ptr<PendingAnswer> remove(const Flight& flight);

  const UnboundOptions options_;
  // Made beforehand: when memory is short there must still be an answer.
  const std::shared_ptr<const Answer> out_of_memory_;
  const std::shared_ptr<const Answer> too_many_;
  const std::shared_ptr<const Answer> timed_out_;
  AnswerCache cache_;
  AtomicCounters counters_;

  std::mutex mutex_;
  std::map<Question, Flight> in_flight_;  // guarded by mutex_
  std::vector<Flight*> queue_;            // guarded by mutex_
  bool stopping_ = false;                 // guarded by mutex_

  // The pump thread's own, from start_thread() until it is joined.
  WakeUp wake_;
  EventBase base_;
  WatchedEvent wake_event_;
  std::list<Generation> generations_;  // the last is the one to ask
  bool ended_ = false;

  HighThread thread_;
};

UnboundResolver::Pump::Pump(const UnboundOptions& options)
    : options_(options),
      out_of_memory_(make_shared_answer(dns_failure("out of memory"))),
      too_many_(make_shared_answer(dns_failure("too many DNS questions in flight"))),
      timed_out_(make_shared_answer(timed_out())),
      cache_(options.cache_entries,
             std::max(kLeastCacheOctets, options.cache_entries * kOctetsPerEntry)) {}

Result<std::unique_ptr<UnboundResolver::Pump>> UnboundResolver::Pump::start(
    const UnboundOptions& options) {
  std::unique_ptr<Pump> pump(new Pump(options));
  if (pump->wake_.fd() < 0) return Error{fmt::format("eventfd: {}", std::strerror(errno))};
  pump->base_.reset(event_base_new());
  if (!pump->base_) return Error{"libevent makes no event base"};
  auto context = make_unbound_context(pump->base_.get(), options);
  if (!context) return Error{context.error()};
  pump->use_context(*std::move(context));
  pump->wake_event_.reset(event_new(pump->base_.get(), pump->wake_.fd(), EV_READ | EV_PERSIST,
                                    &Pump::on_wake, pump.get()));
  if (!pump->wake_event_ || event_add(pump->wake_event_.get(), nullptr) != 0) {
    return Error{"libevent does not watch the eventfd"};
  }
  if (const auto started = pump->start_thread(); !started) return Error{started.error()};
  return pump;
}

Result<bool> UnboundResolver::Pump::start_thread() {
  // Signals are for the threads that know what to do with them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<bool> started = thread_.start([this] {
    if (options_.at_thread_start) options_.at_thread_start();
    event_base_dispatch(base_.get());
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

UnboundResolver::Pump::~Pump() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.ring();
    thread_.join();
  }
  // libunbound may call back for what it drops; those calls must find their Flights, and do
  // nothing.
  ended_ = true;
  for (const auto& [question, flight] : in_flight_) flight.pending->set(timed_out_);
  generations_.clear();
}

Lookup UnboundResolver::Pump::ask(Question question, Deadline deadline) {
  if (options_.local_data) {
    if (auto local = options_.local_data->find(question.name, question.type)) {
      counters_.local.fetch_add(1, std::memory_order_relaxed);
      return Lookup(make_shared_answer(*std::move(local)));
    }
  }
  const auto now = std::chrono::steady_clock::now();
  if (auto cached = cache_.find(question, now)) {
    counters_.cached.fetch_add(1, std::memory_order_relaxed);
    return Lookup(std::move(cached));
  }
  if (deadline <= now) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return {nullptr, deadline};
  }
  auto pending = join_or_launch(std::move(question));
  if (!pending) return Lookup(too_many_);
  return {std::move(pending), std::min(deadline, now + options_.timeout)};
}

std::shared_ptr<PendingAnswer> UnboundResolver::Pump::join_or_launch(Question question) {
  const std::lock_guard lock(mutex_);
  if (const auto found = in_flight_.find(question); found != in_flight_.end()) {
    counters_.merged.fetch_add(1, std::memory_order_relaxed);
    return found->second.pending;
  }
  if (in_flight_.size() >= kMostInFlight) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  // Room first: nothing may throw between the map and the queue.
  if (queue_.size() == queue_.capacity()) queue_.reserve(2 * queue_.size() + 16);
  auto pending = std::make_shared<PendingAnswer>();
  const auto added =
      in_flight_.emplace(std::move(question), Flight{this, nullptr, pending, nullptr, {}}).first;
  added->second.question = &added->first;
  queue_.push_back(&added->second);
  counters_.sent.fetch_add(1, std::memory_order_relaxed);
  if (queue_.size() == 1) wake_.ring();
  return pending;
}

ResolverCounters UnboundResolver::Pump::counters() const {
  const auto load = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  return {load(counters_.local),   load(counters_.cached),  load(counters_.merged),
          load(counters_.sent),    load(counters_.refused), load(counters_.failures),
          load(counters_.contexts)};
}

void UnboundResolver::Pump::on_wake(evutil_socket_t, short, void* self) {
  static_cast<Pump*>(self)->launch_queued();
}

void UnboundResolver::Pump::launch_queued() {
  wake_.silence();
  std::vector<Flight*> queued;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      event_base_loopbreak(base_.get());
      return;
    }
    queued.swap(queue_);
  }
  drop_idle_contexts();
  renew_context();
  for (Flight* flight : queued) launch(*flight);
}

void UnboundResolver::Pump::use_context(UnboundContext context) {
  generations_.push_back({std::move(context), std::chrono::steady_clock::now()});
  counters_.contexts.fetch_add(1, std::memory_order_relaxed);
}

void UnboundResolver::Pump::renew_context() {
  const Generation& current = generations_.back();
  const auto age = std::chrono::steady_clock::now() - current.born;
  if (!current.met_silence || age < options_.timeout || generations_.size() >= kMostContexts)
    return;
  // If there can be no new one (the trust anchor file is gone, memory is short), the old has to do.
  try {
    auto fresh = make_unbound_context(base_.get(), options_);
    if (fresh) use_context(*std::move(fresh));
  } catch (const std::bad_alloc&) {
    return;
  }
}

void UnboundResolver::Pump::drop_idle_contexts() {
  const auto current = std::prev(generations_.end());
  for (auto each = generations_.begin(); each != current;) {
    each = each->flights == 0 ? generations_.erase(each) : std::next(each);
  }
}

void UnboundResolver::Pump::launch(Flight& flight) {
  flight.generation = &generations_.back();
  flight.launched = std::chrono::steady_clock::now();
  ++flight.generation->flights;
  try {
    const std::string name = presentation(flight.question->name);
    const int code = ub_resolve_event(flight.generation->context.get(), name.c_str(),
                                      static_cast<int>(flight.question->type), kInternet, &flight,
                                      &Pump::on_answer, nullptr);
    // With 0 the callback has been or will be called: the flight may be gone already.
    if (code != 0) land(flight, dns_failure(ub_strerror(code)));
  } catch (...) {
    crash(flight);
  }
}

void UnboundResolver::Pump::on_answer(void* cookie, int rcode, void* packet, int size, int security,
                                      char* why_bogus, int /*was_ratelimited*/) {
  Flight& flight = *static_cast<Flight*>(cookie);
  Pump& pump = *flight.pump;
  if (pump.ended_) return;
  // No exception may pass through libunbound, which is C.
  try {
    pump.land(flight, read_reply(*flight.question, rcode, packet, size, security, why_bogus));
  } catch (...) {
    pump.crash(flight);
  }
}

void UnboundResolver::Pump::land(Flight& flight, Answer answer) {
  const auto now = std::chrono::steady_clock::now();
  if (answer.status == DnsStatus::server_failure) {
    counters_.failures.fetch_add(1, std::memory_order_relaxed);
    if (now - flight.launched >= first_wait(options_)) flight.generation->met_silence = true;
  }
  // First the cache, then the map: whoever misses the one finds the other.
  cache_.store(*flight.question, answer, now);
  remove(flight)->set(make_shared_answer(std::move(answer)));
}

void UnboundResolver::Pump::crash(Flight& flight) noexcept { remove(flight)->set(out_of_memory_); }

std::shared_ptr<PendingAnswer> UnboundResolver::Pump::remove(const Flight& flight) {
  --flight.generation->flights;
  const std::lock_guard lock(mutex_);
  const auto node = in_flight_.extract(*flight.question);
  return node.mapped().pending;
}

UnboundResolver::UnboundResolver(std::unique_ptr<Pump> pump) : pump_(std::move(pump)) {}
UnboundResolver::~UnboundResolver() = default;

Result<std::unique_ptr<UnboundResolver>> UnboundResolver::create(const UnboundOptions& options) {
  auto pump = Pump::start(options);
  if (!pump) return Error{pump.error()};
  return std::unique_ptr<UnboundResolver>(new UnboundResolver(*std::move(pump)));
}

ResolverCounters UnboundResolver::counters() const { return pump_->counters(); }

Lookup UnboundResolver::ask(const Name& name, RecordType type, Deadline deadline) {
  return pump_->ask(Question{name, type}, deadline);
}

std::string unbound_library_version() { return ub_version(); }

}  // namespace signet
