// SPDX-License-Identifier: BSD-2-Clause
//
// SpfLookups: every question of one SPF check goes through here, and here are the counts that RFC
// 7208 4.6.4 limits: terms that query DNS, void lookups, names per PTR answer.
//
// A policy is read from its beginning as often as answers come in. What is not there yet is open;
// the reading passes over it and so asks what comes after. Questions and answers stay from one
// reading to the next, the counts start again, and a reading that met nothing open is the one that
// counts. It lives as long as the check; one thread at a time.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dns/resolver.h"
#include "dns/spf/spf_check.h"

namespace signet {

/// The validated domain names of the client (RFC 7208 5.5).
struct SpfClientNames {
  DnsStatus status = DnsStatus::no_data;  ///< of the PTR question
  std::vector<Name> validated;            ///< in the order of the answer
  bool cut_short = false;                 ///< the message's time or questions ran out on the way
  LimitSet limits;                        ///< that were reached on the way
};

class SpfLookups {
 public:
  /// Resolver and budget must outlive it. `whole_answers`: keep even of big answers more than the
  /// check looks at, for a trace.
  SpfLookups(Resolver& resolver, LookupBudget& budget, const SpfLimits& limits,
             const IpAddress& client, bool whole_answers)
      : resolver_(resolver),
        budget_(budget),
        limits_(limits),
        client_(client),
        whole_answers_(whole_answers) {}

  /// A or AAAA, as fits the client (RFC 7208 5).
  RecordType address_type() const { return client_.is_v4() ? RecordType::a : RecordType::aaaa; }

  // -- One reading --

  void begin_reading();
  /// Whether the reading met an answer that is not there.
  bool met_open() const { return !awaited_.empty(); }

  /// The answer, or nullptr if it is not there. A question asked for the first time is put on its
  /// way, unless the reading looks ahead and has no more to spend. The answer stays where it is.
  const Answer* find(const Name& name, RecordType type);

  /// From here on the reading asks what the check may never come to, and yet need all that RFC 7208
  /// lets it ask: nobody knows how many terms an open include takes.
  void look_ahead();
  bool looks_ahead() const { return reserve_.has_value(); }

  /// One of the terms that query DNS; false if none is left.
  bool take_term();
  /// An answer without data; false if it is one too many.
  bool count_void();
  /// Whether an "mx" may have that many.
  bool allows_mx_hosts(size_t hosts);
  /// What was reached without these functions knowing.
  void note(std::optional<Limit> limit) { reached_.add(limit); }
  /// In this reading, of SpfLimits and of the message.
  LimitSet limits_reached() const { return reached_; }

  /// They depend on the client alone, so they are looked up once. nullptr: open.
  const SpfClientNames* client_names();
  /// RFC 7208 7.3, what %{p} stands for: `domain` itself if it is among the client's names, else a
  /// name below it, else any; "unknown" if there is none. To be called if client_names() are there.
  std::string client_name_for(const Name& domain) const;

  /// Whether find() keeps the check within what its terms can cost, SpfLimits::questions().
  bool may_find(const Name& name, RecordType type) const;
  /// The same for client_names().
  bool may_find_client_names() const;

  int terms() const { return terms_; }
  int void_lookups() const { return void_lookups_; }
  int questions() const { return questions_; }

  // -- Between two readings --

  /// The listener is told when there is more to read. False if there is already.
  bool listen(const std::shared_ptr<AnswerListener>& listener);
  /// When there is more to read though nothing has come: an answer's time is over.
  Deadline patience() const;

 private:
  struct Asked {
    Lookup lookup;
    bool answered = false;
    bool listened = false;
  };

  std::optional<SpfClientNames> find_client_names();
  const Answer* look_at(Asked& asked, RecordType type);
  Answer cut_down(const Answer& answer) const;
  bool has_asked(const Name& name, RecordType type) const;
  bool allowance_is_gone();

  Resolver& resolver_;
  LookupBudget& budget_;
  const SpfLimits limits_;
  const IpAddress client_;
  const bool whole_answers_;
  std::map<std::pair<Name, RecordType>, Asked> asked_;
  int questions_ = 0;
  std::optional<SpfClientNames> client_names_;

  // Of this reading:
  int terms_ = 0;
  int void_lookups_ = 0;
  LimitSet reached_;
  int owed_ = 0;                ///< questions that follow from open ones, at most
  std::optional<int> reserve_;  ///< questions that looking ahead must leave to the check
  /// What a further reading has to wait for: the first open question, without whose answer there is
  /// no verdict, and those from whose answers other questions follow.
  std::vector<Asked*> awaited_;
};

}  // namespace signet
