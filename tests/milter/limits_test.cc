// SPDX-License-Identifier: BSD-2-Clause
//
// Every limit on what one message may cost: a message exactly at it is judged as if there were no
// limit, and one that is over it by one is permerror, temperror or policy, is told so in its log
// line and is counted. Whole messages go through a Session whose configuration is read from text,
// so a row proves the keyword, the default, the log line and the counter at once. A new limit is an
// enumerator in dns/limit.h and a few rows here.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <ostream>
#include <set>

#include "dns/limit.h"
#include "milter/config/config_options.h"
#include "milter/message_line.h"
#include "milter/session.h"
#include "tests/support/dkim_sample.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

/// A message of joe@example.com from 192.0.2.1, and the DNS it meets.
struct Mail {
  std::string zone;
  DkimTestMessage message = parse_message(kSampleText);
  std::string mail_from = {};  ///< empty: SPF has nothing to check
};

/// The DNS of a zone, of which names below silent.example never answer.
class PartlySilentResolver final : public Resolver {
 public:
  explicit PartlySilentResolver(std::string_view zone) : zone_(zone) {}

 private:
  Lookup ask(const Name& name, RecordType type, Deadline deadline) override {
    if (name.is_at_or_below(*parse_domain("silent.example"))) {
      return {std::make_shared<PendingAnswer>(), deadline};
    }
    LookupBudget unlimited(deadline, INT_MAX);
    return zone_.start(name, type, unlimited);
  }

  ZoneResolver zone_;
};

// -- Messages that take so and so much of one thing --

std::string repeated(int times, std::string_view format) {
  std::string text;
  for (int i = 1; i <= times; ++i) text += fmt::format(fmt::runtime(format), i);
  return text;
}

Mail with_spf(const std::string& terms, const std::string& zone) {
  return {.zone = zone + txt_record("example.com", "v=spf1 " + terms),
          .mail_from = "joe@example.com"};
}

Mail spf_terms(int terms) {
  return with_spf(repeated(terms, "a:h{}.example.com ") + "ip4:192.0.2.1 -all",
                  repeated(terms, "h{}.example.com. A 192.0.2.99\n"));
}

Mail spf_void_lookups(int lookups) {
  return with_spf(repeated(lookups, "exists:v{}.example.com ") + "ip4:192.0.2.1 -all", "");
}

Mail spf_mx_hosts(int hosts) {
  return with_spf("mx ip4:192.0.2.1 -all", repeated(hosts, "example.com. MX 1 h{}.example.com.\n") +
                                               repeated(hosts, "h{}.example.com. A 192.0.2.99\n"));
}

/// The last of the client's names is the one that is needed.
Mail spf_ptr_names(int names) {
  const std::string pointers = repeated(names, "1.2.0.192.in-addr.arpa. PTR h{}.example.com.\n");
  return with_spf(fmt::format("ptr:h{}.example.com ?all", names),
                  pointers + fmt::format("h{}.example.com. A 192.0.2.1\n", names));
}

/// 11 for each mx of ten hosts, one for each a, one for the policy itself.
Mail spf_questions(int questions) {
  const int mx_terms = (questions - 1) / 11;
  const int a_terms = (questions - 1) % 11;
  std::string zone = repeated(a_terms, "h{}.example.com. A 192.0.2.99\n");
  for (int i = 1; i <= mx_terms; ++i) {
    const std::string records = repeated(10, "m@.example.com. MX 1 h{0}.m@.example.com.\n") +
                                repeated(10, "h{0}.m@.example.com. A 192.0.2.99\n");
    zone += replace_all(records, "@", std::to_string(i));
  }
  return with_spf(repeated(mx_terms, "mx:m{}.example.com ") +
                      repeated(a_terms, "a:h{}.example.com ") + "ip4:192.0.2.1 -all",
                  zone);
}

