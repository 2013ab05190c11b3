// SPDX-License-Identifier: BSD-2-Clause
//
// InboundMessage: everything that is found out about one message on its way in. Each question is
// put on its way as soon as its name is known: SPF at MAIL, DKIM keys at each signature, the
// _dmarc names at From, those of domains that may align at the end of the header. finish() gathers
// the answers. Dropping the object abandons the message without waiting. One thread at a time.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/message.h"
#include "dns/dmarc.h"
#include "dns/spf/spf_check.h"
#include "milter/background.h"
#include "milter/field/from_field.h"
#include "milter/policy/disposition.h"
#include "milter/running_spf.h"
#include "milter/runtime.h"

namespace signet {

/// Who brings the message, as the MTA tells.
struct Envelope {
  std::optional<IpAddress> client;  ///< absent: SPF has nothing to check and says none
  std::string helo;
  std::string mail_from;  ///< without angle brackets; empty: null reverse-path
  std::string receiver;   ///< our host name
  bool trusted = false;   ///< authenticated or internal client: never refused
};

/// The findings on one message.
struct InboundResults {
  std::optional<IpAddress> spf_client;  ///< whom SPF was asked about, if anybody
  std::string spf_client_helo;
  SpfVerdict spf;
  SpfVerdict spf_helo;
  std::vector<DkimVerdict> dkim;
  Author author;
  DmarcVerdict dmarc;
  Disposition disposition;
  int dns_questions = 0;
  LimitSet limits;  ///< that were reached
};

/// The questions one message may ask, split so that no sender can use up those of the method that
/// would convict him: a costly HELO or MAIL FROM policy of his own leaves DMARC all it needs.
struct DnsShares {
  /// MaximumDNSQuestions in all.
  DnsShares(Deadline deadline, const Config& config);

  /// The header may come long after MAIL, and the end long after the header: DKIM and DMARC have
  /// their time from then on. SPF has begun at MAIL and keeps to that.
  void extend(Deadline deadline);
  void cancel();
  int used() const;
  bool answered_at_once() const;

  /// HELO gets this at once, and what MAIL FROM has left if it needs more.
  static constexpr int kHelo = 13;
  /// One walk for each of five authors, and room for those of aligned domains.
  static constexpr int kLeastDmarc = 64;

  LookupBudget mail_from;  ///< all that the SPF limits allow, if there are so many
  LookupBudget helo;
  LookupBudget dkim;   ///< two for each signature evaluated: as they come, and as they are chosen
  LookupBudget dmarc;  ///< what the others leave
};

/// At HELO, before there is a message: asks the one question that a message will ask first.
void ask_about_helo(const Runtime& runtime, const IpAddress& client, std::string_view helo);

class InboundMessage {
 public:
  /// `background` must outlive this object.
  InboundMessage(std::shared_ptr<const Runtime> runtime, Background& background, Envelope envelope,
                 std::chrono::sys_seconds now);
  ~InboundMessage();
  InboundMessage(const InboundMessage&) = delete;
  InboundMessage& operator=(const InboundMessage&) = delete;

  void header(const HeaderField& field);
  void end_of_headers();
  void body(std::string_view octets);
  /// All has come. Whether finish() would have to wait; then `news` is told when it is time to ask
  /// again. MessageTimeout begins at the first call.
  bool waits(const std::shared_ptr<AnswerListener>& news);
  /// False if no question is open; then finish() hardly waits.
  bool may_wait();
  /// Waits for what is still on its way, MessageTimeout at most, with waits() together.
  InboundResults finish(std::chrono::sys_seconds now);

 private:
  void start_spf();
  void take_reported_client(std::string_view received);
  SpfVerdict mail_from_verdict(Deadline deadline);
  SpfVerdict helo_verdict(Deadline deadline);
  void start_walks(const Author& author);
  std::vector<AuthenticatedDomain> candidates();
  void start_alignment_walks();
  void ask_on();
  Lookup* open_question();
  Deadline end_deadline();
  void tell_at(Deadline time, const std::shared_ptr<AnswerListener>& news);
  DmarcTreeWalk& walk_of(const Name& domain);
  std::vector<DmarcVerdict> evaluate_authors(const InboundResults& results);
  Evidence gather_evidence(const InboundResults& results, std::vector<DmarcVerdict> verdicts) const;

  std::shared_ptr<const Runtime> runtime_;
  Background& background_;
  Envelope envelope_;
  const std::chrono::sys_seconds began_;
  /// The client is in SPFIgnoreHosts, and SPF waits for the one it reports.
  bool awaits_received_ = false;
  std::string no_spf_reason_;
  std::shared_ptr<DnsShares> dns_;
  SpfRequest spf_request_;
  std::shared_ptr<RunningSpf> spf_;
  std::shared_ptr<RunningSpf> spf_helo_;
  std::unique_ptr<DkimVerifier> dkim_;
  std::vector<std::string> from_values_;
  std::vector<std::unique_ptr<DmarcTreeWalk>> walks_;
  bool asked_on_ = false;
  std::optional<Deadline> end_deadline_;
  Deadline timer_{};  ///< when the background tells timer_news_
  std::weak_ptr<AnswerListener> timer_news_;
  Author author_;
  bool from_list_ = false;
  std::string list_id_;           ///< of the first List-Id, what stands in its angle brackets
  int helo_questions_again_ = 0;  ///< asked in MAIL FROM's share
};

}  // namespace signet
