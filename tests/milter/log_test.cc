// SPDX-License-Identifier: BSD-2-Clause
//
// What outside data may look like in a log line, and which logger a configuration gives.

#include "milter/log.h"

#include <gtest/gtest.h>
#include <syslog.h>

namespace signet {
namespace {

struct Encoding {
  std::string_view raw;
  std::string_view written;
};

class LogValue : public testing::TestWithParam<Encoding> {};

TEST_P(LogValue, IsWrittenSo) { EXPECT_EQ(log_value(GetParam().raw), GetParam().written); }

using std::string_view_literals::operator""sv;

INSTANTIATE_TEST_SUITE_P(
    Table, LogValue,
    testing::Values(Encoding{"alice@example.com", "alice@example.com"},  // nothing to do
                    Encoding{"", "\"\""},                                // empty is quoted
                    Encoding{"two words", "\"two words\""},              // so is a space
                    Encoding{"a=b", "a=b"},                              // no space, no new pair
                    Encoding{"x\r\ny", "x\\x0d\\x0ay"},                  // no new line
                    Encoding{"x\ty", "x\\x09y"},                         // no tab
                    Encoding{"a\0b"sv, "a\\x00b"},                       // NUL
                    Encoding{"\x1b[31m", "\\x1b[31m"},                   // terminal sequence
                    Encoding{"\x7f", "\\x7f"},                           // DEL
                    Encoding{"\x9b", "\\x9b"},                           // C1 CSI, bare
                    Encoding{"\xc2\x9b", "\\xc2\\x9b"},                  // C1 CSI in UTF-8
                    Encoding{"\"", "\\x22"},                             // quote
                    Encoding{"\\", "\\x5c"},                             // backslash
                    Encoding{"\\x41", "\\x5cx41"},                       // escapes cannot be faked
                    Encoding{"j\xc3\xbcrgen", "j\xc3\xbcrgen"},          // UTF-8 stays
                    Encoding{"\xe2\x80\xae", "\\xe2\\x80\\xae"},         // right-to-left override
                    Encoding{"\xc3", "\\xc3"},                           // UTF-8 cut off
                    Encoding{"\xc3(", "\\xc3("},                         // UTF-8 not continued
                    Encoding{"\xc0\xaf", "\\xc0\\xaf"},                  // overlong
                    Encoding{"\xe0\xa0\xa0", "\xe0\xa0\xa0"},            // lowest of three octets
                    Encoding{"\xed\xa0\xa0", "\\xed\\xa0\\xa0"},         // surrogate
                    Encoding{"\xf5\xa0\xa0\xa0", "\\xf5\\xa0\\xa0\\xa0"}));  // above U+10FFFF

TEST(LogValue, IsCutAfter256Octets) {
  EXPECT_EQ(log_value(std::string(300, 'a')), std::string(256, 'a'));
}

TEST(LogValue, IsNotCutWithinACharacter) {
  EXPECT_EQ(log_value(std::string(255, 'a') + "\xc3\xbc"), std::string(255, 'a'));
}

TEST(LogQuoted, AlwaysHasQuotes) {
  EXPECT_EQ(log_quoted("fast"), "\"fast\"");
  EXPECT_EQ(log_quoted("a\"b c"), "\"a\\x22b c\"");
}

TEST(Logger, GoesToTheTargetOfTheConfig) {
  Config config;
  for (const LogTarget target : {LogTarget::syslog, LogTarget::journald, LogTarget::stderr_}) {
    config.log_target = target;
    const auto logger = make_logger(config, false);
    ASSERT_TRUE(logger);
    EXPECT_EQ((*logger)->name(), "signet-milter");
    EXPECT_EQ((*logger)->sinks().size(), 1u);
  }
}

TEST(Logger, WritesTimeLevelAndTextToStderrInTheForeground) {
  const auto logger = make_logger(Config{}, true);
  ASSERT_TRUE(logger);
  testing::internal::CaptureStderr();
  (*logger)->warn("queue={}", log_value("4F2"));
  const std::string line = testing::internal::GetCapturedStderr();
  // 2026-01-31T12:34:56.789+01:00 warning queue=4F2
  ASSERT_GT(line.size(), 29u);
  EXPECT_EQ(line[4], '-');
  EXPECT_EQ(line[10], 'T');
  EXPECT_EQ(line.substr(29), " warning queue=4F2\n");
}

TEST(Logger, WritesThePriorityInsteadIfStderrIsTheJournal) {  // systemd.exec(5), sd-daemon(3)
  testing::internal::CaptureStderr();
  struct stat status {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  const std::string stream = fmt::format("{}:{}", status.st_dev, status.st_ino);
  setenv("JOURNAL_STREAM", stream.c_str(), 1);
  const auto logger = make_logger(Config{}, true);
  unsetenv("JOURNAL_STREAM");
  ASSERT_TRUE(logger);
  (*logger)->error("a");
  (*logger)->warn("b");
  (*logger)->info("c");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<3>a\n<4>b\n<6>c\n");
}

TEST(Logger, LeavesOutWhatTheLevelLeavesOut) {
  Config config;
  config.log_level = LogLevel::warning;
  const auto logger = make_logger(config, true);
  ASSERT_TRUE(logger);
  testing::internal::CaptureStderr();
  (*logger)->info("not shown");
  (*logger)->error("shown");
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_EQ(line.find("not shown"), std::string::npos);
  EXPECT_NE(line.find("shown"), std::string::npos);
}

TEST(Logger, RefusesAFacilityThatDoesNotExist) {
  Config config;
  config.syslog_facility = "post";
  const auto logger = make_logger(config, false);
  ASSERT_FALSE(logger);
  EXPECT_EQ(logger.error(), "no such syslog facility: \"post\"");
}

TEST(SyslogFacility, IsKnownByNameInAnyCase) {
  EXPECT_EQ(parse_syslog_facility("mail"), LOG_MAIL);
  EXPECT_EQ(parse_syslog_facility("LOCAL7"), LOG_LOCAL7);
  EXPECT_FALSE(parse_syslog_facility("kern"));  // not for programs
  EXPECT_FALSE(parse_syslog_facility(""));
}

}  // namespace
}  // namespace signet
