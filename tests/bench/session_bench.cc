// SPDX-License-Identifier: BSD-2-Clause
//
// What a message costs in this program, without libmilter and the DNS: one of 4 KiB beside the bare
// cryptography, and how the cost grows with the body, the header and the number of signatures. It
// has to grow linearly: the exit status is 1 if it does not.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/bare_openssl.h"
#include "tests/bench/comparison.h"
#include "tests/bench/session_work.h"

namespace signet {
namespace {

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
constexpr int kRounds = 15;
/// Linear is 2; the rest is what a busy machine may add.
constexpr double kMostPerDoubling = 2.5;
/// What is not seen by the clock at small sizes is seen at the large ones.
constexpr size_t kStepsJudged = 2;

MailSample mail_with_fields(size_t fields, std::string_view name, std::string_view value) {
  MailSample mail = make_mail(4 * kKiB, BodyShape::text);
  for (size_t i = 0; i < fields; ++i) {
    mail.fields.push_back({fmt::format(fmt::runtime(name), i), std::string(value)});
  }
  return mail;
}

/// How the cost of one task grows.
struct Curve {
  std::string_view task;
  std::string_view unit;
  std::vector<size_t> sizes;
  std::function<Work(size_t)> work;  ///< for a size
  int calls;                         ///< in a turn
};

std::vector<size_t> doublings(size_t from, size_t to) {
  std::vector<size_t> sizes;
  for (size_t size = from; size < to; size *= 2) sizes.push_back(size);
  sizes.push_back(to);
  return sizes;
}

/// Messages with a body of that many KiB.
SessionMail mail_of_size(const SessionWork& session, size_t kib, bool is_signed) {
  const size_t whole = std::max<size_t>(1, kib * kKiB / kMiB);
  MailSample mail = make_mail(4 * kKiB, BodyShape::text);
  mail.body = make_mail(kib * kKiB / whole + mail.header().size(), BodyShape::text).body;
  return session.with_signatures(mail, is_signed ? 1 : 0, whole);
}

using Shared = std::shared_ptr<SessionWork>;

Work verifying(const Shared& session, SessionMail mail) {
  return [session, mail = std::move(mail)] { session->verify(mail); };
}

Work signing(const Shared& session, SessionMail mail) {
  return [session, mail = std::move(mail)] { session->sign(mail); };
}

std::vector<Curve> make_curves(const Shared& s) {
  const auto fields = [](size_t count) {
    return mail_with_fields(count, "X-Field-{}", " some words that nobody reads, in a field");
  };
  const auto claims = [](size_t count) {
    return mail_with_fields(count, "Authentication-Results", " mx.example.org; dmarc=pass");
  };
  const std::vector<size_t> bodies = doublings(1, 50 * kKiB);
  const std::vector<size_t> counts = doublings(10, 10'000);
  const std::vector<size_t> signatures = doublings(1, 50);
  return {
      {"verify: body", "KiB", bodies,
       [=](size_t n) { return verifying(s, mail_of_size(*s, n, true)); }, 1},
      {"verify: signatures", "signature", signatures,
       [=](size_t n) { return verifying(s, s->with_signatures(fields(0), n)); }, 4},
      {"verify: header fields", "field", counts,
       [=](size_t n) { return verifying(s, s->with_signatures(fields(n), 1)); }, 4},
      {"verify: signatures over 10,000 fields", "signature", signatures,
       [=](size_t n) { return verifying(s, s->with_signatures(fields(10'000), n)); }, 1},
      {"verify: forged results to remove", "field", counts,
       [=](size_t n) { return verifying(s, s->with_signatures(claims(n), 1)); }, 4},
      {"sign: body", "KiB", bodies,
       [=](size_t n) { return signing(s, mail_of_size(*s, n, false)); }, 1},
      {"sign: header fields", "field", counts,
       [=](size_t n) { return signing(s, s->with_signatures(fields(n), 0)); }, 4},
  };
}

/// How many times as much twice the size costs, as seen between two sizes.
double per_doubling(size_t size, double cost, size_t larger_size, double larger_cost) {
  const double doublings_between =
      std::log2(static_cast<double>(larger_size) / static_cast<double>(size));
  return std::pow(larger_cost / cost, 1 / doublings_between);
}

/// True if it grows linearly.
bool print_curve(const Curve& curve) {
  std::vector<Work> works;
  for (const size_t size : curve.sizes) works.push_back(curve.work(size));
  Comparison comparison(std::string(curve.task), std::move(works), curve.calls);
  for (int i = 0; i < kRounds; ++i) comparison.round();

  fmt::print("\n{:>10}{:>14}{:>22}{:>14}\n", fmt::format("{}s", curve.unit), "us",
             fmt::format("us per {}", curve.unit), "per doubling");
  bool linear = true;
  for (size_t i = 0; i < curve.sizes.size(); ++i) {
    const double cost = comparison.microseconds(i);
    fmt::print("{:>10}{:>14.1f}{:>22.3f}", curve.sizes[i], cost,
               cost / static_cast<double>(curve.sizes[i]));
    if (i > 0) {
      const double growth =
          per_doubling(curve.sizes[i - 1], comparison.microseconds(i - 1), curve.sizes[i], cost);
      fmt::print("{:>14.2f}", growth);
      if (i + kStepsJudged >= curve.sizes.size()) linear = linear && growth <= kMostPerDoubling;
    }
    fmt::print("\n");
  }
  fmt::print("{} {}\n", curve.task, linear ? "grows linearly" : "GROWS FASTER THAN LINEARLY");
  return linear;
}

/// One message of 4 KiB beside what OpenSSL alone takes for it.
void print_messages(const Shared& s) {
  const MailSample mail = make_mail(4 * kKiB, BodyShape::text);
  const std::string header = mail.header();
  EVP_PKEY* key = s->key()->evp();
  const std::string bare = bare_sign(key, DkimKeyType::rsa, header, mail.body);
  std::vector<Comparison> comparisons;
  comparisons.emplace_back("verify 4 KiB",
                           std::vector<Work>{
                               [=] { bare_verify(key, DkimKeyType::rsa, header, mail.body, bare); },
                               verifying(s, s->with_signatures(mail, 1)),
                           },
                           200);
  comparisons.emplace_back("sign 4 KiB",
                           std::vector<Work>{
                               [=] { bare_sign(key, DkimKeyType::rsa, header, mail.body); },
                               signing(s, s->with_signatures(mail, 0)),
                           },
                           20);
  for (Comparison& comparison : comparisons) {
    for (int i = 0; i < 2 * kRounds; ++i) comparison.round();
  }
  print_table(comparisons, {"bare", "session"});
  for (const Comparison& comparison : comparisons) {
    fmt::print("{}: {:.1f} us beyond the bare cryptography\n", comparison.task(),
               comparison.microseconds(1) - comparison.microseconds(0));
  }
}

/// For a profiler: messages of 4 KiB and nothing else.
int run_messages(std::string_view task, size_t count) {
  const auto session = std::make_shared<SessionWork>();
  const bool verify = task == "verify";
  if (!verify && task != "sign") throw std::runtime_error("usage: session_bench [verify|sign N]");
  const MailSample mail = make_mail(4 * kKiB, BodyShape::text);
  const SessionMail message = session->with_signatures(mail, verify ? 1 : 0);
  for (size_t i = 0; i < count; ++i) verify ? session->verify(message) : session->sign(message);
  return 0;
}

int run() {
  const auto session = std::make_shared<SessionWork>();
  print_messages(session);
  bool linear = true;
  for (const Curve& curve : make_curves(session)) linear = print_curve(curve) && linear;
  return linear ? 0 : 1;
}

}  // namespace
}  // namespace signet

int main(int argc, char** argv) {
  try {
    return argc == 3 ? signet::run_messages(argv[1], std::stoul(argv[2])) : signet::run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "session_bench: {}\n", error.what());
    return 1;
  }
}
