// SPDX-License-Identifier: BSD-2-Clause
//
// The published SPF test suites, one gtest per case, from where Debian's package
// golang-blitiri-go-spf-dev installs them: the openspf.org suite for RFC 7208, which must pass
// whole, and two collections by implementers. Where one of those asks for something that RFC 7208
// does not say, kDeviations holds our verdict and the section. A missing file is a failure, not a
// skip.

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <map>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "dns/spf/spf_check.h"
#include "tests/support/step_resolver.h"
#include "tests/support/zone_resolver.h"

namespace signet {
namespace {

constexpr const char* kSuiteDirectory = "/usr/share/gocode/src/blitiri.com.ar/go/spf/testdata/";

/// A case for which RFC 7208 gives another result than the file.
struct Deviation {
  std::string_view name;
  std::string_view result;
  std::string_view reason;
};

constexpr std::string_view kOneLabelSender =
    "RFC 7208 4.3: a domain that is not multi-label gives none";

constexpr std::string_view kIgnoredModifier =
    "RFC 7208 6: unrecognized modifiers, \"default\" among them, are ignored";

constexpr std::array kDeviations{
    Deviation{"blitirispf_8_resolution_with_10_lookups", "permerror",
              "RFC 7208 7.1: a domain-spec of one label has no domain-end"},
    Deviation{"blitirispf_9_mx_resolution_10_terms", "none", kOneLabelSender},
    Deviation{"blitirispf_9_mx_resolution_11_terms", "none", kOneLabelSender},
    Deviation{"blitirispf_10_one_mx_not_found", "none", kOneLabelSender},
    Deviation{"blitirispf_10_all_mx_not_found", "none", kOneLabelSender},
    Deviation{"blitirispf_10_include_not_found", "none", kOneLabelSender},
    Deviation{"blitirispf_10_redirect_not_found", "none", kOneLabelSender},
    Deviation{"pyspf_4_default_modifier", "neutral", kIgnoredModifier},
    Deviation{"pyspf_4_default_modifier_harsh", "neutral", kIgnoredModifier},
};

struct SuiteCase {
  std::string name;         ///< FILE_SCENARIO_CASE
  std::string description;  ///< for a failure
  std::string helo;
  std::string mail_from;
  std::string host;
  std::vector<std::string> results;  ///< any of these is right
  std::string explanation;           ///< "DEFAULT": none; empty: not given
  YAML::Node zone;
  std::string broken;  ///< why there is no case to run
};

void PrintTo(const SuiteCase& suite_case, std::ostream* out) { *out << suite_case.name; }

std::string identifier(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
      '_');
  return text;
}

/// A scalar, or a sequence of them, which the format uses for strings of a TXT record as well.
std::vector<std::string> strings_of(const YAML::Node& node) {
  if (node.IsScalar()) return {node.as<std::string>()};
  std::vector<std::string> strings;
  for (const auto& entry : node) strings.push_back(entry.as<std::string>());
  return strings;
}

std::string string_or_empty(const YAML::Node& node) {
  return node ? node.as<std::string>() : std::string();
}

std::vector<SuiteCase> load_cases(const std::string& file) {
  std::vector<SuiteCase> cases;
  int scenario_number = 0;
  for (const YAML::Node& scenario : YAML::LoadAllFromFile(kSuiteDirectory + file + "-tests.yml")) {
    ++scenario_number;
    for (const auto& entry : scenario["tests"]) {
      const YAML::Node& test = entry.second;
      SuiteCase suite_case;
      suite_case.name =
          identifier(file.substr(0, file.find('-')) + "_" + std::to_string(scenario_number) + "_" +
                     entry.first.as<std::string>());
      suite_case.description = string_or_empty(test["description"]);
      suite_case.helo = string_or_empty(test["helo"]);
      suite_case.mail_from = string_or_empty(test["mailfrom"]);
      suite_case.host = test["host"].as<std::string>();
      suite_case.results = strings_of(test["result"]);
      suite_case.explanation = string_or_empty(test["explanation"]);
      suite_case.zone = scenario["zonedata"];
      cases.push_back(std::move(suite_case));
    }
  }
  return cases;
}

/// Runs while gtest collects its tests, so an error becomes a case that fails.
std::vector<SuiteCase> load_all_cases() {
  std::vector<SuiteCase> cases;
  for (const std::string file : {"rfc7208", "blitirispf", "pyspf"}) {
    try {
      for (auto& suite_case : load_cases(file)) cases.push_back(std::move(suite_case));
    } catch (const YAML::Exception& error) {
      SuiteCase broken;
      broken.name = file + "_cannot_be_read";
      broken.broken = kSuiteDirectory + file + "-tests.yml: " + error.what() +
                      " (Debian package golang-blitiri-go-spf-dev)";
      cases.push_back(std::move(broken));
    }
  }
  return cases;
}

/// Answers from the zonedata of one scenario. A record under SPF stands for a TXT record, unless
/// the name has one under TXT, of which "NONE" means "no record after all". TIMEOUT and SERVFAIL go
/// for whatever else is asked of the name.
class SuiteResolver final : public Resolver {
 public:
  explicit SuiteResolver(const YAML::Node& zone) {
    for (const auto& entry : zone) {
      const auto name = parse_query_name(entry.first.as<std::string>());
      if (!name) throw std::invalid_argument(name.error());
      for (const YAML::Node& record : entry.second) add(*name, record);
    }
  }

