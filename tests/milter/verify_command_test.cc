// SPDX-License-Identifier: BSD-2-Clause
//
// `signet verify` from a file to its output. Signatures are made here, tag by tag, so that what is
// explained is known; the canonical form shown must be what was signed.

#include "milter/command/verify_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <nlohmann/json.hpp>

#include "milter/command/message_file.h"
#include "tests/support/command_test.h"
#include "tests/support/dkim_sample.h"

namespace signet {
namespace {

using namespace std::string_literals;
using nlohmann::json;

/// The message as a file with LF line ends.
std::string file_of(const DkimTestMessage& message) {
  std::string text;
  for (const HeaderField& field : message.fields) text += field.name + ":" + field.value + "\r\n";
  return replace_all(text + "\r\n" + message.body, "\r\n", "\n");
}

std::string signed_file(std::string_view tags = kSampleTags) {
  return file_of(signed_sample(tags));
}

class VerifyCommand : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    now_ = kTestNow;
    publish(sample_zone());
  }
  CommandOutcome verify(const std::string& file, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"verify", write("message", file)});
    return run(std::move(options));
  }
  json verify_json(const std::string& file, std::vector<std::string> options = {}) {
    options.emplace_back("--json");
    return json::parse(verify(file, std::move(options)).out);
  }
};

constexpr std::string_view kRfc8463Explained =
    "pass: signature 1 of 2 by football.example.com\n"
    "  tags: a=ed25519-sha256 d=football.example.com s=brisbane i=@football.example.com "
    "c=relaxed/relaxed\n"
    "  signed (t=): 2018-06-10T13:38:29Z\n"
    "  libopendkim agrees: pass\n"
    "  key: brisbane._domainkey.football.example.com: ed25519, 256 bits\n"
    "  header fields hashed, in this order (h=):\n"
    "    from                        the only one\n"
    "    to                          the only one\n"
    "    subject                     the only one\n"
    "    date                        the only one\n"
    "    message-id                  the only one\n"
    "    from                        no further one, so none can be added\n"
    "    subject                     no further one, so none can be added\n"
    "    date                        no further one, so none can be added\n"
    "  body: 54 octets hashed, 0 unsigned; the hash is as claimed\n"
    "    computed      2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=\n"
    "    claimed (bh=) 2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=\n"
    "  canonical header:\n"
    "    |from:Joe SixPack <joe@football.example.com>\\r\\n\n"
    "    |to:Suzie Q <suzie@shopping.example.net>\\r\\n\n"
    "    |subject:Is dinner ready?\\r\\n\n"
    "    |date:Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\\r\\n\n"
    "    |message-id:<20030712040037.46341.5F8J@football.example.com>\\r\\n\n"
    "    |dkim-signature:v=1; a=ed25519-sha256; c=relaxed/relaxed; d=football.example.com; "
    "i=@football.example.com; q=dns/txt; s=brisbane; t=1528637909; h=from : to : subject : date : "
    "message-id : from : subject : date; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=\n"
    "  canonical body:\n"
    "    |Hi.\\r\\n\n"
    "    |\\r\\n\n"
    "    |We lost the game. Are you hungry yet?\\r\\n\n"
    "    |\\r\\n\n"
    "    |Joe.\\r\\n\n"
    "pass: signature 2 of 2 by football.example.com\n";

TEST_F(VerifyCommand, ExplainsTheExampleOfRfc8463) {  // RFC 8463 A.3
  publish(txt_record("brisbane._domainkey.football.example.com",
                     "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=") +
          txt_record("test._domainkey.football.example.com", rsa_test_key().record()));
  const auto outcome =
      verify(std::string(kRfc8463Message), {"--second-opinion", "--show-canonical"});
  EXPECT_EQ(outcome.out.substr(0, kRfc8463Explained.size()), kRfc8463Explained);
  EXPECT_NE(outcome.out.find("  key: test._domainkey.football.example.com: rsa, 1024 bits\n"),
            std::string::npos);
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.exit_status, 0);
}

TEST_F(VerifyCommand, ExplainsTheExampleOfRfc6376) {  // RFC 6376 A.2, key of appendix C
  publish(txt_record("brisbane._domainkey.example.com", std::string(kRfc6376Record)));
  const auto outcome = verify(std::string(kRfc6376Message), {"--show-canonical"});
  EXPECT_EQ(first_line(outcome.out), "pass: signature 1 of 1 by example.com");
  EXPECT_NE(outcome.out.find("    |Received: from client1.football.example.com  [192.0.2.1]\\r\\n\n"
                             "    |      by submitserver.example.com with SUBMISSION;\\r\\n\n"),
            std::string::npos);
  EXPECT_EQ(outcome.exit_status, 0);
}

