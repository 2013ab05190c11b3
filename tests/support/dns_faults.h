// SPDX-License-Identifier: BSD-2-Clause
//
// What becomes of mail while the DNS is broken. The real daemon, with the real libunbound, asks a
// name server that is silent, slow, wrong or hostile; each message needs three answers that nobody
// has asked for before, one each for SPF, DKIM and DMARC. Each must get its verdict before the
// message's time is over, with the results that the RFCs ask for, and when all is over the daemon
// must hold no more than it did.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/daemon_process.h"

namespace signet {

struct DnsFaultsOptions {
  std::string build;                            ///< of the daemon
  std::chrono::milliseconds dns_timeout{};      ///< DNSTimeout
  std::chrono::milliseconds message_timeout{};  ///< MessageTimeout
  unsigned messages = 8;                        ///< for each fault and round
  unsigned sessions = 8;                        ///< at a time
  unsigned rounds = 2;                          ///< of all faults
  long most_growth = 100;  ///< of resident memory in the second half of the rounds, in percent
};

/// One fault in one round.
struct DnsFaultCount {
  std::string fault;
  uint64_t messages = 0;
  uint64_t late = 0;  ///< with a verdict after the message's time, and a second for the machine
  std::chrono::milliseconds slowest{0};
  std::string results{};  ///< "8 spf=temperror dkim=temperror dmarc=temperror", and others behind
};

struct DnsFaultsReport {
  std::vector<DnsFaultCount> counts;
  std::vector<ProcessFigures> after_round;  ///< at rest
  int exit_status = -1;
  std::vector<std::string> problems;

  bool good() const { return problems.empty() && exit_status == 0; }
  std::string text() const;
};

/// Throws std::runtime_error if the daemon does not start.
DnsFaultsReport break_dns(const DnsFaultsOptions& options);

}  // namespace signet