 private:
  struct Records {
    Answer answer;
    std::vector<std::string> spf_texts;
    bool has_txt = false;
    bool has_cname = false;
    Name cname;
    std::optional<DnsStatus> otherwise;
  };

  void add(const Name& name, const YAML::Node& record) {
    Records& records = records_[name];
    for (const auto& field : record) {
      const auto type = field.first.as<std::string>();
      if (type == "TIMEOUT") {
        records.otherwise = DnsStatus::timed_out;
      } else if (type == "SERVFAIL" || type == "CNAMELOOP") {
        records.otherwise = DnsStatus::server_failure;
      } else {
        add_field(records, type, field.second);
      }
    }
  }

  static Name name_in(const std::string& text) {
    return text.empty() ? Name() : *parse_query_name(text);
  }

  static void add_field(Records& records, const std::string& type, const YAML::Node& value) {
    const std::vector<std::string> strings = strings_of(value);
    std::string joined;
    for (const auto& string : strings) joined += string;
    Answer& answer = records.answer;
    if (type == "SPF") {
      records.spf_texts.push_back(joined);
    } else if (type == "TXT") {
      records.has_txt = true;
      if (joined != "NONE") answer.texts.push_back(joined);
    } else if (type == "A" || type == "AAAA") {
      answer.addresses.push_back(*parse_ip_address(joined));
    } else if (type == "MX") {
      answer.exchanges.push_back(
          {static_cast<uint16_t>(std::stoi(strings.at(0))), name_in(strings.at(1))});
    } else if (type == "PTR") {
      answer.names.push_back(name_in(joined));
    } else if (type == "CNAME") {
      records.has_cname = true;
      records.cname = name_in(joined);
    } else {
      throw std::invalid_argument("unknown record type " + type);
    }
  }

  Lookup ask(const Name& name, RecordType type, Deadline /*deadline*/) override {
    return Lookup(std::make_shared<Answer>(find(name, type)));
  }

  Answer find(const Name& name, RecordType type) const {
    Answer answer;
    answer.status = DnsStatus::no_domain;
    auto found = records_.find(name);
    for (int links = 0; found != records_.end() && found->second.has_cname && links < 8; ++links) {
      answer.status = DnsStatus::no_data;
      found = records_.find(found->second.cname);
    }
    if (found == records_.end()) return answer;
    const Records& records = found->second;
    if (type == RecordType::txt) {
      answer.texts = records.has_txt ? records.answer.texts : records.spf_texts;
    } else if (type == RecordType::mx) {
      answer.exchanges = records.answer.exchanges;
    } else if (type == RecordType::ptr) {
      answer.names = records.answer.names;
    } else {
      std::copy_if(records.answer.addresses.begin(), records.answer.addresses.end(),
                   std::back_inserter(answer.addresses), [type](const IpAddress& address) {
                     return address.is_v4() == (type == RecordType::a);
                   });
    }
    const bool any = !answer.texts.empty() || !answer.exchanges.empty() || !answer.names.empty() ||
                     !answer.addresses.empty();
    answer.status = any ? DnsStatus::answered : records.otherwise.value_or(DnsStatus::no_data);
    return answer;
  }

