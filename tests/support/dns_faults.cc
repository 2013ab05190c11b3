// SPDX-License-Identifier: BSD-2-Clause
//
// A fault is a row of faults(): how the server behaves, and what is expected for each method. The
// faults of a round follow each other without a pause, so answers that come too late for one
// message arrive while the next are at work.

#include "tests/support/dns_faults.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/support/dns_server.h"
#include "tests/support/milter_client.h"

namespace signet {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kSlack = 1s;  // two processors, and others who use them
constexpr auto kIdleWorkers = 15s;
constexpr auto kSettleTime = 60s;
/// Answers kept by the daemon: few, so that what it holds does not depend on what it was asked.
constexpr int kCacheEntries = 64;
/// Nobody listens on it: the port "discard".
constexpr const char* kRefusedPort = "127.0.0.1@9";

/// What one message may end with: regular expressions over `spf=... dkim=... dmarc=...`.
constexpr const char* kHonest = "spf=pass dkim=permerror dmarc=pass";
constexpr const char* kTempError = "spf=temperror dkim=temperror dmarc=temperror";
/// Each answer came or did not, but none is taken for another.
constexpr const char* kEither =
    "spf=(pass|temperror) dkim=(permerror|temperror) dmarc=(pass|temperror)";

/// What the names of a message hold.
enum class Records { honest, chain, cname_loop, enormous };
constexpr int kChainLinks = 10;  // RFC 7208 4.6.4: as many as are allowed

struct DnsFault {
  std::string name;
  DnsBehaviour behaviour;
  std::string expected;
  Records records = Records::honest;
  bool refused_port = false;  ///< there is no server at all
  bool given_up = false;      ///< the MTA goes away in the middle; no result
};

using DnsFaults = std::array<DnsFault, 16>;

DnsFaults faults(const DnsFaultsOptions& options) {
  const auto beyond = options.message_timeout + 2 * options.dns_timeout;
  return {{
      {"none", {}, kHonest},
      {"slow, within DNSTimeout", {.delay = options.dns_timeout / 4}, kHonest},
      {"truncated, TCP works", {.truncate = true}, kHonest},
      // RFC 7208 2.6.6, RFC 8601 2.7.1, RFC 9989 5.8.3: no answer is a temporary error.
      {"dead server", {.drop = -1}, kTempError},
      {"refused port", {}, kTempError, Records::honest, true},
      {"slow, beyond MessageTimeout", {.delay = beyond}, kTempError},
      // RFC 7208 4.6.4: the whole check has its time, however often it gets an answer.
      {"slow, one answer after the other",
       {.delay = options.dns_timeout * 3 / 5},
       "spf=temperror dkim=(permerror|temperror) dmarc=temperror",
       Records::chain},
      {"lossy: one of three answers dropped", {.drop_each = 3}, kEither},
      {"SERVFAIL", {.rcode = 2}, kTempError},
      {"REFUSED", {.rcode = 5}, kTempError},
      {"truncated, TCP dead", {.truncate = true, .dead_tcp = true}, kTempError},
      {"wrong id", {.wrong_id = true}, kTempError},
      {"garbage", {.raw = "garbage that is no DNS message at all"}, kTempError},
      {"CNAME loop", {}, kTempError, Records::cname_loop},
      // RFC 7208 4.6, RFC 6376 6.1.2, RFC 9989 4.7: what is no record of the kind does not help.
      {"64 KiB answers", {}, "spf=permerror dkim=permerror dmarc=permerror", Records::enormous},
      {"late answers, the message given up",
       {.delay = options.dns_timeout / 2},
       "",
       Records::honest,
       false,
       true},
  }};
}

/// The message's three records; the enormous ones are too long for zone text.
std::string zone_of(const std::string& domain, Records records) {
  if (records == Records::enormous) return "";
  const std::string key = "s1._domainkey." + domain;
  const std::string policy = "_dmarc." + domain;
  if (records == Records::cname_loop) {
    std::string zone;
    for (const std::string& name : {domain, key, policy}) {
      zone += fmt::format("{0}. CNAME loop.{0}.\nloop.{0}. CNAME {0}.\n", name);
    }
    return zone;
  }
  std::string zone = fmt::format(
      "{}. TXT \"v=DKIM1; p=bm8ga2V5\"\n"
      "{}. TXT \"v=DMARC1; p=none\"\n",
      key, policy);
  std::string owner = domain;
  for (int link = 1; records == Records::chain && link < kChainLinks; ++link) {
    zone += fmt::format("{0}. TXT \"v=spf1 include:link{1}.{2} -all\"\n", owner, link, domain);
    owner = fmt::format("link{}.{}", link, domain);
  }
  return zone + owner + ". TXT \"v=spf1 ip4:192.0.2.1 -all\"\n";
}

/// No answer is known before it is asked for, not even above the domain, where DMARC goes on
/// looking: libunbound remembers a failure for some seconds.
std::string domain_of(unsigned round, size_t fault, unsigned message) {
  return fmt::format("m{}.fault{}-round{}", message, fault, round);
}

std::string zone_of(const DnsFaultsOptions& options) {
  const DnsFaults all = faults(options);
  std::string zone;
  for (unsigned round = 0; round < options.rounds; ++round) {
    for (size_t fault = 0; fault < all.size(); ++fault) {
      for (unsigned message = 0; message < options.messages; ++message) {
        zone += zone_of(domain_of(round, fault, message), all[fault].records);
      }
    }
  }
  return zone;
}

std::vector<std::string> enormous_text(const std::string& start) {
  std::vector<std::string> strings(254, std::string(255, 'x'));
  strings.front() = start + strings.front().substr(start.size());
  return strings;
}

MilterMessage message_of(const std::string& domain) {
  MilterMessage message;
  message.sender = "<alice@" + domain + ">";
  message.set_content(
      fmt::format("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={0}; s=s1; h=from;\n"
                  " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=bm8gc2lnbmF0dXJl\n"
                  "From: alice@{0}\n"
                  "Subject: weather\n"
                  "\n"
                  "It rains.\n",
                  domain));
  return message;
}

/// What stands between `front` and the next white space or semicolon; "nothing" without `front`.
std::string word_behind(const std::string& text, const std::string& front) {
  const size_t found = text.find(front);
  if (found == text.npos) return "nothing";
  const size_t begin = found + front.size();
  return text.substr(begin, text.find_first_of(" ;\t\r\n", begin) - begin);
}

/// Whether the text as a whole is as the pattern, a POSIX extended regular expression, says.
bool is_as(const std::string& pattern, const std::string& text) {
  regex_t compiled{};
  if (regcomp(&compiled, fmt::format("^({})$", pattern).c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    throw std::invalid_argument("no regular expression: " + pattern);
  }
  const bool fits = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return fits;
}

/// "spf=... dkim=... dmarc=...", of SPF the result for MAIL FROM.
std::string results_of(const MilterOutcome& outcome) {
  std::string found;
  for (const MilterModification& change : outcome.reply.modifications) {
    if (change.name != "Authentication-Results") continue;
    for (const char* method : {"spf", "dkim", "dmarc"}) {
      found += fmt::format("{}{}={}", found.empty() ? "" : " ", method,
                           word_behind(change.value, fmt::format("\t{}=", method)));
    }
  }
  return found;
}

/// What the MTA gets to see of one message: the results, or why there are none. A message that is
/// given up has neither.
Result<std::string> converse(const std::string& socket, const MilterMessage& message,
                             bool given_up) {
  Result<MilterClient> client = MilterClient::connect(socket, 60s);
  if (!client) return Error{client.error()};
  MilterConversation conversation(*std::move(client));
  if (const auto done = conversation.negotiate(); !done) return Error{done.error()};
  if (const auto done = conversation.open(); !done) return Error{done.error()};
  if (given_up) {
    if (const auto done = conversation.mail(message); !done) return Error{done.error()};
    for (const auto& [name, value] : message.headers) {
      if (const auto done = conversation.header(name, value); !done) return Error{done.error()};
    }
    if (const auto done = conversation.client().flush(); !done) return Error{done.error()};
    return std::string();
  }
  const auto outcome = conversation.message(message);
  if (!outcome) return Error{outcome.error()};
  if (const auto done = conversation.quit(); !done) return Error{done.error()};
  return results_of(*outcome);
}

class Run {
 public:
  explicit Run(const DnsFaultsOptions& options)
      : options_(options),
        faults_(faults(options)),
        dns_(zone_of(options)),
        daemon_(options.build, folder_, config(dns_.address())) {}

  DnsFaultsReport play() {
    for (unsigned round = 0; round < options_.rounds; ++round) {
      for (size_t fault = 0; fault < faults_.size(); ++fault) play(round, fault);
      report_.after_round.push_back(rest());
    }
    judge_figures();
    if (const auto findings = daemon_.sanitizer_findings(); !findings.empty()) complain(findings);
    report_.exit_status = daemon_.stop();
    return std::move(report_);
  }

 private:
  /// What the daemon holds when nothing is to be done. Until the first round nobody knows how
  /// little that is; libmilter's workers go when they have been idle for ten seconds.
  ProcessFigures rest() const {
    if (report_.after_round.empty()) return daemon_.settle({}, kIdleWorkers);
    return daemon_.settle(base(), kSettleTime);
  }

  std::string config(const std::string& nameserver) const {
    return fmt::format(
        "AuthservID mx.example.org\nKeyDirectory {}\nNameservers {}\nDNSTimeout {}ms\n"
        "MessageTimeout {}ms\nDNSCacheEntries {}\n",
        folder_.path().string(), nameserver, options_.dns_timeout.count(),
        options_.message_timeout.count(), kCacheEntries);
  }

  void play(unsigned round, size_t number) {
    const DnsFault& fault = faults_[number];
    report_.counts.push_back({.fault = fault.name});
    dns_.behave(".", fault.behaviour);
    if (fault.refused_port) daemon_.reload(config(kRefusedPort));
    std::atomic<unsigned> next{0};
    std::vector<std::thread> mta;
    for (unsigned i = 0; i < options_.sessions; ++i) {
      mta.emplace_back([&] {
        for (unsigned mine = next++; mine < options_.messages; mine = next++) {
          const std::string domain = domain_of(round, number, mine);
          if (fault.records == Records::enormous) publish_enormous(domain);
          hand_in(domain, fault.given_up);
        }
      });
    }
    for (std::thread& thread : mta) thread.join();
    if (fault.refused_port) daemon_.reload(config(dns_.address()));
    judge(fault);
  }

  void publish_enormous(const std::string& domain) {
    dns_.add_text(domain, enormous_text("v=spf1 "), 300);
    dns_.add_text("s1._domainkey." + domain, enormous_text("v=DKIM1; "), 300);
    dns_.add_text("_dmarc." + domain, enormous_text("v=DMARC1; "), 300);
  }

  void hand_in(const std::string& domain, bool given_up) {
    const auto began = Clock::now();
    const auto results = converse(daemon_.socket(), message_of(domain), given_up);
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    const std::lock_guard lock(mutex_);
    times_.push_back(took);
    ++results_[results ? *results : results.error()];
  }

  void judge(const DnsFault& fault) {
    DnsFaultCount& count = report_.counts.back();
    count.messages = times_.size();
    count.slowest = *std::max_element(times_.begin(), times_.end());
    const auto most = options_.message_timeout + kSlack;
    count.late = std::count_if(times_.begin(), times_.end(), [&](auto t) { return t > most; });
    if (count.late > 0) complain(fmt::format("{}: {} late", fault.name, count.late));
    for (const auto& [results, times] : results_) {
      count.results += fmt::format("{}{} {}", count.results.empty() ? "" : ", ", times, results);
      if (is_as(fault.expected, results)) continue;
      complain(fmt::format("{}: {} times {}", fault.name, times, results));
    }
    times_.clear();
    results_.clear();
  }

  /// What there may be after a round: libunbound keeps a TCP connection to a name server for a
  /// while.
  ProcessFigures base() const {
    ProcessFigures base = report_.after_round.front();
    ++base.descriptors;
    return base;
  }

  void judge_figures() {
    const ProcessFigures base = this->base();
    for (const ProcessFigures& now : report_.after_round) {
      if (now.threads <= base.threads && now.descriptors <= base.descriptors) continue;
      complain(fmt::format("{} threads and {} descriptors, and {} and {} before", now.threads,
                           now.descriptors, base.threads, base.descriptors));
    }
    // Until then libunbound's own cache fills.
    const long before = report_.after_round[(options_.rounds - 1) / 2].resident_kib;
    const long after = report_.after_round.back().resident_kib;
    if (100 * after > (100 + options_.most_growth) * before) {
      complain(fmt::format("{} KiB resident, and {} before", after, before));
    }
  }

  void complain(std::string problem) { report_.problems.push_back(std::move(problem)); }

  const DnsFaultsOptions& options_;
  const DnsFaults faults_;
  DnsServer dns_;
  TemporaryFolder folder_;
  DaemonProcess daemon_;
  DnsFaultsReport report_;
  std::mutex mutex_;
  std::map<std::string, uint64_t> results_;  // guarded by mutex_; of the fault at hand, how often
  std::vector<milliseconds> times_;          // guarded by mutex_; of the fault at hand
};

}  // namespace

std::string DnsFaultsReport::text() const {
  std::string text = fmt::format("{:36} {:>8} {:>6} {:>8}  {}\n", "fault", "messages", "late",
                                 "slowest", "results");
  for (const DnsFaultCount& count : counts) {
    text += fmt::format("{:36} {:8} {:6} {:5} ms  {}\n", count.fault, count.messages, count.late,
                        count.slowest.count(), count.results);
  }
  for (const ProcessFigures& figures : after_round) {
    text += fmt::format("after a round: {} threads, {} descriptors, {} KiB resident\n",
                        figures.threads, figures.descriptors, figures.resident_kib);
  }
  text += fmt::format("exit status {}, {} problems\n", exit_status, problems.size());
  for (const std::string& problem : problems) text += "  " + problem + "\n";
  return text;
}

DnsFaultsReport break_dns(const DnsFaultsOptions& options) { return Run(options).play(); }

}  // namespace signet