std::string name_of_labels(int labels, const std::string& end) {
  std::string name = end;
  for (int i = 1 + static_cast<int>(std::count(end.begin(), end.end(), '.')); i < labels; ++i) {
    name = fmt::format("l{}.{}", i, name);
  }
  return name;
}

Mail from_author(const std::string& address, const std::string& mail_from, std::string zone) {
  Mail mail{.zone = std::move(zone), .mail_from = mail_from};
  mail.message.fields[0] = {"From", " " + address};
  return mail;
}

Mail dmarc_author(int labels) {
  const std::string domain = name_of_labels(labels, "example");
  return from_author("joe@" + domain, "joe@" + domain,
                     txt_record(domain, "v=spf1 ip4:192.0.2.1 -all") +
                         txt_record("_dmarc." + domain, "v=DMARC1; p=reject"));
}

/// SPF passes for a domain below the author's, which aligns if its own walk ends there too.
Mail dmarc_spf_domain(int labels) {
  const std::string domain = name_of_labels(labels, "example.com");
  return from_author("joe@example.com", "joe@" + domain,
                     txt_record(domain, "v=spf1 ip4:192.0.2.1 -all") +
                         txt_record("_dmarc.example.com", "v=DMARC1; p=reject"));
}

Mail signed_mail(std::string_view tags = kSampleTags) {
  return {.zone = sample_zone(), .message = signed_sample(tags)};
}

Mail signatures(int count) {
  Mail mail = signed_mail();
  const HeaderField signature = mail.message.fields[0];
  mail.message.fields.insert(mail.message.fields.begin(), static_cast<size_t>(count - 1),
                             signature);
  return mail;
}

/// The walk of the author takes two questions. Those of signers below his domain, who have nothing
/// in common and do not align (psd=n), take up to six more each.
Mail dmarc_questions(int questions) {
  const DkimTestKey key = rsa_test_key();
  const DkimTestMessage base = parse_message(kSampleText);
  Mail mail{.zone = txt_record("_dmarc.example.com", "v=DMARC1; p=none"), .message = base};
  int left = questions - 2;
  for (int i = 0; left > 0; ++i) {
    const std::string organization = fmt::format("org{}.example.com", i);
    const std::string domain = name_of_labels(2 + std::min(left, 6), organization);
    mail.zone += txt_record("_dmarc." + organization, "v=DMARC1; p=none; psd=n") +
                 txt_record("sel._domainkey." + domain, key.record());
    mail.message.fields.push_back(
        sign_with(base, sample_tags("d=example.com", "d=" + domain), key));
    left -= 6;
  }
  return mail;
}

Mail signed_fields(int names) {
  return signed_mail(sample_tags("h=from:to:subject:date", "h=from" + repeated(names - 1, ":x{}")));
}

Mail body_hashes(int hashes) {
  const DkimTestMessage base = parse_message(kSampleText);
  Mail mail{.zone = sample_zone(), .message = base};
  for (int i = 0; i < hashes; ++i) {
    const std::string tags = fmt::format("{}; l={}", kSampleTags, i);
    mail.message.fields.push_back(sign_with(base, tags, rsa_test_key(), hashing_of(tags)));
  }
  return mail;
}

Mail header_fields(int count) {
  Mail mail = signed_mail();
  mail.message.fields.resize(static_cast<size_t>(count), {"X", " y"});
  return mail;
}

Mail header_octets(int octets) {
  Mail mail = signed_mail();
  auto left = static_cast<size_t>(octets) - 1;
  for (const HeaderField& field : mail.message.fields)
    left -= field.name.size() + field.value.size();
  mail.message.fields.push_back({"X", std::string(left, 'x')});
  return mail;
}

Mail signature_octets(int octets) {
  const auto padded = [](size_t padding) {
    return signed_mail(fmt::format("{}; pad={}", kSampleTags, std::string(padding, 'x')));
  };
  const size_t least = padded(0).message.fields[0].value.size();
  return padded(static_cast<size_t>(octets) - least);
}