  std::map<Name, Records> records_;
};

SpfRequest request_of(const SuiteCase& suite_case) {
  SpfRequest request;
  request.client = *parse_ip_address(suite_case.host);
  request.helo = suite_case.helo;
  request.mail_from = suite_case.mail_from;
  request.receiver = "receiver.example.com";
  request.want_explanation = true;
  request.want_trace = true;
  return request;
}

SpfVerdict run(const SuiteCase& suite_case) {
  SuiteResolver resolver(suite_case.zone);
  return check_spf_mail_from(resolver, test_budget(), request_of(suite_case));
}

/// The newest question is answered first.
SpfVerdict run_backwards(const SuiteCase& suite_case) {
  SuiteResolver zone(suite_case.zone);
  StepResolver resolver(zone);
  SpfCheck check(resolver, test_budget(), request_of(suite_case), SpfIdentity::mail_from);
  while (true) {
    if (auto verdict = check.read()) return *std::move(verdict);
    resolver.answer(resolver.waiting() - 1);
  }
}

const Deviation* find_deviation(std::string_view name) {
  const auto found = std::find_if(kDeviations.begin(), kDeviations.end(),
                                  [name](const Deviation& row) { return row.name == name; });
  return found == kDeviations.end() ? nullptr : &*found;
}

class SpfSuite : public testing::TestWithParam<SuiteCase> {};

TEST_P(SpfSuite, GivesTheResultOf) {
  const SuiteCase& suite_case = GetParam();
  ASSERT_EQ(suite_case.broken, "");
  const SpfVerdict verdict = run(suite_case);
  const std::string result(to_string(verdict.result));
  const bool as_in_file = std::count(suite_case.results.begin(), suite_case.results.end(), result);
  if (const Deviation* deviation = find_deviation(suite_case.name)) {
    EXPECT_EQ(result, deviation->result) << deviation->reason;
    EXPECT_FALSE(as_in_file) << "no deviation any more: take it out of the table";
    return;
  }
  EXPECT_TRUE(as_in_file) << result << " (" << verdict.problem << ") instead of "
                          << testing::PrintToString(suite_case.results) << "\n"
                          << suite_case.description;
  if (suite_case.explanation.empty()) return;
  const bool none = suite_case.explanation == "DEFAULT";
  // Without regard to case: RFC 7208 7.4 writes the nibbles of %{i} in lower case, the file not.
  EXPECT_EQ(ascii_lower(verdict.explanation), none ? "" : ascii_lower(suite_case.explanation))
      << suite_case.description;
}

TEST_P(SpfSuite, GivesTheSameVerdictInWhateverOrderAnswersComeIn) {
  const SuiteCase& suite_case = GetParam();
  ASSERT_EQ(suite_case.broken, "");
  const SpfVerdict expected = run(suite_case);
  const SpfVerdict verdict = run_backwards(suite_case);
  EXPECT_EQ(verdict.result, expected.result);
  EXPECT_EQ(verdict.problem, expected.problem);
  EXPECT_EQ(verdict.explanation, expected.explanation);
  EXPECT_EQ(verdict.terms, expected.terms);
  EXPECT_EQ(verdict.void_lookups, expected.void_lookups);
  ASSERT_EQ(verdict.trace.size(), expected.trace.size());
  for (size_t i = 0; i < verdict.trace.size(); ++i) {
    EXPECT_EQ(verdict.trace[i].term, expected.trace[i].term);
    EXPECT_EQ(verdict.trace[i].outcome, expected.trace[i].outcome);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, SpfSuite, testing::ValuesIn(load_all_cases()),
                         [](const auto& suite) { return suite.param.name; });

TEST(SpfSuiteFiles, HoldTheCasesTheyAreKnownToHold) {
  EXPECT_EQ(load_cases("rfc7208").size(), 203U);
  EXPECT_EQ(load_cases("blitirispf").size(), 21U);
  EXPECT_EQ(load_cases("pyspf").size(), 16U);
}

TEST(SpfSuiteFiles, HoldEveryCaseOfTheTableOfDeviations) {
  std::set<std::string> names;
  for (const auto& suite_case : load_all_cases()) names.insert(suite_case.name);
  for (const Deviation& deviation : kDeviations) {
    EXPECT_TRUE(names.contains(std::string(deviation.name))) << deviation.name;
  }
}

}  // namespace
}  // namespace signet
