// SPDX-License-Identifier: BSD-2-Clause
//
// SpfLookups: every question of one SPF check goes through here, and here are the counts that RFC
// 7208 4.6.4 limits: terms that query DNS, void lookups, names per PTR answer. It lives as long as
// the check and belongs to the thread that runs it.

#pragma once

#include <optional>
#include <vector>

#include "dns/resolver.h"
#include "dns/spf/spf_check.h"

namespace signet {

/// The validated domain names of the client (RFC 7208 5.5).
struct SpfClientNames {
  DnsStatus status = DnsStatus::no_data;  ///< of the PTR question
  std::vector<Name> validated;            ///< in the order of the answer
  bool cut_short = false;                 ///< the message's time or questions ran out on the way
};

class SpfLookups {
 public:
  /// Resolver and budget must outlive it.
  SpfLookups(Resolver& resolver, LookupBudget& budget, const SpfLimits& limits,
             const IpAddress& client)
      : resolver_(resolver), budget_(budget), limits_(limits), client_(client) {}

  const SpfLimits& limits() const { return limits_; }

  /// Puts a question on its way.
  Lookup ask(const Name& name, RecordType type);
  /// A or AAAA, as fits the client (RFC 7208 5).
  RecordType address_type() const { return client_.is_v4() ? RecordType::a : RecordType::aaaa; }

  /// One of the terms that query DNS; false if none is left.
  bool take_term();
  int terms_left() const { return limits_.terms - terms_; }
  /// An answer without data; false if it is one too many.
  bool count_void() { return ++void_lookups_ <= limits_.void_lookups; }

  /// They depend on the client alone, so they are looked up once, at the first call.
  const SpfClientNames& client_names();
  /// RFC 7208 7.3, what %{p} stands for: `domain` itself if it is among the client's names, else a
  /// name below it, else any; "unknown" if there is none.
  std::string client_name_for(const Name& domain);

  /// Whether `count` more questions stay within what the terms of a check can cost: 111.
  bool may_ask(int count) const;
  /// The same for client_names().
  bool may_ask_client_names() const { return client_names_ || may_ask(1 + limits_.ptr_names); }

  int terms() const { return terms_; }
  int void_lookups() const { return void_lookups_; }
  int questions() const { return questions_; }

 private:
  SpfClientNames find_client_names();
  bool allowance_is_gone();

  Resolver& resolver_;
  LookupBudget& budget_;
  const SpfLimits limits_;
  const IpAddress client_;
  int terms_ = 0;
  int void_lookups_ = 0;
  int questions_ = 0;
  std::optional<SpfClientNames> client_names_;
};

}  // namespace signet
