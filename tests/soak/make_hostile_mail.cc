// SPDX-License-Identifier: BSD-2-Clause
//
// make_hostile_mail POOL COUNT: odd messages as the load of tests/bench/load reads them, of clients
// that nobody knows: every second one forges Authentication-Results, every third one bears a
// signature that cannot be right, and every fourth one a dozen of them. Prints nothing.

#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "tests/bench/load/mail_pool.h"
#include "tests/support/odd_messages.h"

namespace signet {
namespace {

/// Postfix cuts longer fields, and no field it sends has a NUL.
constexpr size_t kFieldOctets = 60'000;

bool fits_a_packet(const OddMessage& message) {
  for (const HeaderField& field : message.fields) {
    if (field.value.size() > kFieldOctets) return false;
    if (field.value.find('\0') != std::string::npos) return false;
  }
  return true;
}

HeaderField bad_signature(uint64_t number) {
  return {"DKIM-Signature",
          fmt::format(" v=1; a=rsa-sha256; c=relaxed/relaxed; d=h{}.example; s=s1;\r\n"
                      "\th=from:from:subject; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;\r\n"
                      "\tb=AAAA",
                      number)};
}

PoolMessage hostile_message(uint64_t number, OddMessage message) {
  const uint64_t signatures = number % 4 == 0 ? 12 : number % 3 == 0 ? 1 : 0;
  for (uint64_t i = 0; i < signatures; ++i) {
    message.fields.insert(message.fields.begin(), bad_signature(12 * number + i));
  }
  if (number % 2 == 0) {
    message.fields.insert(message.fields.begin(),
                          {"Authentication-Results", " mx.bench.example; dmarc=pass"});
  }
  return {fmt::format("203.0.113.{}", number % 250 + 1), fmt::format("h{}.example", number),
          fmt::format("eve@h{}.example", number), "", message.wire_text()};
}

void write_hostile_pool(const std::string& path, size_t count) {
  std::vector<PoolMessage> pool;
  for (uint64_t index = 0; pool.size() < count; ++index) {
    OddMessage message = odd_message(7, index);
    if (fits_a_packet(message)) pool.push_back(hostile_message(index, std::move(message)));
  }
  write_pool(path, pool);
}

}  // namespace
}  // namespace signet

int main(int argc, char** argv) try {
  if (argc != 3) {
    fmt::print(stderr, "usage: make_hostile_mail POOL COUNT\n");
    return 64;
  }
  signet::write_hostile_pool(argv[1], std::strtoul(argv[2], nullptr, 10));
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "make_hostile_mail: {}\n", error.what());
  return 1;
}
