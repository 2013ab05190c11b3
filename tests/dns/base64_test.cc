// SPDX-License-Identifier: BSD-2-Clause
//
// Base64: the RFC's vectors both ways, and texts that other decoders let through.

#include "dns/base64.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(Base64, VectorsOfTheRfc) {  // RFC 4648 10
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : cases) {
    EXPECT_EQ(encode_base64(octets), text);
    ASSERT_TRUE(decode_base64(text));
    EXPECT_EQ(*decode_base64(text), octets);
  }
}

TEST(Base64, EveryOctetSurvives) {
  std::string octets;
  for (int i = 0; i < 256; ++i) {
    octets += static_cast<char>(i);
    EXPECT_EQ(*decode_base64(encode_base64(octets)), octets);
  }
}

TEST(Base64, FoldingWhiteSpaceMayStandAnywhere) {  // RFC 6376 2.10
  EXPECT_EQ(*decode_base64(" Z\r\n\tm 8 = "), "fo");
  const std::string octets = "Nine bytes and seven more.";
  const std::string text = encode_base64(octets);
  for (size_t i = 0; i <= text.size(); ++i) {
    for (size_t j = i; j <= text.size(); ++j) {
      const std::string folded =
          text.substr(0, i) + "\r\n " + text.substr(i, j - i) + " " + text.substr(j);
      EXPECT_EQ(*decode_base64(folded), octets) << folded;
    }
  }
}

TEST(Base64, NothingElseIsForgiven) {  // RFC 4648 3.2, 3.3, 3.5
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Z===", "=",
                           "====", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v=", "Zm9v====", "Zm-v", "Zm_v",
                           "Zm9v\v", "Zm9\xffZm9v", "Zm9vZm=v", "Zg==a", "=Zg="}) {
    EXPECT_FALSE(decode_base64(text)) << text;
  }
}

}  // namespace
}  // namespace signet
