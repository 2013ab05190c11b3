// SPDX-License-Identifier: BSD-2-Clause
//
// make_bench_mail FOLDER: the mail and the DNS of one run of tests/bench/run. Writes
// FOLDER/mail.zone, a pool of messages FOLDER/NAME.pool for each kind of work, and the key of the
// domain we sign for, FOLDER/keys/ours.example/s1.pem.
//
// Messages have 28 header fields and come from as many domains as there are messages, each with
// SPF, a selector and DMARC of its own. The domains share four RSA keys of 2048 bits: which number
// a key is makes no difference to anybody.

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/key.h"
#include "tests/bench/load/mail_pool.h"
#include "tests/bench/mail_sample.h"

namespace signet {
namespace {

constexpr size_t kKiB = 1024;
constexpr char kSelector[] = "s1";
constexpr char kOurDomain[] = "ours.example";

using Key = std::shared_ptr<const SigningKey>;

constexpr size_t kDomains = 1000;      // of ordinary mail
constexpr size_t kLargeMessages = 20;  // of 1 MiB
constexpr size_t kOutbound = 200;      // messages of ours, unsigned
constexpr size_t kColdDomains = 2000;  // those with the deepest SPF
constexpr size_t kManyDomains = 5000;  // for what a cache costs

Key new_key(const SecretText& pem) {
  auto key = SigningKey::parse(pem.text(), *parse_domain(kOurDomain), kSelector);
  if (!key) throw std::runtime_error(key.error());
  return *std::move(key);
}

std::string new_pem() {
  auto pem = generate_key(DkimKeyType::rsa, 2048);
  if (!pem) throw std::runtime_error(pem.error());
  return *std::move(pem);
}

// ---- domains

/// How many questions after one another an SPF check takes.
enum class SpfDepth { address, mx, include, include_mx };

struct Domain {
  std::string name;
  std::string address;  ///< of its only server, mail.NAME
  SpfDepth depth;
};

/// `first`: how many there are before them, so that each has an address of its own.
std::vector<Domain> make_domains(char letter, size_t count, size_t first, bool all_deep) {
  std::vector<Domain> domains;
  for (size_t i = 0; i < count; ++i) {
    const size_t number = first + i;
    // RFC 2544: 198.18.0.0/15 is for benchmarks.
    domains.push_back(
        {fmt::format("{}{}.example", letter, i),
         fmt::format("198.{}.{}.{}", 18 + (number >> 16), number >> 8 & 0xff, number & 0xff),
         all_deep ? SpfDepth::include_mx : static_cast<SpfDepth>(i % 4)});
  }
  return domains;
}

class Zone {
 public:
  /// Answers that do not exist may be kept for an hour (RFC 2308 5).
  Zone() : text_(". 3600 IN SOA a.example. b.example. 1 3600 600 86400 3600\n") {}

  void add(const Domain& domain, const SigningKey& key) {
    const std::string& name = domain.name;
    const std::string server = "mail." + name;
    const std::string relay = "relay." + name;  // nobody asks for it on other grounds
    const std::string ip = "ip4:" + domain.address;
    const bool includes = domain.depth >= SpfDepth::include;
    const bool uses_mx = domain.depth == SpfDepth::mx || domain.depth == SpfDepth::include_mx;
    const std::string rule = uses_mx ? "mx" : ip;
    add_text(name, fmt::format("v=spf1 {} -all", includes ? "include:_spf." + name : rule));
    if (includes) {
      add_text("_spf." + name, fmt::format("v=spf1 {} -all", rule));
      add("_spf." + name, "MX", fmt::format("10 {}.", relay));
      add(relay, "A", domain.address);
    }
    add(name, "MX", fmt::format("10 {}.", server));
    add(server, "A", domain.address);
    add_text(server, "v=spf1 a -all");
    add_text("_dmarc." + name, "v=DMARC1; p=reject");
    add_text(fmt::format("{}._domainkey.{}", kSelector, name), key.record());
  }

  void write(const std::string& path) const {
    std::ofstream file(path);
    if (!(file << text_).flush()) throw std::runtime_error("cannot write " + path);
  }

