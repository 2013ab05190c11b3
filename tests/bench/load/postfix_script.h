// SPDX-License-Identifier: BSD-2-Clause
//
// What Postfix 3.7 sends to one filter for one message, octet by octet, made before the clock runs.
// Seen on its wire: a packet of macros precedes every command, an empty one too, and also where the
// filter has negotiated the command away (RCPT, DATA). Before each field come the macros of the end
// of the header, before each piece of the body those of the end of the message. A filter's list of
// macros for a stage takes the place of Postfix's own, unless it is empty.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/load/mail_pool.h"
#include "tests/support/milter_client.h"

namespace signet {

/// Packets that are sent without a pause.
struct MilterStep {
  std::string octets;
  bool answered = false;  ///< the filter answers the last of them
  char command = 0;       ///< of the last of them
};
using MilterSteps = std::vector<MilterStep>;

struct MilterScript {
  MilterSteps connect, helo, mail, rcpt, data;
  MilterSteps header;
  MilterSteps body;  ///< with the end of the header
  MilterSteps rest;  ///< the other half of the body, if it comes in halves
  MilterSteps end;
};

class PostfixWriter {
 public:
  /// `halves`: the body is to be interrupted in its middle, between two packets.
  PostfixWriter(MilterOptions options, bool halves)
      : options_(std::move(options)), halves_(halves) {}

  MilterScript write(const PoolMessage& message) const;
  /// One more field. Its value begins with a space, and folds at LF.
  void add_header(MilterSteps& steps, std::string_view name, std::string_view value) const;

  const MilterOptions& options() const { return options_; }

 private:
  struct Event;
  void add(MilterSteps& steps, const Event& event, std::string_view macros,
           std::string_view data) const;
  std::string macros(unsigned stage, std::string_view defaults, const PoolMessage& message) const;
  void add_body(MilterSteps& steps, std::string_view octets) const;

  MilterOptions options_;
  bool halves_;
};

}  // namespace signet
