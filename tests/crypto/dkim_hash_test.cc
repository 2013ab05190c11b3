// SPDX-License-Identifier: BSD-2-Clause
//
// Which octets are hashed: the fields that h= selects, and the part of the body that l= counts.

#include "crypto/dkim_hash.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

std::string sha256(std::string_view octets) {
  Sha256 hash;
  hash.update(octets);
  return hash.finish();
}

std::string selected(const std::vector<HeaderField>& fields,
                     const std::vector<std::string>& names) {
  std::string values;
  for (const HeaderField* field : select_signed_fields(fields, names)) values += field->value;
  return values;
}

TEST(DkimHash, FieldsAreTakenFromTheBottom) {  // RFC 6376 5.4.2, its example
  const std::vector<HeaderField> fields = {
      {"Received", "A"}, {"Received", "B"}, {"From", "f"}, {"Received", "C"}};
  EXPECT_EQ(selected(fields, {"received", "received"}), "CB");
  EXPECT_EQ(selected(fields, {"received", "from", "received", "received", "received"}), "CfBA");
  EXPECT_EQ(selected(fields, {"x", "from", "from"}), "f");
  EXPECT_EQ(selected(fields, {}), "");
}

TEST(DkimHash, NamesAreComparedWithoutCaseAndTrailingSpace) {  // RFC 6376 3.5 h=
  EXPECT_EQ(selected({{"FROM ", "f"}, {"fromage", "x"}}, {"from"}), "f");
}

TEST(DkimHash, ASignatureDoesNotSignItself) {  // RFC 6376 3.5 h=
  const std::vector<HeaderField> fields = {
      {"DKIM-Signature", "A"}, {"DKIM-Signature", "B"}, {"DKIM-Signature", "C"}};
  const FieldsByName by_name(fields, {"from", "dkim-signature", "from"});
  const auto selected_but = [&](size_t own, size_t times) {
    std::string values;
    const std::vector<std::string> names(times, "dkim-signature");
    for (const HeaderField* field : by_name.select(names, &fields[own])) values += field->value;
    return values;
  };
  EXPECT_EQ(selected_but(0, 1), "C");
  EXPECT_EQ(selected_but(2, 1), "B");
  EXPECT_EQ(selected_but(0, 4), "CB");
  EXPECT_EQ(selected_but(1, 4), "CA");
  EXPECT_EQ(selected_but(2, 4), "BA");
}

TEST(DkimHash, SelectionIsNotQuadratic) {
  const std::vector<HeaderField> fields(20'000, HeaderField{"X", "v"});
  const std::vector<std::string> names(20'000, "x");
  EXPECT_EQ(select_signed_fields(fields, names).size(), 20'000U);
}

TEST(DkimHash, HeaderHashCoversFieldsThenTheSignatureWithoutItsValue) {  // RFC 6376 3.7
  DkimSignature signature;
  signature.header_canonicalization = Canonicalization::relaxed;
  signature.signed_fields = {"from", "to"};
  const std::vector<HeaderField> fields = {{"From", " a@b "}, {"To", " c"}};
  EXPECT_EQ(header_hash(fields, signature, {"DKIM-Signature", " v=1; b=abc; x=y"}),
            sha256("from:a@b\r\nto:c\r\ndkim-signature:v=1; b=; x=y"));
  signature.header_canonicalization = Canonicalization::simple;
  EXPECT_EQ(header_hash(fields, signature, {"DKIM-Signature", " v=1; b=abc"}),
            sha256("From: a@b \r\nTo: c\r\nDKIM-Signature: v=1; b="));
}

TEST(DkimHash, OneHeaderHashServesSeveralSignatures) {  // RFC 6376 3.7
  const std::vector<HeaderField> fields = {{"From", " a@b "}, {"To", " c"}};
  const HeaderHash hash(select_signed_fields(fields, {"from", "to", "from"}),
                        Canonicalization::relaxed);
  for (const char* value : {" s=one; b=1", " s=two; b=2", " s=one; b=3"}) {
    DkimSignature alone;
    alone.header_canonicalization = Canonicalization::relaxed;
    alone.signed_fields = {"from", "to", "from"};
    const HeaderField field{"DKIM-Signature", value};
    EXPECT_EQ(hash.with(field), header_hash(fields, alone, field));
  }
  EXPECT_NE(hash.with({"DKIM-Signature", " s=one; b="}),
            hash.with({"DKIM-Signature", " s=two; b="}));
}

TEST(DkimHash, ACopyGoesOnFromTheSameOctets) {
  Sha256 first;
  first.update("a");
  Sha256 second = first;
  first.update("b");
  second.update("c");
  EXPECT_EQ(first.finish(), sha256("ab"));
  EXPECT_EQ(second.finish(), sha256("ac"));
}

TEST(DkimHash, EachLengthHasTheHashOfSoManyOctetsHoweverTheyCome) {  // RFC 6376 3.5 l=
  constexpr std::string_view kBody = "abc\r\ndef\r\n";
  for (size_t piece = 1; piece <= kBody.size(); ++piece) {
    BodyHashes hashes;
    for (size_t length = kBody.size() + 1; length-- > 0;) {
      hashes.add(Canonicalization::simple, length);
    }
    for (size_t i = 0; i < kBody.size(); i += piece) hashes.update(kBody.substr(i, piece));
    hashes.finish();
    for (size_t i = 0; i < hashes.size(); ++i) {
      EXPECT_EQ(hashes.hash(i), sha256(std::string(kBody.substr(0, kBody.size() - i)))) << piece;
      EXPECT_EQ(hashes.canonical_octets(i), kBody.size());
    }
  }
}

TEST(DkimHash, LengthCountsCanonicalOctets) {  // RFC 6376 3.5 l=
  BodyHashes hashes;
  const size_t all = hashes.add(Canonicalization::relaxed, std::nullopt);
  const size_t three = hashes.add(Canonicalization::relaxed, 3);
  const size_t none = hashes.add(Canonicalization::simple, 0);
  const size_t beyond = hashes.add(Canonicalization::simple, 100);
  EXPECT_EQ(hashes.add(Canonicalization::relaxed, 3), three);
  EXPECT_EQ(hashes.size(), 4U);
  for (const char c : std::string_view("a  b\r\nc")) hashes.update(std::string_view(&c, 1));
  hashes.finish();
  EXPECT_EQ(hashes.hash(all), sha256("a b\r\nc\r\n"));
  EXPECT_EQ(hashes.hash(three), sha256("a b"));
  EXPECT_EQ(hashes.hash(none), sha256(""));
  EXPECT_EQ(hashes.hash(beyond), sha256("a  b\r\nc\r\n"));
  EXPECT_EQ(hashes.canonical_octets(three), 8U);
  EXPECT_EQ(hashes.canonical_octets(none), 9U);
}

}  // namespace
}  // namespace signet
