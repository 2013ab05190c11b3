// SPDX-License-Identifier: BSD-2-Clause
//
// What is found in a message whose lines another server would change, and that it is the same
// however the body arrives.

#include "crypto/line_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <random>
#include <vector>

namespace signet {
namespace {

struct Found {
  std::string long_line;
  std::string bare_newline;
  friend bool operator==(const Found&, const Found&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Found& found) {
    return out << "{" << found.long_line << "; " << found.bare_newline << "}";
  }
};

Found check_body(std::string_view body, size_t piece = 1 << 20) {
  LineCheck check;
  for (size_t i = 0; i < body.size(); i += piece) check.body(body.substr(i, piece));
  check.finish();
  return {check.long_line(), check.bare_newline()};
}

std::string letters(size_t count) { return std::string(count, 'x'); }

struct BodyCase {
  const char* name;
  std::string body;
  Found found;
};

std::vector<BodyCase> body_cases() {
  const std::string line = letters(70) + "\r\n";
  std::string many;
  for (int i = 0; i < 1999; ++i) many += line;
  return {
      {"empty", "", {}},
      {"empty lines", "\r\n\r\n", {}},
      {"no line end", "text", {}},
      {"998 octets", letters(998) + "\r\n" + letters(998) + "\r\n" + letters(998), {}},
      {"999 octets", letters(999) + "\r\n", {"line 1 of the body has 999 octets", ""}},
      {"999 octets at the end", "a\r\n" + letters(999), {"line 2 of the body has 999 octets", ""}},
      {"the first counts",
       "a\r\n\r\n" + letters(1204) + "\r\n" + letters(5000),
       {"line 3 of the body has 1,204 octets", ""}},
      {"a long one", letters(3'000'000), {"line 1 of the body has 3,000,000 octets", ""}},
      {"late", many + letters(1000) + "\r\n", {"line 2,000 of the body has 1,000 octets", ""}},
      {"a CR alone", "a\r\nb\r\nc\rd\r\n", {"", "a CR without LF in line 3 of the body"}},
      {"an LF alone", "a\r\nb\nc\r\n", {"", "an LF without CR in line 2 of the body"}},
      {"an LF first", "\na\r\n", {"", "an LF without CR in line 1 of the body"}},
      {"a CR last", "a\r\nb\r", {"", "a CR without LF in line 2 of the body"}},
      {"CR CR LF", "a\r\r\n", {"", "a CR without LF in line 1 of the body"}},
      {"CR LF LF", "a\r\n\n", {"", "an LF without CR in line 2 of the body"}},
      {"late", many + "a\nb\rc", {"", "an LF without CR in line 2,000 of the body"}},
      {"an LF does not end a line",
       letters(600) + "\n" + letters(600) + "\r\n",
       {"line 1 of the body has 1,201 octets", "an LF without CR in line 1 of the body"}},
      {"a CR counts as an octet",
       letters(998) + "\r\r\n",
       {"line 1 of the body has 999 octets", "a CR without LF in line 1 of the body"}},
      {"a CR at the end counts too",
       letters(998) + "\r",
       {"line 1 of the body has 999 octets", "a CR without LF in line 1 of the body"}},
      {"both, the long line last",
       "a\n" + many + letters(2000) + "\r\n",
       {"line 2,000 of the body has 2,000 octets", "an LF without CR in line 1 of the body"}},
      {"both, the long line first",
       letters(2000) + "\r\n" + many + "\r",
       {"line 1 of the body has 2,000 octets", "a CR without LF in line 2,001 of the body"}},
  };
}

TEST(LineCheck, FindsTheFirstOfEachKindInTheBody) {  // RFC 5322 2.1.1, 2.3
  for (const BodyCase& c : body_cases()) EXPECT_EQ(check_body(c.body), c.found) << c.name;
}

TEST(LineCheck, HowTheBodyIsCutDoesNotMatter) {
  for (const BodyCase& c : body_cases()) {
    for (const size_t piece : {1, 2, 3, 240, 241, 998, 999, 1000, 1001, 65'535}) {
      EXPECT_EQ(check_body(c.body, piece), c.found) << c.name << ", pieces of " << piece;
    }
  }
}

/// The same by the slowest way there is.
Found found_slowly(const std::string& body) {
  Found found;
  uint64_t number = 1;
  size_t start = 0;
  const auto end_line = [&](size_t end) {
    if (end - start > kMaxLineOctets && found.long_line.empty()) {
      std::string octets = std::to_string(end - start);
      if (octets.size() > 3) octets.insert(octets.size() - 3, ",");
      found.long_line = "line " + std::to_string(number) + " of the body has " + octets + " octets";
    }
  };
  for (size_t i = 0; i < body.size(); ++i) {
    const bool cr = body[i] == '\r';
    if (cr && body.compare(i, 2, "\r\n") == 0) {
      end_line(i);
      ++number;
      start = ++i + 1;
    } else if ((cr || body[i] == '\n') && found.bare_newline.empty()) {
      found.bare_newline = std::string(cr ? "a CR without LF" : "an LF without CR") + " in line " +
                           std::to_string(number) + " of the body";
    }
  }
  end_line(body.size());
  return found;
}

TEST(LineCheck, AgreesWithALookAtEachOctet) {
  std::mt19937 random(6376);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same bodies every time
  const auto below = [&random](size_t limit) { return random() % limit; };
  for (int round = 0; round < 2000; ++round) {
    std::string body;
    const size_t parts = below(40);
    const size_t odd = below(3) == 0 ? 8 : 200;  // one in so many parts is half a line end
    for (size_t i = 0; i < parts; ++i) {
      body += letters(below(below(10) == 0 ? 1100 : 90));
      const size_t which = below(odd);
      body += which == 0 ? "\r" : which == 1 ? "\n" : "\r\n";
    }
    ASSERT_EQ(check_body(body, 1 + below(300)), found_slowly(body)) << round;
  }
}

TEST(LineCheck, FindsTheFirstOfEachKindInTheHeader) {
  const struct {
    HeaderField field;
    Found found;
  } cases[] = {
      {{"Subject", " hello\r\n there"}, {}},
      {{"Subject", ""}, {}},
      {{"Subject", letters(990) + "\r\n " + letters(997)}, {}},
      {{"Subject", letters(991)}, {"line 1 of the Subject field has 999 octets", ""}},
      {{"To", "\r\n\t" + letters(1203)}, {"line 2 of the To field has 1,204 octets", ""}},
      {{"To", " a\r\n b\rc"}, {"", "a CR without LF in line 2 of the To field"}},
      {{"To", " a\n b"}, {"", "an LF without CR in line 1 of the To field"}},
      {{"To", " a\r\r\n b"}, {"", "a CR without LF in line 1 of the To field"}},
  };
  for (const auto& c : cases) {
    LineCheck check;
    check.header({"From", " <joe@example.com>"});
    check.header(c.field);
    check.header({"Cc", letters(2000) + "\r"});
    check.body("text\r\n");
    check.finish();
    Found expected = c.found;
    if (expected.long_line.empty()) expected.long_line = "line 1 of the Cc field has 2,004 octets";
    if (expected.bare_newline.empty()) {
      expected.bare_newline = "a CR without LF in line 1 of the Cc field";
    }
    EXPECT_EQ((Found{check.long_line(), check.bare_newline()}), expected);
  }
}

TEST(LineCheck, WhatStandsInTheHeaderComesBeforeTheBody) {
  LineCheck check;
  check.header({"Subject", letters(1000)});
  check.body(letters(2000) + "\r\na\nb");
  check.finish();
  EXPECT_EQ(check.long_line(), "line 1 of the Subject field has 1,008 octets");
  EXPECT_EQ(check.bare_newline(), "an LF without CR in line 2 of the body");
}

TEST(LineCheck, ALongFieldNameIsShownInPart) {
  LineCheck check;
  check.header({letters(2000), ""});
  check.finish();
  EXPECT_EQ(check.long_line(), "line 1 of the " + letters(78) + " field has 2,001 octets");
}

}  // namespace
}  // namespace signet