struct FailureCase {
  std::string file;
  std::string records;
  std::string first_line;   ///< after "signature 1 of 1 by example.com"
  std::string explanation;  ///< a part of what follows
  int exit_status = 1;
};

std::string changed(std::string_view from, std::string_view to) {
  return replace_all(signed_file(), from, to);
}

TEST_F(VerifyCommand, ExplainsEachKindOfFailure) {  // RFC 8601 2.7.1
  const std::string zone = sample_zone();
  const std::string key = rsa_test_key().record();
  const std::string name(kSampleKeyName);
  const FailureCase cases[] = {
      {changed("the game", "a game"), zone, "fail: * (body hash differs)", "the hash differs\n"},
      {changed("Subject: Is", "Subject: Was"), zone, "fail: * (signature does not verify)",
       "the hash is as claimed\n"},
      {"Subject: added\n" + signed_file(), zone, "pass: *",
       "subject                     number 2 of 2\n", 0},
      {changed("To: Suzie", "To: x\nTo: Suzie"), zone, "pass: *",
       "to                          number 2 of 2\n", 0},
      {changed("To: Suzie <suzie@example.net>\n", ""), zone, "fail: * (signature does not verify)",
       "to                          not there, so none can be added\n"},
      {signed_file(sample_tags("h=from", "h=dkim-signature:from")), zone, "pass: *",
       "dkim-signature              no further one, so none can be added\n", 0},
      {signed_file(), "", "permerror: * (no key at sel._domainkey.example.com: no such name)",
       "  key: sel._domainkey.example.com\n    problem: no key at "},
      {signed_file(), txt_record(name, "v=DKIM1; p="), "permerror: * (key revoked)",
       "    problem: key revoked\n    TXT \"v=DKIM1; p=\"\n"},
      {signed_file(), txt_record(name, "v=spf1 -all"),
       "permerror: * (bad key record: ", "    TXT \"v=spf1 -all\"\n"},
      {signed_file(), zone + txt_record(name, key + "; n=other"), "permerror: * (",
       "    problem: "},
      {signed_file(), name + ". CNAME a.example.\na.example. CNAME " + name + ".\n",
       "temperror: * (the DNS failed for sel._domainkey.example.com", "    problem: the DNS failed",
       6},
      {signed_file(sample_tags("a=rsa-sha256", "a=rsa-sha1")), zone, "permerror: * (rsa-sha1",
       "  tags: a=rsa-sha1 d=example.com s=sel "},
      {signed_file(sample_tags("h=from:to", "h=from::to")), zone,
       "neutral: * (h= holds something that is no field name)", "  tags: a=rsa-sha256 "},
      {signed_file(std::string(kSampleTags) + "; t=1600000000; x=1749000000"), zone,
       "policy: * (signature expired 11 days ago)",
       "  signed (t=): 2020-09-13T12:26:40Z\n  expires (x=): 2025-06-04T01:20:00Z\n"},
      {signed_file(std::string(kSampleTags) + "; t=1750100000"), zone, "policy: * (signed ",
       "  signed (t=): 2025-06-16T18:53:20Z\n"},
      {signed_file(std::string(kSampleTags) + "; l=10"), zone, "policy: * (l= leaves ",
       "  body: 10 octets hashed, 16 unsigned; the hash is as claimed\n"},
      {signed_file(std::string(kSampleTags) + "; i=a@b.example.com"),
       sample_zone(rsa_test_key(), "t=s:y; "), "permerror: * (the key's t=s forbids i= below d=)",
       "    problem: the key's t=s forbids i= below d=\n"},
      {signed_file(), sample_zone(rsa_test_key(), "t=s:y; "), "pass: *",
       "rsa, 1024 bits, t=y (testing), t=s (i= must be in d= itself)\n", 0},
  };
  for (const FailureCase& c : cases) {
    publish(c.records);
    const auto outcome = verify(c.file);
    const std::string wanted = replace_all(c.first_line, "*", "signature 1 of 1 by example.com");
    EXPECT_EQ(first_line(outcome.out).substr(0, wanted.size()), wanted);
    EXPECT_NE(outcome.out.find(c.explanation), std::string::npos)
        << c.explanation << "\nis not in\n"
        << outcome.out;
    EXPECT_EQ(outcome.exit_status, c.exit_status) << wanted;
    EXPECT_EQ(outcome.err, "");
    // The same in JSON.
    const json signature = verify_json(c.file)["signatures"][0];
    EXPECT_EQ(signature["result"].get<std::string>(), wanted.substr(0, wanted.find(':')));
    EXPECT_EQ(
        first_line(outcome.out).find(signature["reason"].get<std::string>()) != std::string::npos,
        true);
  }
}