Mail key_record_octets(int octets) {
  const DkimTestKey key = rsa_test_key();
  const size_t padding = static_cast<size_t>(octets) - key.record("n=; ").size();
  Mail mail = signed_mail();
  mail.zone = sample_zone(key, "n=" + std::string(padding, 'x') + "; ");
  return mail;
}

Mail dmarc_record_octets(int octets) {
  const std::string start = "v=DMARC1; p=reject; x=";
  Mail mail = with_spf("ip4:192.0.2.1 -all", "");
  mail.zone += txt_record("_dmarc.example.com",
                          start + std::string(static_cast<size_t>(octets) - start.size(), 'x'));
  return mail;
}

/// RSA of several primes, which takes a fraction of the time of two.
Mail key_bits(int bits) {
  const std::shared_ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr),
                                              EVP_PKEY_CTX_free);
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), bits);
  if (bits >= 1024) EVP_PKEY_CTX_set_rsa_keygen_primes(context.get(), bits >= 4096 ? 4 : 3);
  EVP_PKEY* generated = nullptr;
  EVP_PKEY_generate(context.get(), &generated);
  const DkimTestKey key = make_test_key(generated, DkimKeyType::rsa);
  return {.zone = sample_zone(key), .message = signed_sample(kSampleTags, key)};
}

std::string silent_or_not(int silent) { return silent > 0 ? "silent.example" : "example.com"; }

Mail silent_spf(int silent) {
  return with_spf(fmt::format("exists:h.{} -all", silent_or_not(silent)),
                  "h.example.com. A 127.0.0.2\n");
}

Mail silent_key(int silent) {
  const std::string domain = silent_or_not(silent);
  return signed_mail(sample_tags("d=example.com", "d=" + domain));
}

Mail silent_dmarc(int silent) {
  const std::string domain = silent_or_not(silent);
  return from_author("joe@" + domain, "", txt_record("_dmarc." + domain, "v=DMARC1; p=none"));
}

// -- The table --

enum class Method { spf, dkim, dmarc };

struct LimitCase {
  const char* name;
  Limit limit;
  const char* options;  ///< lines of signet.conf
  Method method;
  Mail (*mail)(int amount);
  int at;
  const char* result_at;
  int over;
  const char* result_over;
};

void PrintTo(const LimitCase& c, std::ostream* out) { *out << c.name; }

