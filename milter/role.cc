// SPDX-License-Identifier: BSD-2-Clause
//
// The rules in their order: a login decides first, then the listener, then the network.

#include "milter/role.h"

#include <algorithm>

namespace signet {
namespace {

bool holds(const std::vector<std::string>& listeners, const std::string& name) {
  return !name.empty() && std::find(listeners.begin(), listeners.end(), name) != listeners.end();
}

// The entry of InternalHosts that covers the client. One whose address nobody knows is a stranger.
std::optional<std::string> internal_rule(const Config& config, const Client& client) {
  if (!client.address) return std::nullopt;
  for (const IpNetwork& network : config.internal_hosts) {
    if (network.contains(*client.address)) return "InternalHosts " + to_string(network);
  }
  return std::nullopt;
}

}  // namespace

std::optional<IpAddress> client_address(std::string_view host_name, const sockaddr* peer) {
  const bool is_local = peer == nullptr ? host_name == "localhost" : peer->sa_family == AF_UNIX;
  return is_local ? IpAddress::v4({127, 0, 0, 1}) : ip_address_of(peer);
}

Role decide_role(const Config& config, const Client& client) {
  Role role;
  const std::optional<std::string> internal = internal_rule(config, client);
  role.trusted = client.authenticated() || internal;
  if (client.authenticated()) {
    role.outbound = true;
    role.rule = "authenticated";
  } else if (holds(config.verifying_listeners, client.listener)) {
    role.rule = "VerifyingListeners " + client.listener;
  } else if (holds(config.signing_listeners, client.listener)) {
    role.outbound = true;
    role.rule = "SigningListeners " + client.listener;
  } else if (internal) {
    role.outbound = true;
    role.rule = *internal;
  } else {
    role.rule = "external";
  }
  role.trusted = role.trusted || role.outbound;
  role.sign = role.outbound && config.sign;
  role.verify = !role.outbound && config.verify;
  return role;
}

Role stranger_role(const Config& config, std::string rule) {
  Role role;
  role.verify = config.verify;
  role.rule = std::move(rule);
  return role;
}

}  // namespace signet
