// SPDX-License-Identifier: BSD-2-Clause
//
// Which fields the lists SignHeaders and OversignHeaders choose, and what h= says then.

#include "crypto/signed_fields.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

using Names = std::vector<std::string>;

constexpr size_t kPlenty = 12'000;

DkimSignOptions lists(Names sign, Names oversign) {
  DkimSignOptions options;
  options.sign_headers = std::move(sign);
  options.oversign_headers = std::move(oversign);
  return options;
}

std::vector<HeaderField> message() {
  return {{"Return-Path", " <bounce@example.com>"},
          {"Received", " from a"},
          {"Authentication-Results", " example.com; none"},
          {"DKIM-Signature", " v=1"},
          {"From", " joe@example.com"},
          {"to ", " first"},
          {"To", " second"},
          {"Subject", " hello"}};
}

Names h_tag(const DkimSignOptions& options) {
  SignedFields fields(options, kPlenty);
  for (const HeaderField& field : message()) fields.add(field);
  EXPECT_EQ(fields.finish(), "");
  return fields.names();
}

TEST(SignedFields, ListsChooseWhatIsSigned) {  // RFC 6376 5.4, 8.15
  const struct {
    const char* name;
    Names sign;
    Names oversign;
    Names expected;
  } cases[] = {
      {"From in any case", {}, {}, {"From", "From"}},
      {"From where it is listed", {"Subject"}, {"Cc", "fROM"}, {"From", "Subject", "Cc", "fROM"}},
      {"each one that is there", {"To"}, {}, {"From", "to", "To", "From"}},
      {"case does not matter", {"TO", "sUbJeCt"}, {}, {"From", "to", "To", "Subject", "From"}},
      {"not there, not signed", {"Cc", "Date"}, {}, {"From", "From"}},
      {"not there, oversigned", {}, {"Cc", "Date"}, {"From", "From", "Cc", "Date"}},
      {"oversigned alone", {}, {"To"}, {"From", "to", "To", "From", "To"}},
      {"in both lists", {"To"}, {"To"}, {"From", "to", "To", "From", "To"}},
      {"twice", {"To", "to"}, {"Cc", "cc", "CC"}, {"From", "to", "To", "From", "Cc"}},
      {"never signed",
       {"Received", "RETURN-PATH", "Authentication-Results"},
       {"Return-Path", "Received", "DKIM-Signature", "Authentication-Results"},
       {"From", "From"}},
  };
  for (const auto& c : cases) EXPECT_EQ(h_tag(lists(c.sign, c.oversign)), c.expected) << c.name;
}

TEST(SignedFields, TheDefaultsSignWhatIsReadAndDenyASecondOne) {  // RFC 6376 5.4.1
  EXPECT_EQ(h_tag({}),
            (Names{"From", "to", "To", "Subject", "From", "To", "Cc", "Subject", "Date", "Reply-To",
                   "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}));
}

TEST(SignedFields, KeepsTheFieldsThatAreSignedAndNoOthers) {
  SignedFields fields(lists({"To"}, {"Subject", "Cc"}), kPlenty);
  for (const HeaderField& field : message()) fields.add(field);
  EXPECT_EQ(fields.finish(), "");
  EXPECT_EQ(fields.fields(), (std::vector<HeaderField>{{"From", " joe@example.com"},
                                                       {"to ", " first"},
                                                       {"To", " second"},
                                                       {"Subject", " hello"}}));
  EXPECT_EQ(fields.comparable_names(),
            (Names{"from", "to", "to", "subject", "from", "subject", "cc"}));
  fields.drop_fields();
  EXPECT_TRUE(fields.fields().empty());
  EXPECT_EQ(fields.names().size(), 7U);
}

std::string refusal_for(const std::vector<HeaderField>& header, size_t max_name_octets = kPlenty) {
  SignedFields fields({}, max_name_octets);
  for (const HeaderField& field : header) fields.add(field);
  return fields.finish();
}

TEST(SignedFields, ExactlyOneFromOrNoSignature) {  // RFC 5322 3.6
  EXPECT_EQ(refusal_for({}), "the message has 0 From fields");
  EXPECT_EQ(refusal_for({{"X-From", " a"}}), "the message has 0 From fields");
  EXPECT_EQ(refusal_for({{"From", " a"}}), "");
  EXPECT_EQ(refusal_for({{"From", " a"}, {"FROM\t", " b"}}), "the message has 2 From fields");
}

TEST(SignedFields, ANulInASignedFieldIsRefused) {
  const HeaderField from = {"From", " a"};
  const std::string value(" a\0b", 4);
  EXPECT_EQ(refusal_for({from, {"Subject", value}}), "a header field holds a NUL");
  EXPECT_EQ(refusal_for({from, {"X-Unsigned", value}}), "");
}

TEST(SignedFields, NamesThatHaveNoRoomAreRefused) {
  std::vector<HeaderField> header(2000, {"Subject", " again"});
  header.push_back({"From", " a"});
  EXPECT_EQ(refusal_for(header),
            "too many header fields to sign: their names have 16101 octets, at most 12000 fit");
  EXPECT_EQ(refusal_for(header, 16'101), "");
  header.assign(100'000, {"X-Unsigned", " again"});
  header.push_back({"From", " a"});
  EXPECT_EQ(refusal_for(header), "");
}

}  // namespace
}  // namespace signet
