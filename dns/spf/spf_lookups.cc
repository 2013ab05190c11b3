// SPDX-License-Identifier: BSD-2-Clause
//
// Counting, what may be asked ahead, and the one procedure that asks by itself: finding the
// client's names (RFC 7208 5.5).

#include "dns/spf/spf_lookups.h"

#include <algorithm>
#include <chrono>

namespace signet {
namespace {

// An honest answer has fewer. Of one that has more, no more is kept than a check looks at.
constexpr size_t kManyRecords = 20;

bool leads_to_questions(RecordType type) {
  return type == RecordType::txt || type == RecordType::mx || type == RecordType::ptr;
}

template <class Records>
void keep_first(Records& records, int limit) {
  const auto kept = static_cast<size_t>(std::max(limit, 0)) + 1;
  if (records.size() > kept) records.resize(kept);
}

/// The address that has most leading bits in common with the client's: whatever the length of a
/// network, if any of the addresses is in one network with the client, then this one is.
IpAddress nearest(const std::vector<IpAddress>& addresses, const IpAddress& client) {
  IpAddress found = addresses.front();
  int bits = 0;
  for (const IpAddress& address : addresses) {
    if (!IpNetwork{address, bits}.contains(client)) continue;
    found = address;
    while (bits < client.bits() && IpNetwork{address, bits + 1}.contains(client)) ++bits;
  }
  return found;
}

}  // namespace

void SpfLookups::begin_reading() {
  terms_ = 0;
  void_lookups_ = 0;
  reached_ = {};
  owed_ = 0;
  reserve_.reset();
  awaited_.clear();
}

const Answer* SpfLookups::find(const Name& name, RecordType type) {
  auto found = asked_.find({name, type});
  if (found == asked_.end()) {
    const bool may_ask =
        !reserve_ || (questions_ + 1 + *reserve_ <= limits_.questions() && !budget_.exhausted());
    if (!may_ask) return nullptr;
    ++questions_;
    found = asked_.try_emplace({name, type}, Asked{resolver_.start(name, type, budget_)}).first;
  }
  return look_at(found->second, type);
}

const Answer* SpfLookups::look_at(Asked& asked, RecordType type) {
  const Answer* answer = asked.lookup.peek();
  if (answer == nullptr) {
    if (awaited_.empty() || leads_to_questions(type)) awaited_.push_back(&asked);
    if (type == RecordType::mx) owed_ += limits_.mx_names;
    return nullptr;
  }
  note(answer->limit);
  if (std::exchange(asked.answered, true)) return answer;
  const auto records = answer->addresses.size() + answer->exchanges.size() + answer->names.size();
  if (records > kManyRecords && !whole_answers_) {
    asked.lookup = Lookup(std::make_shared<Answer>(cut_down(*answer)));
  }
  return asked.lookup.peek();
}

/// Of many hosts or names one more than may be; of many addresses the one nearest to the client's.
Answer SpfLookups::cut_down(const Answer& answer) const {
  Answer rest = answer;
  keep_first(rest.exchanges, limits_.mx_names);
  keep_first(rest.names, limits_.ptr_names);
  if (!answer.addresses.empty()) rest.addresses = {nearest(answer.addresses, client_)};
  return rest;
}

/// A check may ask 111 questions (with the default limits, as all numbers here), and what is asked
/// ahead must not take one from what is due. Due at most are 11 for each term that may still come,
/// and `owed_` for those that have come: the hosts of an open mx and the like. Before anything is
/// asked ahead the sum is kept by the terms themselves, because none costs more than its 11; and it
/// falls by 10 with each term that costs a single question, such as the open include itself. That
/// is what there is to spend here.
void SpfLookups::look_ahead() {
  if (!reserve_) reserve_ = owed_ + (limits_.terms - terms_) * limits_.questions_of_a_term();
}

bool SpfLookups::take_term() {
  if (terms_ >= limits_.terms) {
    note(Limit::spf_terms);
    return false;
  }
  ++terms_;
  return true;
}

bool SpfLookups::count_void() {
  if (++void_lookups_ <= limits_.void_lookups) return true;
  note(Limit::spf_void_lookups);
  return false;
}

bool SpfLookups::allows_mx_hosts(size_t hosts) {
  if (hosts <= static_cast<size_t>(limits_.mx_names)) return true;
  note(Limit::spf_mx_hosts);
  return false;
}

const SpfClientNames* SpfLookups::client_names() {
  if (!client_names_) client_names_ = find_client_names();
  if (client_names_) {
    reached_.add(client_names_->limits);
    return &*client_names_;
  }
  // The names' addresses, and what the term that needs them asks in the end.
  owed_ += limits_.ptr_names + limits_.questions_of_a_term();
  return nullptr;
}

/// Void answers about the names are not counted: like the limit of 10 names, which makes the rest
/// ignored (RFC 7208 4.6.4), that would let the owner of the address decide for the domain.
std::optional<SpfClientNames> SpfLookups::find_client_names() {
  SpfClientNames found;
  const Answer* pointers = find(reverse_name(client_), RecordType::ptr);
  if (pointers == nullptr) return std::nullopt;
  found.status = pointers->status;
  found.limits.add(pointers->limit);
  bool failed = pointers->failed();
  const size_t considered =
      std::min(pointers->names.size(), static_cast<size_t>(std::max(limits_.ptr_names, 0)));
  if (considered < pointers->names.size()) found.limits.add(Limit::spf_ptr_names);
  bool open = false;
  for (size_t i = 0; i < considered; ++i) {
    const Answer* addresses = find(pointers->names[i], address_type());
    open = open || addresses == nullptr;
    if (addresses == nullptr) continue;
    // RFC 7208 5.5: on a DNS error that name is skipped and the search continues.
    failed = failed || addresses->failed();
    found.limits.add(addresses->limit);
    const auto& list = addresses->addresses;
    if (std::find(list.begin(), list.end(), client_) != list.end()) {
      found.validated.push_back(pointers->names[i]);
    }
  }
  if (open) return std::nullopt;
  found.cut_short = failed && allowance_is_gone();
  return found;
}

std::string SpfLookups::client_name_for(const Name& domain) const {
  const auto& names = client_names_->validated;
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

bool SpfLookups::has_asked(const Name& name, RecordType type) const {
  return asked_.contains({name, type});
}

bool SpfLookups::may_find(const Name& name, RecordType type) const {
  return has_asked(name, type) || questions_ + 1 <= limits_.questions();
}

bool SpfLookups::may_find_client_names() const {
  return client_names_ || has_asked(reverse_name(client_), RecordType::ptr) ||
         questions_ + 1 + limits_.ptr_names <= limits_.questions();
}

bool SpfLookups::listen(const std::shared_ptr<AnswerListener>& listener) {
  for (Asked* asked : awaited_) {
    if (asked->lookup.peek() != nullptr) return false;
    if (asked->listened) continue;
    if (!asked->lookup.listen(listener)) return false;
    asked->listened = true;
  }
  return true;
}

Deadline SpfLookups::patience() const {
  Deadline earliest = Deadline::max();
  for (const Asked* asked : awaited_) earliest = std::min(earliest, asked->lookup.deadline());
  return earliest;
}

}  // namespace signet