TEST_F(VerifyCommand, OneSignatureThatPassesIsEnough) {
  const std::string file =
      replace_all(signed_file(), "DKIM-Signature: v=1", "DKIM-Signature: v=2\nDKIM-Signature: v=1");
  const auto outcome = verify(file);
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(first_line(outcome.out).substr(0, 27), "neutral: signature 1 of 2 (");
  EXPECT_NE(outcome.out.find("\npass: signature 2 of 2 by example.com\n"), std::string::npos);
}

TEST_F(VerifyCommand, WithoutASignatureTheExitStatusIs4) {
  for (const std::string& file : {std::string(kSampleText), ""s, "no header\n"s, "\n"s}) {
    const auto outcome = verify(file);
    EXPECT_EQ(outcome.exit_status, 4);
    EXPECT_NE(outcome.out.find("none: there is no DKIM-Signature field\n"), std::string::npos);
  }
  EXPECT_EQ(verify_json(std::string(kSampleText))["signatures"], json::array());
}

TEST_F(VerifyCommand, JsonHoldsWhatTheTextSays) {
  const std::string file = signed_file(
      "v=1; a=rsa-sha256; c=simple/relaxed; d=example.com; s=sel; i=joe@example.com; "
      "h=from:from:x-none:subject; l=5; t=1749000000; x=1760000000; bh={bh}");
  const json found = verify_json(file, {"--second-opinion"});
  EXPECT_EQ(found["engine"], "native");
  EXPECT_EQ(found["line_ends"], "LF");
  const json& signature = found["signatures"][0];
  EXPECT_EQ(signature["result"], "policy");
  EXPECT_EQ(signature["domain"], "example.com");
  EXPECT_EQ(signature["selector"], "sel");
  EXPECT_EQ(signature["identity"], "joe@example.com");
  EXPECT_EQ(signature["algorithm"], "rsa-sha256");
  EXPECT_EQ(signature["canonicalization"], json({{"header", "simple"}, {"body", "relaxed"}}));
  EXPECT_EQ(signature["length"], 5);
  EXPECT_EQ(signature["signed_at"], "2025-06-04T01:20:00Z");
  EXPECT_EQ(signature["expires_at"], "2025-10-09T08:53:20Z");
  EXPECT_EQ(signature["key"]["name"], kSampleKeyName);
  EXPECT_EQ(signature["key"]["dns"], "answered");
  EXPECT_EQ(signature["key"]["type"], "rsa");
  EXPECT_EQ(signature["key"]["bits"], 1024);
  EXPECT_EQ(signature["key"]["records"], json::array({rsa_test_key().record()}));
  EXPECT_EQ(signature["header_fields"],
            json::parse(R"([{"name": "from", "occurrence": 1, "present": 1},
                            {"name": "from", "occurrence": null, "present": 1},
                            {"name": "x-none", "occurrence": null, "present": 0},
                            {"name": "subject", "occurrence": 1, "present": 1}])"));
  EXPECT_EQ(signature["body"]["octets_hashed"], 5);
  EXPECT_EQ(signature["body"]["octets_unsigned"], 21);
  EXPECT_EQ(signature["body"]["hash_claimed"], signature["body"]["hash_computed"]);
  EXPECT_EQ(signature["second_opinion"]["engine"], "libopendkim");
  EXPECT_EQ(signature["second_opinion"]["result"], "policy");
  EXPECT_EQ(signature["second_opinion"]["agrees"], true);
}

/// What --show-canonical says must be what b= and bh= were made from.
TEST_F(VerifyCommand, TheCanonicalFormIsWhatWasSigned) {  // RFC 6376 3.7
  const std::string text =
      "From: Joe <joe@example.com>\nSubject:  a \t b\n\tc \nFrom : x\nX: \x80\\\x1b \n\n"
      "one \t two \n\n\rthree\\\x80\x01\n\n\n";
  for (const std::string c :
       {"simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"}) {
    for (const std::string& l : {""s, "; l=7"s, "; l=0"s}) {
      const std::string tags = "v=1; a=rsa-sha256; c=" + c +
                               "; d=example.com; s=sel; h=x:from:subject:from:subject; bh={bh}" + l;
      const std::string file = file_of(sign_on_top(parse_message(text), tags));
      const json signature = verify_json(file, {"--show-canonical"})["signatures"][0];
      const std::string header =
          *decode_base64(signature["canonical"]["header"].get<std::string>());
      const std::string body = *decode_base64(signature["canonical"]["body"].get<std::string>());
      Sha256 header_hash;
      header_hash.update(header);
      const std::string value = MessageFile::parse(file)->fields().front().value;
      const std::string b = parse_dkim_signature(value, 100).signature;
      EXPECT_TRUE(verify_hash(rsa_test_key().key.get(), DkimKeyType::rsa, header_hash.finish(), b))
          << c << l;
      Sha256 body_hash;
      body_hash.update(body);
      EXPECT_EQ(encode_base64(body_hash.finish()),
                signature["body"]["hash_claimed"].get<std::string>())
          << c << l;
      EXPECT_EQ(body.size(), signature["body"]["octets_hashed"]);
    }
  }
}

