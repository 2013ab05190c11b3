// SPDX-License-Identifier: BSD-2-Clause
//
// One small message that the tests of verifying sign with all kinds of tags, and the zone with the
// key for it; and the messages of RFC 6376 and RFC 8463.

#pragma once

#include <string>
#include <string_view>

#include "tests/support/dkim_message.h"

namespace signet {

inline constexpr std::string_view kSampleText =
    "From: Joe <joe@example.com>\n"
    "To: Suzie <suzie@example.net>\n"
    "Subject: Is  dinner\n"
    " ready?\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700\n"
    "\n"
    "Hi.  \n"
    "\n"
    "We lost\tthe game.\n"
    "\n"
    "\n";

inline constexpr std::string_view kSampleKeyName = "sel._domainkey.example.com";
inline constexpr std::string_view kSampleTags =
    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=sel; h=from:to:subject:date; bh={bh}";

/// RFC 8463 A.3, with both signatures.
inline constexpr std::string_view kRfc8463Message =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"
    " d=football.example.com; i=@football.example.com;\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"
    " subject : date : message-id : from : subject : date;\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n"
    " d=football.example.com; i=@football.example.com;\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\n"
    " date : message-id : from : subject : date;\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\n"
    "From: Joe SixPack <joe@football.example.com>\n"
    "To: Suzie Q <suzie@shopping.example.net>\n"
    "Subject: Is dinner ready?\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
    "\n"
    "Hi.\n"
    "\n"
    "We lost the game.  Are you hungry yet?\n"
    "\n"
    "Joe.\n";

/// RFC 6376 A.2 as it was signed: folded with six spaces, one space after "game."; the RFC's
/// typesetting took one away and added another.
inline constexpr std::string_view kRfc6376Message =
    "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\n"
    "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\n"
    "      h=Received : From : To : Subject : Date : Message-ID;\n"
    "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
    "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\n"
    "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\n"
    "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\n"
    "      4bmp/YzhwvcubU4=;\n"
    "Received: from client1.football.example.com  [192.0.2.1]\n"
    "      by submitserver.example.com with SUBMISSION;\n"
    "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\n"
    "From: Joe SixPack <joe@football.example.com>\n"
    "To: Suzie Q <suzie@shopping.example.net>\n"
    "Subject: Is dinner ready?\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
    "\n"
    "Hi.\n"
    "\n"
    "We lost the game. Are you hungry yet?\n"
    "\n"
    "Joe.\n";
/// The record at brisbane._domainkey.example.com: RFC 6376 appendix C.
inline constexpr std::string_view kRfc6376Record =
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
    "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
    "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

/// kSampleTags with a part replaced.
inline std::string sample_tags(std::string_view from, std::string_view to) {
  return replace_all(std::string(kSampleTags), from, to);
}

/// The zone that publishes `key` for kSampleTags; `tags` are put into its record.
inline std::string sample_zone(const DkimTestKey& key = rsa_test_key(),
                               std::string_view tags = "") {
  return txt_record(kSampleKeyName, key.record(tags));
}

/// How a signature with these tags is to be hashed: as they say, if they can be read.
inline DkimTestHashing hashing_of(std::string_view tags) {
  DkimTestHashing like;
  const std::string whole =
      replace_all(std::string(tags), "{bh}", encode_base64(std::string(32, 'h')));
  const auto signature =
      parse_dkim_signature(whole + "; b=" + encode_base64(std::string(64, 'b')), 1'000);
  if (signature.refusal) return like;
  like.header = signature.header_canonicalization;
  like.body = signature.body_canonicalization;
  like.fields = signature.signed_fields;
  like.length = signature.body_length;
  return like;
}

/// `message` with a signature on top that is made from `tags` and hashed as they say.
inline DkimTestMessage sign_on_top(DkimTestMessage message, std::string_view tags,
                                   const DkimTestKey& key = rsa_test_key()) {
  message.fields.insert(message.fields.begin(), sign_with(message, tags, key, hashing_of(tags)));
  return message;
}

/// The sample, signed with `tags`.
inline DkimTestMessage signed_sample(std::string_view tags = kSampleTags,
                                     const DkimTestKey& key = rsa_test_key()) {
  return sign_on_top(parse_message(kSampleText), tags, key);
}

/// What `engine` says of the topmost signature.
inline std::string verdict_of(DkimEngine engine, const DkimTestMessage& message,
                              std::string_view zone_text, const DkimVerifyOptions& options = {}) {
  ZoneResolver resolver(zone_text);
  const auto verdicts =
      verify_message(message, resolver, std::nullopt, options, kTestNow, 1 << 20, engine);
  return verdicts.empty() ? "no verdict" : words(verdicts.front());
}

}  // namespace signet
