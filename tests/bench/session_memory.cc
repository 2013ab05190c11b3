// SPDX-License-Identifier: BSD-2-Clause
//
// What this program holds for a connection that waits, for one that is receiving a message, and for
// the domains it knows. libmilter's share is not in it.

#include <fmt/format.h>

#include <array>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "crypto/public_key_cache.h"
#include "dns/base64.h"
#include "tests/bench/counted_memory.h"
#include "tests/bench/session_work.h"

namespace signet {
namespace {

constexpr size_t kKiB = 1024;
constexpr size_t kSessions = 200;
constexpr size_t kDomains = 5000;
constexpr size_t kMostIdle = 8 * kKiB;
constexpr size_t kMostReceiving = 64 * kKiB;
constexpr std::array<size_t, 3> kBodyMiB = {1, 10, 50};

/// One line of the result; false if `octets` is more than `most`.
bool print_line(std::string_view what, size_t octets, size_t most) {
  fmt::print("{:56}{:>10}{}\n", what, octets, octets > most ? "  TOO MUCH" : "");
  return octets <= most;
}

SessionMail mail_of(const SessionWork& work, bool is_signed, size_t mib) {
  return work.with_signatures(make_mail(1024 * kKiB, BodyShape::text), is_signed ? 1 : 0, mib);
}

/// Sessions that have said HELO, then the same after a message each.
bool measure_idle(SessionWork& work) {
  const SessionMail mail = work.with_signatures(make_mail(4 * kKiB, BodyShape::text), 1);
  const size_t before = held_octets();
  std::vector<std::unique_ptr<Session>> sessions(kSessions);
  for (auto& session : sessions) session = work.connect();
  const size_t idle = (held_octets() - before) / kSessions;
  for (auto& session : sessions) SessionWork::deliver(*session, mail, false);
  const size_t between = (held_octets() - before) / kSessions;
  const bool good = print_line("idle session, after HELO", idle, kMostIdle);
  return print_line("idle session, after a message", between, kMostIdle) && good;
}

/// The most that one message adds, from MAIL to the end of its body.
bool measure_receiving(SessionWork& work, bool of_ours) {
  bool good = true;
  for (const size_t mib : kBodyMiB) {
    const SessionMail mail = mail_of(work, !of_ours, mib);
    const auto session = work.connect();
    const size_t before = held_octets();
    forget_most_held();
    SessionWork::begin(*session, of_ours);
    SessionWork::feed_header(*session, mail);
    SessionWork::feed_body(*session, mail);
    const size_t most = most_held_octets() - before;
    good = print_line(fmt::format("session that {} {} MiB", of_ours ? "signs" : "verifies", mib),
                      most, kMostReceiving) &&
           good;
  }
  return good;
}

/// A record like `record`, with another modulus. It has no known factors, and no use but to be kept
/// in memory: that takes as much as any.
std::string other_key(const std::string& record, std::mt19937& random) {
  constexpr size_t kModulusStart =
      33;  // in a SubjectPublicKeyInfo of 2048 bits, behind its top bit
  constexpr size_t kModulusOctets = 256;
  const size_t start = record.find("p=") + 2;
  std::string octets = *decode_base64(record.substr(start));
  for (size_t i = 1; i + 1 < kModulusOctets; ++i) {
    octets[kModulusStart + i] = static_cast<char>(random() & 0xff);
  }
  return record.substr(0, start) + encode_base64(octets);
}

/// What a known domain takes, and with it the key of its signatures.
void measure_domains(SessionWork& work) {
  std::mt19937 random(1);
  std::vector<std::string> records;
  for (size_t i = 0; i < kDomains; ++i) records.push_back(other_key(work.key()->record(), random));

  size_t before = held_octets();
  for (size_t i = 0; i < kDomains; ++i) {
    work.resolver().add_domain(fmt::format("domain-{}.example", i), "news", records[i]);
  }
  print_line(fmt::format("answers about {} domains", kDomains), held_octets() - before, SIZE_MAX);
  const AnswerCache& cache = work.resolver().cache();
  print_line("  which the cache takes for", cache.octets(), SIZE_MAX);

  const std::string hash(32, '\0');
  const std::string signature(256, '\1');
  PublicKeyCache& keys = *work.runtime().public_keys;
  before = held_octets();
  for (const std::string& record : records) {
    const auto key = keys.get(DkimKeyType::rsa, parse_dkim_record(record)->public_key);
    if (!key || (*key)->verify(hash, signature)) throw std::runtime_error("an odd key");
  }
  print_line(fmt::format("their keys, {} of which are kept", keys.size()), held_octets() - before,
             SIZE_MAX);
}

int run() {
  SessionWork work;
  work.verify(mail_of(work, true, 1));  // what is made once and kept
  work.sign(mail_of(work, false, 1));
  fmt::print("{:56}{:>10}\n", "", "octets");
  bool good = measure_idle(work);
  good = measure_receiving(work, false) && good;
  good = measure_receiving(work, true) && good;
  measure_domains(work);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace signet

int main() {
  try {
    return signet::run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "session_memory: {}\n", error.what());
    return 1;
  }
}
