// SPDX-License-Identifier: BSD-2-Clause
//
// Whole messages through a Session, with the calls and the values that callbacks.cc makes of what
// Postfix sends. Every question is answered by a cache that is warm, as most are in a daemon that
// has run for a while; nothing here speaks the milter protocol.

#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key.h"
#include "dns/resolver.h"
#include "dns/unbound/answer_cache.h"
#include "milter/background.h"
#include "milter/runtime.h"
#include "milter/session.h"
#include "tests/bench/mail_sample.h"

namespace signet {

/// Knows the records of the domains it was told of, and that nothing else exists.
class WarmResolver final : public Resolver {
 public:
  WarmResolver();

  /// A domain that sends from 192.0.2.0/24 and signs with a key whose record is `key_record`.
  void add_domain(const std::string& domain, const std::string& selector,
                  const std::string& key_record);
  const AnswerCache& cache() const { return cache_; }

 private:
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override;
  void add_text(const std::string& name, std::string text);

  AnswerCache cache_;
  Answer no_domain_;
};

/// One message as an MTA hands it over.
struct SessionMail {
  std::vector<HeaderField> fields;  ///< folded with LF, as libmilter gives them
  std::string body;
  size_t times = 1;  ///< how often the body comes
};

/// One connection, and the runtime of a server that holds a key (RSA, 2048 bits) of example.com
/// and verifies what others send in that name. As many signatures and header fields are taken as
/// come.
class SessionWork {
 public:
  SessionWork();

  /// `mail` with as many good signatures, whose body comes `times` times.
  SessionMail with_signatures(const MailSample& mail, size_t signatures, size_t times = 1) const;
  /// A stranger's message. Throws std::runtime_error unless SPF, DMARC and each signature pass.
  void verify(const SessionMail& mail);
  /// A message of one of ours. Throws std::runtime_error unless it is signed.
  void sign(const SessionMail& mail);

  /// A new connection, after HELO. This object must outlive it.
  std::unique_ptr<Session> connect();
  /// One message, of one of ours or of a stranger.
  static void deliver(Session& session, const SessionMail& mail, bool of_ours);
  /// The steps of deliver() before its end.
  static void begin(Session& session, bool of_ours);
  static void feed_header(Session& session, const SessionMail& mail);
  static void feed_body(Session& session, const SessionMail& mail);

  const std::shared_ptr<const SigningKey>& key() const { return key_; }
  WarmResolver& resolver() { return *resolver_; }
  const Runtime& runtime() const { return *runtime_; }

 private:
  std::shared_ptr<const SigningKey> key_;
  std::shared_ptr<WarmResolver> resolver_;
  std::shared_ptr<const Runtime> runtime_;
  RuntimeSlot slot_;
  Background background_;
  std::unique_ptr<Session> session_;
};

}  // namespace signet
