// SPDX-License-Identifier: BSD-2-Clause
//
// A pool: messages with their envelopes in one file, as make_bench_mail writes it and milter_load
// reads it. Before each message stands a line of what the client said and who it is:
//
//     client=198.18.0.7 helo=mail.d7.example from=author@d7.example login= octets=4096
//
// and then the message, so many octets, with CRLF at the ends of lines.

#pragma once

#include <string>
#include <vector>

namespace signet {

struct PoolMessage {
  std::string client;  ///< its IPv4 address
  std::string helo;    ///< also the name that its address has
  std::string from;    ///< MAIL FROM, an address
  std::string login;   ///< of an authenticated client, else empty
  std::string text;
};

/// Both throw std::runtime_error with the path.
void write_pool(const std::string& path, const std::vector<PoolMessage>& messages);
std::vector<PoolMessage> read_pool(const std::string& path);

}  // namespace signet