 private:
  void add(const std::string& name, const char* type, const std::string& data) {
    text_ += fmt::format("{}. 3600 IN {} {}\n", name, type, data);
  }
  void add_text(const std::string& name, const std::string& value) {
    std::string strings;
    for (size_t i = 0; i < value.size(); i += 255) {
      strings += fmt::format(" \"{}\"", value.substr(i, 255));
    }
    add(name, "TXT", strings);
  }

  std::string text_;
};

// ---- messages

/// Twenty-seven fields; with a DKIM-Signature on top they are 28.
std::vector<HeaderField> header_of(const Domain& domain, size_t number) {
  const std::string& name = domain.name;
  const std::string id = fmt::format("{:08x}.{}", number * 2654435761U % 0xffffffffU, number);
  const auto received = [&](int hop) {
    return fmt::format(
        " from host{0}.{1} (host{0}.{1} [203.0.113.{0}])\r\n"
        "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"
        "\tby mail.{1} (Postfix) with ESMTPS id {2}\r\n"
        "\tfor <reader@reader.example>; Mon,  2 Nov 2026 10:15:3{0} +0000 (UTC)",
        hop, name, id);
  };
  return {
      {"Received", received(3)},
      {"Received", received(2)},
      {"Received", received(1)},
      {"From", " An Author <author@" + name + ">"},
      {"To", " A Reader <reader@reader.example>"},
      {"Cc", " Another Reader <another@reader.example>,\r\n The List <list@lists.example>"},
      {"Reply-To", " <answers@" + name + ">"},
      {"Subject", fmt::format(" Minutes of meeting {}, with what was decided,\r\n and why", id)},
      {"Date", " Mon, 2 Nov 2026 11:15:30 +0100"},
      {"Message-ID", fmt::format(" <{}@{}>", id, name)},
      {"In-Reply-To", " <c2a8a1f4-2d0b-4d0a-b9f5-6f1f3f2a9c77@reader.example>"},
      {"References", " <0f2d6a53-19c7-4b1d-8e4f@reader.example>\r\n <c2a8a1f4@reader.example>"},
      {"MIME-Version", " 1.0"},
      {"Content-Type", " text/plain; charset=UTF-8; format=flowed"},
      {"Content-Transfer-Encoding", " 7bit"},
      {"Content-Language", " en-GB"},
      {"User-Agent", " Mozilla Thunderbird"},
      {"Organization", " The Organization of " + name},
      {"List-Unsubscribe", " <https://" + name + "/unsubscribe?number=" + id + ">"},
      {"List-Unsubscribe-Post", " List-Unsubscribe=One-Click"},
      {"Feedback-ID", fmt::format(" {}:campaign:{}", number, name)},
      {"Precedence", " bulk"},
      {"Auto-Submitted", " auto-generated"},
      {"X-Priority", " 3"},
      {"X-Mailer", " The mailer of " + name},
      {"X-Campaign", " 2026-11"},
      {"X-Entity-Ref-ID", " " + id},
  };
}

/// The text of a message of `octets` in all, with a signature on top if there is a key.
std::string make_text(const Domain& domain, size_t number, const MailSample& sample, size_t octets,
                      const Key& key) {
  MailSample mail{header_of(domain, number), fmt::format("Message {}\r\n", number)};
  const size_t signature_octets = key ? 760 : 0;  // some more or less
  mail.body += sample.body.substr(0, octets - mail.header().size() - signature_octets);
  mail.body += "\r\n";
  if (!key) return mail.header() + mail.body;
  DkimSignOptions options;
  options.signature_ttl = std::chrono::seconds(0);
  const auto signer = make_dkim_signer(DkimEngine::native, options, {SignatureSpec{key, {}}});
  for (const HeaderField& field : mail.fields) signer->header(field);
  signer->end_of_headers();
  signer->body(mail.body);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto signatures = signer->finish(now);
  if (!signatures) throw std::runtime_error(signatures.error());
  mail.fields.insert(mail.fields.begin(), signatures->front());
  return mail.header() + mail.body;
}

class Site {
 public:
  explicit Site(std::string folder) : folder_(std::move(folder)) {
    for (Key& key : keys_) {
      key = new_key(SecretText(new_pem()));
    }
  }