// Three are never over by default: no walk takes more than 8 queries (RFC 9989 4.10), and SPF no
// more than its share of questions, so that its terms have to be raised; a time of 20 s is long.
constexpr LimitCase kCases[] = {
    {"SpfTerms", Limit::spf_terms, "", Method::spf, spf_terms, 10, "pass", 11, "permerror"},
    {"SpfTermsLower", Limit::spf_terms, "MaximumSPFTerms 3", Method::spf, spf_terms, 3, "pass", 4,
     "permerror"},
    {"SpfTermsHigher", Limit::spf_terms, "MaximumSPFTerms 50", Method::spf, spf_terms, 50, "pass",
     51, "permerror"},
    {"VoidLookups", Limit::spf_void_lookups, "", Method::spf, spf_void_lookups, 2, "pass", 3,
     "permerror"},
    {"VoidLookupsNone", Limit::spf_void_lookups, "MaximumSPFVoidLookups 0", Method::spf,
     spf_void_lookups, 0, "pass", 1, "permerror"},
    {"VoidLookupsHigher", Limit::spf_void_lookups, "MaximumSPFVoidLookups 4", Method::spf,
     spf_void_lookups, 4, "pass", 5, "permerror"},
    {"MxHosts", Limit::spf_mx_hosts, "", Method::spf, spf_mx_hosts, 10, "pass", 11, "permerror"},
    {"MxHostsLower", Limit::spf_mx_hosts, "MaximumSPFMXHosts 2", Method::spf, spf_mx_hosts, 2,
     "pass", 3, "permerror"},
    {"MxHostsHigher", Limit::spf_mx_hosts, "MaximumSPFMXHosts 50", Method::spf, spf_mx_hosts, 50,
     "pass", 51, "permerror"},
    // RFC 7208 4.6.4: the names beyond MUST be ignored, so the policy goes on to its ?all.
    {"PtrNames", Limit::spf_ptr_names, "", Method::spf, spf_ptr_names, 10, "pass", 11, "neutral"},
    {"PtrNamesLower", Limit::spf_ptr_names, "MaximumSPFPTRNames 1", Method::spf, spf_ptr_names, 1,
     "pass", 2, "neutral"},
    {"SpfQuestions", Limit::dns_questions, "MaximumSPFTerms 11", Method::spf, spf_questions, 111,
     "pass", 112, "temperror"},
    {"SpfQuestionsLower", Limit::dns_questions, "MaximumDNSQuestions 160", Method::spf,
     spf_questions, 67, "pass", 68, "temperror"},
    {"SpfQuestionsHigher", Limit::dns_questions, "MaximumDNSQuestions 210\nMaximumSPFTerms 20",
     Method::spf, spf_questions, 117, "pass", 118, "temperror"},
    {"SpfQuestionsBesideManySignatures", Limit::dns_questions,
     "MaximumSignatures 50\nMaximumSPFTerms 20", Method::spf, spf_questions, 64, "pass", 65,
     "temperror"},
    {"DmarcQuestions", Limit::dns_questions, "MaximumSignatures 11", Method::dmarc, dmarc_questions,
     64, "fail", 65, "temperror"},
    {"DmarcQuestionsHigher", Limit::dns_questions, "MaximumDNSQuestions 224\nMaximumSignatures 13",
     Method::dmarc, dmarc_questions, 74, "fail", 75, "temperror"},
    {"DmarcWalkOfAuthor", Limit::dmarc_queries, "MaximumDMARCQueries 3", Method::dmarc,
     dmarc_author, 3, "pass", 4, "permerror"},
    {"DmarcWalkOfSpfDomain", Limit::dmarc_queries, "MaximumDMARCQueries 3", Method::dmarc,
     dmarc_spf_domain, 3, "pass", 4, "permerror"},
    {"Signatures", Limit::signatures, "", Method::dkim, signatures, 8, "pass", 9, "pass policy"},
    {"SignaturesLower", Limit::signatures, "MaximumSignatures 1", Method::dkim, signatures, 1,
     "pass", 2, "pass policy"},
    {"SignaturesPresent", Limit::signatures_present, "MaximumSignatures 50", Method::dkim,
     signatures, 50, "pass", 51, "policy"},
    {"SignaturesPresentLower", Limit::signatures_present, "MaximumSignaturesPresent 8",
     Method::dkim, signatures, 8, "pass", 9, "policy"},
    {"SignedFields", Limit::signed_fields, "", Method::dkim, signed_fields, 300, "pass", 301,
     "policy"},
    {"SignedFieldsLower", Limit::signed_fields, "MaximumSignedFields 5", Method::dkim,
     signed_fields, 5, "pass", 6, "policy"},
    {"BodyHashes", Limit::body_hashes, "UnsignedBytes pass", Method::dkim, body_hashes, 4, "pass",
     5, "pass policy"},
    {"BodyHashesHigher", Limit::body_hashes, "UnsignedBytes pass\nMaximumBodyHashes 7",
     Method::dkim, body_hashes, 7, "pass", 8, "pass policy"},
    {"BodyHashesOfLibrary", Limit::body_hashes,
     "UnsignedBytes pass\nMaximumBodyHashes 8\nDKIMEngine libopendkim", Method::dkim, body_hashes,
     4, "pass", 5, "pass policy"},
    {"HeaderFields", Limit::header_fields, "", Method::dkim, header_fields, 2000, "pass", 2001,
     "policy"},
    {"HeaderFieldsLower", Limit::header_fields, "MaximumHeaderFields 9", Method::dkim,
     header_fields, 9, "pass", 10, "policy"},
    {"HeaderOctets", Limit::header_octets, "", Method::dkim, header_octets, 4'194'304, "pass",
     4'194'305, "policy"},
    {"HeaderOctetsLower", Limit::header_octets, "MaximumHeaderOctets 70000", Method::dkim,
     header_octets, 70'000, "pass", 70'001, "policy"},
    {"HeaderOctetsOfLibrary", Limit::header_octets, "DKIMEngine libopendkim", Method::dkim,
     header_octets, 1'048'576, "pass", 1'048'577, "policy"},
    {"SignatureOctets", Limit::tag_list_octets, "", Method::dkim, signature_octets, 16'384, "pass",
     16'385, "policy"},
    {"SignatureOctetsHigher", Limit::tag_list_octets, "MaximumTagListOctets 20000", Method::dkim,
     signature_octets, 20'000, "pass", 20'001, "policy"},
    {"KeyRecordOctets", Limit::tag_list_octets, "", Method::dkim, key_record_octets, 16'384, "pass",
     16'385, "permerror"},
    {"KeyRecordOctetsLower", Limit::tag_list_octets, "MaximumTagListOctets 1024", Method::dkim,
     key_record_octets, 1024, "pass", 1025, "permerror"},
    {"DmarcRecordOctets", Limit::tag_list_octets, "", Method::dmarc, dmarc_record_octets, 16'384,
     "pass", 16'385, "permerror"},
    {"DmarcRecordOctetsLower", Limit::tag_list_octets, "MaximumTagListOctets 1024", Method::dmarc,
     dmarc_record_octets, 1024, "pass", 1025, "permerror"},
    {"LeastKeyBits", Limit::least_key_bits, "", Method::dkim, key_bits, 1024, "pass", 1023,
     "permerror"},
    {"LeastKeyBitsHigher", Limit::least_key_bits, "MinimumKeyBits 1100", Method::dkim, key_bits,
     1100, "pass", 1099, "policy"},
    {"MostKeyBits", Limit::most_key_bits, "", Method::dkim, key_bits, 4096, "pass", 4097, "policy"},
    {"MostKeyBitsLower", Limit::most_key_bits, "MaximumKeyBits 1100", Method::dkim, key_bits, 1100,
     "pass", 1101, "policy"},
    {"TimeOfSpf", Limit::message_time, "MessageTimeout 50ms\nDNSTimeout 50ms", Method::spf,
     silent_spf, 0, "pass", 1, "temperror"},
    {"TimeOfKey", Limit::message_time, "MessageTimeout 50ms\nDNSTimeout 50ms", Method::dkim,
     silent_key, 0, "pass", 1, "temperror"},
    {"TimeOfDmarc", Limit::message_time, "MessageTimeout 50ms\nDNSTimeout 50ms", Method::dmarc,
     silent_dmarc, 0, "fail", 1, "temperror"},
};

// -- What becomes of a message --

/// Each different word once, in order: of nine signatures "pass policy".
std::string dkim_words(const std::vector<DkimVerdict>& verdicts) {
  std::string words;
  for (const DkimVerdict& verdict : verdicts) {
    const std::string word(to_string(verdict.result));
    if (words.find(word) == std::string::npos) words += (words.empty() ? "" : " ") + word;
  }
  return words;
}

class LimitTest : public testing::TestWithParam<LimitCase> {
 protected:
  explicit LimitTest(const char* options = GetParam().options) {
    auto parsed = parse_config(options, "signet.conf");
    if (const auto* errors = std::get_if<ConfigErrors>(&parsed)) {
      throw std::invalid_argument(errors->lines.front());
    }
    runtime_->config = std::get<Config>(std::move(parsed));
    runtime_->host_name = "mx.example";
  }

  void receive(const Mail& mail) {
    runtime_->resolver = std::make_shared<PartlySilentResolver>(mail.zone);
    RuntimeSlot slot(runtime_);
    Background background(2);
    Session session(slot, background);
    session.connect(*parse_ip_address("192.0.2.1"), "mx.example");
    session.helo("[192.0.2.1]");
    session.mail_from("<" + mail.mail_from + ">", {}, kTestNow);
    for (const HeaderField& field : mail.message.fields) session.header(field.name, field.value);
    session.end_of_headers();
    session.body(mail.message.body);
    session.end_of_message("4XYZ", kTestNow);
    report_ = session.report();
  }

  std::string result(Method method) const {
    const InboundResults& results = *report_.inbound;
    if (method == Method::dkim) return dkim_words(results.dkim);
    return std::string(method == Method::spf ? to_string(results.spf.result)
                                             : to_string(results.dmarc.result));
  }

  /// "MaximumSignatures", or several with commas.
  std::string limits_in_log() const {
    const std::string line = to_log_line(report_);
    constexpr std::string_view kKey = " limit=";
    std::string limits;
    for (size_t at = line.find(kKey); at != std::string::npos; at = line.find(kKey, at + 1)) {
      const size_t start = at + kKey.size();
      limits += (limits.empty() ? "" : ", ") + line.substr(start, line.find(' ', start) - start);
    }
    return limits;
  }

  std::string counted() const { return to_string(*runtime_->limit_counters); }

  std::shared_ptr<Runtime> runtime_ = std::make_shared<Runtime>();
  MessageReport report_;
};

TEST_P(LimitTest, AtItAMessageIsJudgedAsIfThereWereNone) {
  const LimitCase& c = GetParam();
  receive(c.mail(c.at));
  EXPECT_EQ(result(c.method), c.result_at) << to_log_line(report_);
  EXPECT_EQ(limits_in_log(), "");
  EXPECT_EQ(counted(), "");
}

TEST_P(LimitTest, OneOverItNeitherPassesNorFailsAndIsLoggedAndCounted) {
  const LimitCase& c = GetParam();
  receive(c.mail(c.over));
  EXPECT_EQ(result(c.method), c.result_over) << to_log_line(report_);
  EXPECT_EQ(limits_in_log(), to_string(c.limit));
  EXPECT_EQ(counted(), fmt::format("{} 1", to_string(c.limit)));
}

INSTANTIATE_TEST_SUITE_P(Table, LimitTest, testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

class DefaultLimitsTest : public LimitTest {
 protected:
  DefaultLimitsTest() : LimitTest("") {}
};

TEST_F(DefaultLimitsTest, NoWalkIsTooLong) {  // RFC 9989 4.10
  for (const int labels : {8, 9, 50}) {
    receive(dmarc_author(labels));
    EXPECT_EQ(result(Method::dmarc), "pass") << labels;
  }
  EXPECT_EQ(counted(), "");
}

TEST_F(DefaultLimitsTest, AMessageCountsOnceForEachLimit) {
  receive(signatures(20));
  receive(signatures(51));
  Mail both = signatures(12);
  both.mail_from = "joe@example.com";
  both.zone += spf_terms(11).zone;
  receive(both);
  EXPECT_EQ(limits_in_log(), "MaximumSPFTerms, MaximumSignatures");
  EXPECT_EQ(counted(), "MaximumSPFTerms 1, MaximumSignaturesPresent 1, MaximumSignatures 2");
}

TEST(Limits, AreNamedForTheirKeywords) {
  for (const Limit limit : kAllLimits) {
    const ConfigOption* row = find_option(to_string(limit));
    ASSERT_NE(row, nullptr) << to_string(limit);
    EXPECT_EQ(row->keyword, to_string(limit));
  }
}

TEST(Limits, HaveRowsInTheTableHere) {
  std::set<Limit> tested;
  for (const LimitCase& c : kCases) tested.insert(c.limit);
  EXPECT_EQ(tested.size(), kAllLimits.size());
}

}  // namespace
}  // namespace signet