TEST_F(VerifyCommand, TheCanonicalFormShowsEachOctet) {
  const std::string file = file_of(sign_on_top(
      parse_message(
          "From: joe@example.com\nSubject: tab\there \\ \x1b[31m \xc2\x9b\n\na\0b \rc\n"s),
      "v=1; a=rsa-sha256; c=simple/simple; d=example.com; s=sel; h=from:subject; bh={bh}"));
  const auto outcome = verify(file, {"--show-canonical"});
  EXPECT_NE(outcome.out.find("    |Subject: tab\\there \\\\ \\x1b[31m \\xc2\\x9b\\r\\n\n"),
            std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("  canonical body:\n    |a\\x00b \\rc\\r\\n\n"), std::string::npos);
  EXPECT_EQ(outcome.exit_status, 0);
}

TEST_F(VerifyCommand, TheSecondOpinionIsShownWhereItDiffers) {
  // RFC 6376 3.2: unknown tags are ignored; libopendkim is not given this one.
  const std::string file = signed_file(std::string(kSampleTags) + "; xb=1");
  const auto outcome = verify(file, {"--second-opinion"});
  EXPECT_EQ(first_line(outcome.out), "pass: signature 1 of 1 by example.com");
  EXPECT_NE(outcome.out.find("  libopendkim differs: neutral (libopendkim can't tell b= from "),
            std::string::npos)
      << outcome.out;
  EXPECT_EQ(outcome.exit_status, 0);
  const json opinion = verify_json(file, {"--second-opinion"})["signatures"][0]["second_opinion"];
  EXPECT_EQ(opinion["agrees"], false);
  // With libopendkim in charge it is the other way round.
  configure("DKIMEngine libopendkim\n");
  const auto other = verify(file, {"--second-opinion"});
  EXPECT_EQ(first_line(other.out).substr(0, 9), "neutral: ");
  EXPECT_NE(other.out.find("  native differs: pass\n"), std::string::npos);
  EXPECT_EQ(other.exit_status, 1);
}

TEST_F(VerifyCommand, TheSecondOpinionOnALongBodyIsTheLibrarysToo) {
  // The library has no verdict on a word of over a megabyte; the daemon would not ask it.
  DkimTestMessage message = parse_message(kSampleText);
  message.body = std::string(11 << 20, 'x') + "\r\n";
  const auto outcome = verify(file_of(sign_on_top(message, kSampleTags)), {"--second-opinion"});
  EXPECT_NE(outcome.out.find("  libopendkim differs: neutral (libopendkim canonicalizes this body"),
            std::string::npos);
}

TEST_F(VerifyCommand, TooManySignaturesHaveOneVerdict) {
  std::string file;
  for (int i = 0; i < 51; ++i) file += "DKIM-Signature: v=1\n";
  const auto outcome = verify(file + std::string(kSampleText), {"--second-opinion"});
  EXPECT_EQ(first_line(outcome.out),
            "policy: signature 1 of 1 (51 signatures, over the limit of 50: none was evaluated)");
  EXPECT_EQ(outcome.exit_status, 1);
}

TEST_F(VerifyCommand, SignaturesOverTheLimitAreExplainedWithoutTheirKeys) {
  configure("MaximumSignatures 1\n");
  const DkimTestMessage message = parse_message(kSampleText);
  const auto outcome = verify(
      file_of(sign_on_top(sign_on_top(message, sample_tags("s=sel", "s=other")), kSampleTags)));
  EXPECT_EQ(first_line(outcome.out), "pass: signature 1 of 2 by example.com");
  EXPECT_NE(outcome.out.find("policy: signature 2 of 2 by example.com (over the limit of 1 "),
            std::string::npos);
  EXPECT_NE(outcome.out.find("  key: other._domainkey.example.com: not asked for\n"),
            std::string::npos)
      << outcome.out;
}

