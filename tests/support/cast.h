// SPDX-License-Identifier: BSD-2-Clause
//
// A dozen clients with a message each that a filter can never confuse unnoticed: every one has a
// domain, an address and a name of its own, and its results name them. Among them are mail that
// passes, mail that is refused, forged results, a broken signature, and mail of ours to be signed.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/milter_client.h"
#include "tests/support/temporary_folder.h"

namespace signet {

class ZoneResolver;

struct Player {
  std::string domain;  ///< "d3.example.net"
  MilterClientInfo client;
  MilterMessage message;  ///< its queue id is for the caller to choose
};

class Cast {
 public:
  Cast();
  ~Cast();

  const std::vector<Player>& players() const { return players_; }
  /// Everything about them in the DNS, with times to live of 0, so that it is always asked anew.
  const std::string& zone() const { return zone_; }
  /// The keys of those whose mail is signed, as KeyDirectory has them.
  void write_keys(const TemporaryFolder& folder) const;

  /// What is wrong with the outcome for the author's message, whatever came before it: a domain
  /// of neither `client` nor `author`, or a signature that does not verify. Empty if all is well.
  std::string misattribution(const Player& client, const Player& author,
                             const MilterOutcome& outcome) const;

 private:
  void add(size_t number);

  std::vector<Player> players_;
  std::string zone_;
  std::unique_ptr<ZoneResolver> dns_;  ///< answers from zone_
};

/// The authserv-id that one of the players forges: the filter must have it.
inline constexpr const char* kCastAuthservId = "mx.example.org";

/// What depends on the time in a signature that was added: t=, x= and b=.
enum class Times { kept, left_out };

/// What a filter did, line by line, for comparing.
std::string description(const MilterOutcome& outcome, Times times);

}  // namespace signet
