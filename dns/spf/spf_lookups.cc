// SPDX-License-Identifier: BSD-2-Clause
//
// Counting, and the one procedure that asks by itself: finding the client's names (RFC 7208 5.5).

#include "dns/spf/spf_lookups.h"

#include <algorithm>
#include <chrono>

namespace signet {

Lookup SpfLookups::ask(const Name& name, RecordType type) {
  ++questions_;
  return resolver_.start(name, type, budget_);
}

bool SpfLookups::take_term() {
  if (terms_ >= limits_.terms) return false;
  ++terms_;
  return true;
}

const SpfClientNames& SpfLookups::client_names() {
  if (!client_names_) client_names_ = find_client_names();
  return *client_names_;
}

/// Void answers about the names are not counted: like the limit of 10 names, which makes the rest
/// ignored (RFC 7208 4.6.4), that would let the owner of the address decide for the domain.
SpfClientNames SpfLookups::find_client_names() {
  SpfClientNames found;
  Lookup pointers = ask(reverse_name(client_), RecordType::ptr);
  const Answer& answer = pointers.get();
  found.status = answer.status;
  bool failed = answer.failed();
  const size_t considered =
      std::min(answer.names.size(), static_cast<size_t>(std::max(limits_.ptr_names, 0)));
  std::vector<Lookup> lookups;
  for (size_t i = 0; i < considered; ++i) lookups.push_back(ask(answer.names[i], address_type()));
  for (size_t i = 0; i < considered; ++i) {
    const Answer& addresses = lookups[i].get();
    // RFC 7208 5.5: on a DNS error that name is skipped and the search continues.
    failed = failed || addresses.failed();
    const auto& list = addresses.addresses;
    if (std::find(list.begin(), list.end(), client_) != list.end()) {
      found.validated.push_back(answer.names[i]);
    }
  }
  found.cut_short = failed && allowance_is_gone();
  return found;
}

std::string SpfLookups::client_name_for(const Name& domain) {
  const auto& names = client_names().validated;
  if (names.empty()) return "unknown";
  if (std::find(names.begin(), names.end(), domain) != names.end()) return domain.text();
  const auto below = std::find_if(names.begin(), names.end(),
                                  [&](const Name& name) { return name.is_at_or_below(domain); });
  return below == names.end() ? names.front().text() : below->text();
}

/// Called only after a failure. Taking a question is how one learns whether any is left.
bool SpfLookups::allowance_is_gone() {
  return std::chrono::steady_clock::now() >= budget_.deadline() || budget_.exhausted();
}

bool SpfLookups::may_ask(int count) const {
  const int each_term = 1 + std::max(limits_.mx_names, limits_.ptr_names);
  return questions_ + count <= 1 + limits_.terms * each_term;
}

}  // namespace signet
