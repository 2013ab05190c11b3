// SPDX-License-Identifier: BSD-2-Clause
//
// How a DKIM-Signature field is written: folded, and as the reader wants it.

#include "crypto/dkim_signature_writer.h"

#include <gtest/gtest.h>

#include <vector>

#include "crypto/dkim_signature.h"
#include "tests/support/dkim_message.h"

namespace signet {
namespace {

constexpr std::string_view kHash = "01234567890123456789012345678901";

SignatureTags tags_for(std::string_view domain, std::string_view selector = "s",
                       std::string_view identity = "") {
  SignatureTags tags;
  tags.domain = domain;
  tags.selector = selector;
  tags.identity = identity;
  return tags;
}

std::string write(SignatureTags tags, const std::vector<std::string>& signed_fields,
                  std::string_view signature) {
  tags.signed_at = kTestNow;
  tags.body_hash = kHash;
  tags.signed_fields = signed_fields;
  std::string value = write_unsigned_value(tags);
  append_signature(value, signature);
  return value;
}

/// The lines of the whole field.
std::vector<std::string> lines_of(const std::string& value) {
  std::string text = "DKIM-Signature:" + value + "\r\n";
  std::vector<std::string> lines;
  for (size_t end = text.find("\r\n"); end != std::string::npos; end = text.find("\r\n")) {
    lines.push_back(text.substr(0, end));
    text.erase(0, end + 2);
  }
  return lines;
}

/// A tab at the start reaches to column 8.
size_t columns(const std::string& line) { return line.size() + (line.starts_with('\t') ? 7 : 0); }

TEST(DkimSignatureWriter, WritesTheFieldThatTheReaderReads) {  // RFC 6376 3.5
  SignatureTags tags = tags_for("example.com", "s1", "joe@mail.example.com");
  tags.key_type = DkimKeyType::ed25519;
  tags.header_canonicalization = Canonicalization::relaxed;
  tags.expires_at = kTestNow + std::chrono::hours(1);
  const std::string value = write(tags, {"From", "Subject", "From"}, std::string(64, 'b'));
  EXPECT_EQ(value,
            " v=1; a=ed25519-sha256; c=relaxed/simple; d=example.com; s=s1;\r\n"
            "\ti=joe@mail.example.com; t=1750000000; x=1750003600;\r\n"
            "\tbh=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=; h=From:Subject:From;\r\n"
            "\tb=YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJi\r\n"
            "\tYmJiYmJiYmJiYmJiYmJiYg==");
  const DkimSignature read = parse_dkim_signature(value, 3);
  EXPECT_FALSE(read.refusal) << read.refusal->reason;
  EXPECT_EQ(read.key_type, DkimKeyType::ed25519);
  EXPECT_EQ(read.header_canonicalization, Canonicalization::relaxed);
  EXPECT_EQ(read.body_canonicalization, Canonicalization::simple);
  EXPECT_EQ(read.domain.text(), "example.com");
  EXPECT_EQ(read.selector, "s1");
  EXPECT_EQ(read.identity, "joe@mail.example.com");
  EXPECT_EQ(read.signed_at, kTestNow);
  EXPECT_EQ(read.expires_at, tags.expires_at);
  EXPECT_EQ(read.body_hash, kHash);
  EXPECT_EQ(read.signed_fields, (std::vector<std::string>{"from", "subject", "from"}));
  EXPECT_EQ(read.signature, std::string(64, 'b'));
  EXPECT_FALSE(read.body_length);
}

TEST(DkimSignatureWriter, WhatIsNotGivenIsNotWritten) {
  const std::string value = write(tags_for("example.com"), {"From"}, "x");
  EXPECT_EQ(value.find("i="), std::string::npos);
  EXPECT_EQ(value.find("x="), std::string::npos);
}

TEST(DkimSignatureWriter, NoLineIsLongerThanItMust) {  // RFC 5322 2.1.1
  for (size_t domain_octets = 1; domain_octets < 100; ++domain_octets) {
    for (const size_t names : {1, 2, 50, 900}) {
      const std::string domain = std::string(domain_octets, 'd') + ".example";
      const std::string identity = "i@" + domain;
      std::vector<std::string> signed_fields;
      for (size_t i = 0; i < names; ++i) {
        signed_fields.push_back("X-" + std::string(i * 7 % (domain_octets + 1), 'y'));
      }
      const std::string value =
          write(tags_for(domain, domain, identity), signed_fields, std::string(512, 'b'));
      for (const std::string& line : lines_of(value)) {
        // Tokens end where white space stands, and in h= after each colon.
        const size_t colon = line.find(':', line.starts_with("DKIM-Signature:") ? 15 : 0);
        const bool one_token = line.find(' ', 1) == std::string::npos &&
                               (colon == std::string::npos || colon + 1 == line.size());
        EXPECT_TRUE(columns(line) <= 78 || one_token) << line;
      }
    }
  }
}

TEST(DkimSignatureWriter, AnIdentityIsWrittenAsRfc6376HasIt) {  // RFC 6376 2.11, 3.5
  const std::string long_name = std::string(60, 'd') + "." + std::string(60, 'e');
  const struct {
    const char* name;
    std::string auid;
    std::string written;
  } cases[] = {
      {"none", "", ""},
      {"address", "joe@example.com", "joe@example.com"},
      {"no local part", "@example.com", "@example.com"},
      {"below d=", "joe@a.b.example.com", "joe@a.b.example.com"},
      {"case of the local part is kept", "Joe.Q@EXAMPLE.com", "Joe.Q@example.com"},
      {"all of atext", "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=3D?^_`{|}~@example.com"},
      {"UTF-8", "j\xc3\xb6rg@example.com", "j=C3=B6rg@example.com"},
      {"U-label",
       "joe@b\xc3\xbc"
       "cher.example.com",
       "joe@xn--bcher-kva.example.com"},
      {"outside d=", "joe@example.org", ""},
      {"above d=", "joe@com", ""},
      {"not below, though it ends like it", "joe@notexample.com", ""},
      {"no @", "example.com", ""},
      {"two @", "joe@eve@example.com", ""},
      {"no domain", "joe@", ""},
      {"broken domain", "joe@a..example.com", ""},
      {"trailing dot", "joe@example.com.", ""},
      {"space", "j oe@example.com", ""},
      {"line end", "joe\r\n b=x@example.com", ""},
      {"semicolon", "joe;b=x@example.com", ""},
      {"NUL", std::string("j\0e@example.com", 15), ""},
      {"quotes", "\"j oe\"@example.com", ""},
      {"dots", ".joe@example.com", ""},
      {"dots", "joe.@example.com", ""},
      {"dots", "j..oe@example.com", ""},
      {"broken UTF-8", "j\xc3@example.com", ""},
      {"overlong UTF-8", "j\xc0\xae@example.com", ""},
      {"250 octets", std::string(116, 'j') + "@" + long_name + ".example.com",
       std::string(116, 'j') + "@" + long_name + ".example.com"},
      {"251 octets", std::string(117, 'j') + "@" + long_name + ".example.com", ""},
  };
  const Name domain = *test_name("example.com");
  for (const auto& c : cases) {
    EXPECT_EQ(write_identity(c.auid, domain), c.written) << c.name;
    if (c.written.empty()) continue;
    const std::string value = write(tags_for("example.com", "s", c.written), {"From"}, "x");
    const DkimSignature read = parse_dkim_signature(value, 1);
    EXPECT_FALSE(read.refusal) << c.name << read.refusal->reason;
    EXPECT_EQ(read.identity, c.written);
  }
}

}  // namespace
}  // namespace signet
