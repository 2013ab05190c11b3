// SPDX-License-Identifier: BSD-2-Clause
//
// The seam to libmilter: its callbacks turned into calls of Session, Actions turned into calls of
// smfi_*. libmilter keeps one set of callbacks for the process and gives them no pointer of ours,
// so this module does too. Callbacks of one connection never overlap but change threads.

#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "dns/result.h"
#include "milter/background.h"
#include "milter/runtime.h"

namespace signet {

/// What the callbacks work with, and what they tell. Lives as long as the process
/// once open_milter() has been called.
struct MilterService {
  RuntimeSlot& runtimes;
  Background& background;
  std::shared_ptr<spdlog::logger> log;
  std::atomic<bool> draining{false};       ///< true: new connections are turned away
  std::atomic<int> messages_in_flight{0};  ///< between MAIL and the end of message
  std::atomic<int> connections{0};  ///< of the MTA; as long as there is one, so are callbacks
};

/// Registers with libmilter and opens `socket` (local:PATH or inet:PORT@HOST) for listening; a
/// stale UNIX socket is removed. Call once per process, before run_milter().
Result<bool> open_milter(MilterService& service, const std::string& socket,
                         std::chrono::seconds timeout);

/// Serves; returns only if libmilter gives up by itself.
void run_milter();

/// The version of the milter interface that libmilter speaks, "1.0.1".
std::string milter_library_version();

}  // namespace signet