  void make() {
    make_own_key();
    const auto domains = make_domains('d', kDomains, 0, false);
    const auto deep = make_domains('c', kColdDomains, domains.size(), true);
    const auto many = make_domains('m', kManyDomains, domains.size() + deep.size(), false);
    for (const auto* group : {&domains, &deep, &many}) {
      for (size_t i = 0; i < group->size(); ++i) zone_.add((*group)[i], *keys_[i % keys_.size()]);
    }
    zone_.write(folder_ + "/mail.zone");
    const auto small = signed_mail(domains, domains.size(), 4 * kKiB);
    const auto medium = signed_mail(domains, domains.size(), 50 * kKiB);
    const auto outbound = outbound_mail();
    write("verify-4k", small);
    write("verify-50k", medium);
    write("verify-1m", signed_mail(domains, kLargeMessages, 1024 * kKiB));
    write("sign-4k", outbound);
    write("mixed", mix(small, medium, outbound));
    write("cold", signed_mail(deep, deep.size(), 4 * kKiB));
    write("many", signed_mail(many, many.size(), 4 * kKiB));
  }

 private:
  void write(const std::string& name, const std::vector<PoolMessage>& messages) const {
    write_pool(fmt::format("{}/{}.pool", folder_, name), messages);
  }

  void make_own_key() {
    const std::string directory = fmt::format("{}/keys/{}", folder_, kOurDomain);
    std::filesystem::create_directories(directory);
    const std::string path = fmt::format("{}/{}.pem", directory, kSelector);
    const SecretText pem(new_pem());
    zone_.add({kOurDomain, "198.51.100.10", SpfDepth::address}, *new_key(pem));
    std::ofstream(path) << pem.text();
    chmod(path.c_str(), 0600);
  }

  std::vector<PoolMessage> signed_mail(const std::vector<Domain>& domains, size_t count,
                                       size_t octets) const {
    const MailSample sample = make_mail(octets, BodyShape::text);
    std::vector<PoolMessage> messages;
    for (size_t i = 0; i < count; ++i) {
      const Domain& domain = domains[i % domains.size()];
      const Key& key = keys_[i % domains.size() % keys_.size()];
      const auto own = key->for_domain(*parse_domain(domain.name));
      if (!own) throw std::runtime_error(own.error());
      messages.push_back({domain.address, "mail." + domain.name, "author@" + domain.name, "",
                          make_text(domain, i, sample, octets, *own)});
    }
    return messages;
  }

  std::vector<PoolMessage> outbound_mail() const {
    const MailSample sample = make_mail(4 * kKiB, BodyShape::text);
    const Domain ours{kOurDomain, "198.51.100.10", SpfDepth::address};
    std::vector<PoolMessage> messages;
    for (size_t i = 0; i < kOutbound; ++i) {
      messages.push_back({"203.0.113.5", "client." + ours.name, "author@" + ours.name, "author",
                          make_text(ours, i, sample, 4 * kKiB, nullptr)});
    }
    return messages;
  }

  /// Of ten messages eight are small, one is medium, and one is ours to sign.
  static std::vector<PoolMessage> mix(const std::vector<PoolMessage>& small,
                                      const std::vector<PoolMessage>& medium,
                                      const std::vector<PoolMessage>& outbound) {
    std::vector<PoolMessage> messages;
    for (size_t i = 0; i < small.size(); ++i) {
      const auto& pool = i % 10 == 4 ? medium : i % 10 == 9 ? outbound : small;
      messages.push_back(pool[i % pool.size()]);
    }
    return messages;
  }

  std::string folder_;
  std::array<Key, 4> keys_;
  Zone zone_;
};

}  // namespace
}  // namespace signet

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: make_bench_mail FOLDER\n");
    return 64;
  }
  try {
    signet::Site(argv[1]).make();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "make_bench_mail: {}\n", error.what());
    return 1;
  }
}