TEST_F(VerifyCommand, AnyTimeCanBeThatOfTheVerdict) {
  const std::string file = signed_file(std::string(kSampleTags) + "; t=1600000000; x=1600003600");
  EXPECT_EQ(verify(file).exit_status, 1);
  EXPECT_EQ(verify(file, {"--at", "2020-09-13T12:30:00Z"}).exit_status, 0);
  EXPECT_EQ(verify(file, {"--at", "2020-09-13"}).exit_status, 1);
  for (const char* bad : {"yesterday", "2020-13-01", "2020-09-13T12:30", "2020-09-13T25:00:00Z",
                          "2020-09-13 ", "2020-09-13T12:30:00Z+1", "2020", "2020-02-30"}) {
    const auto outcome = verify(file, {"--at", bad});
    EXPECT_EQ(outcome.exit_status, EX_USAGE) << bad;
    EXPECT_EQ(outcome.err,
              "signet: --at: want a date such as 2026-11-23 or 2026-11-23T12:30:00Z, "
              "got \"" +
                  std::string(bad) + "\"\n");
  }
}

TEST_F(VerifyCommand, FarTimesAreWrittenOutInFull) {
  const std::string file = signed_file(std::string(kSampleTags) + "; x=999999999999");
  EXPECT_EQ(verify_json(file)["signatures"][0]["expires_at"], "33658-09-27T01:46:39Z");
}

TEST_F(VerifyCommand, ReadsStandardInput) {
  const auto outcome = run({"verify", "-"}, signed_file());
  EXPECT_EQ(first_line(outcome.out), "pass: signature 1 of 1 by example.com");
  EXPECT_EQ(outcome.exit_status, 0);
}

TEST_F(VerifyCommand, BothLineEndsGiveTheSameVerdict) {
  const auto unix = verify(signed_file());
  const auto wire = verify(replace_all(signed_file(), "\n", "\r\n"));
  EXPECT_EQ(wire.exit_status, 0);
  EXPECT_EQ(wire.out, unix.out);
}

TEST_F(VerifyCommand, WhatIsOddAboutTheFileIsToldFirst) {
  const auto outcome =
      verify("From joe@example.com Mon Nov 23 12:00:00 2026\n" + signed_file() + "\n>From me\n");
  EXPECT_EQ(
      first_line(outcome.out),
      "note: a line of the body begins with \">From \": it may have been signed without the >");
}

TEST_F(VerifyCommand, SaysWhatItCannotUse) {
  const auto missing = run({"verify", root_ + "/nowhere"});
  EXPECT_EQ(missing.exit_status, EX_NOINPUT);
  EXPECT_EQ(missing.err,
            "signet: " + root_ + "/nowhere: cannot open it: No such file or directory\n");
  EXPECT_EQ(run({"verify"}).exit_status, EX_USAGE);
  EXPECT_EQ(verify("", {"--nameserver", "x"}).exit_status, EX_USAGE);
  EXPECT_EQ(verify("", {"--dns-data", root_ + "/nowhere"}).exit_status, EX_CONFIG);
  configure("Nonsense yes\n");
  EXPECT_EQ(verify("").exit_status, EX_CONFIG);
}

TEST_F(VerifyCommand, TheOutputIsSafeToShowWhateverTheMessageHolds) {
  const std::string evil = "\x1b[2J\x9b\xc2\x9b\a\0\x7f"s;
  const std::string files[] = {
      "DKIM-Signature: v=1; a=" + evil + "; d=" + evil + "; s=" + evil + "\n\n",
      "DKIM-Signature: " + evil + "\n" + evil + "\n\n",
      replace_all(signed_file(), "h=from", "h=" + evil + ":from"),
      signed_file(std::string(kSampleTags) + "; i=\"" + evil + "\"@example.com"),
      signed_file(std::string(kSampleTags) + "; i=\xc3\xa4\xc2\x9b@example.com"),
      replace_all(signed_file(), "Hi.", evil),
  };
  publish(txt_record(kSampleKeyName, "v=DKIM1; p=\\027[2J"));
  for (const std::string& file : files) {
    for (const char* option : {"--show-canonical", "--second-opinion", "--json"}) {
      const auto outcome = verify(file, {option});
      EXPECT_TRUE(is_safe_to_show(outcome.out)) << outcome.out;
      EXPECT_EQ(outcome.exit_status, 1);
      EXPECT_EQ(outcome.err, "");
    }
    EXPECT_TRUE(json::accept(verify(file, {"--json", "--show-canonical"}).out));
  }
}

}  // namespace
}  // namespace signet
