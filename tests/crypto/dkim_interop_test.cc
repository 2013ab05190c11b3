// SPDX-License-Identifier: BSD-2-Clause
//
// Other people's implementations as witnesses: dkimpy (Debian's python3-dkim) and Mail::DKIM
// (libmail-dkim-perl) verify what the signer writes, and the verifier passes what dkimpy signs.
// They run as programs; nobody asks the DNS.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <map>

#include "tests/support/dkim_message.h"
#include "tests/support/dkim_witness.h"
#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

constexpr std::string_view kText =
    "From: Joe <joe@example.com>\n"
    "To: Suzie <suzie@example.net>,\n"
    "\tSam <sam@example.org>\n"
    "Subject:   Is  dinner\n"
    " \tready?  \n"
    "MIME-Version: 1.0\n"
    "X-Unsigned: yes\n"
    "\n"
    "Hi.  \n"
    "\t Two \t tabs\n"
    "\n"
    "We lost\tthe game.\n"
    " \n"
    "\n";

/// What a command prints; it must end well.
std::string run(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer{};
  while (const size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), size);
  }
  EXPECT_EQ(pclose(pipe), 0) << command << "\n" << output;
  return output;
}

std::string wire_text(const DkimTestMessage& message) {
  std::string text;
  for (const HeaderField& field : message.fields) text += field.name + ":" + field.value + "\r\n";
  return text + "\r\n" + message.body;
}

const std::map<std::string, DkimTestKey>& keys() {
  static const std::map<std::string, DkimTestKey> kKeys = {{"ed", ed25519_test_key()},
                                                           {"rsa", rsa_test_key()}};
  return kKeys;
}

KeyRecords key_records() {
  KeyRecords records;
  for (const auto& [selector, key] : keys()) {
    records[selector + "._domainkey.example.com"] = key.record();
  }
  return records;
}

/// One way to sign, with both keys.
struct Way {
  DkimEngine engine = DkimEngine::native;
  DkimSignOptions options;
  std::string auid;
};

/// Both engines, all canonicalizations, without and with i= and other lists than the default ones.
std::vector<Way> ways_to_sign() {
  std::vector<Way> ways;
  for (const DkimEngine engine : {DkimEngine::native, DkimEngine::libopendkim}) {
    for (const bool header : {false, true}) {
      for (const bool body : {false, true}) {
        Way& way = ways.emplace_back();
        way.engine = engine;
        way.options.relaxed_header = header;
        way.options.relaxed_body = body;
        // x= lies a century ahead: the witnesses read the clock.
        way.options.signature_ttl = std::chrono::hours(24 * 36500);
      }
    }
    Way way = ways.back();
    way.options.sign_headers = {"subject", "x-unsigned", "X-None"};
    way.options.oversign_headers = {"X-None", "To"};
    way.auid = "j=\xc3\xb6rg@mail.example.com";  // RFC 6376 2.11 hides the "=" and the UTF-8
    ways.push_back(way);
  }
  return ways;
}

std::vector<HeaderField> sign(const DkimTestMessage& message, const Way& way) {
  std::vector<SignatureSpec> wanted;
  for (const char* selector : {"rsa", "ed"}) {
    const auto key =
        SigningKey::parse(pem_of(keys().at(selector)), *test_name("example.com"), selector);
    if (!key) throw std::runtime_error(key.error());
    wanted.push_back({*key, way.auid});
  }
  const auto signer = make_dkim_signer(way.engine, way.options, wanted);
  for (const HeaderField& field : message.fields) signer->header(field);
  signer->end_of_headers();
  signer->body(message.body);
  const auto signatures = signer->finish(kTestNow);
  if (!signatures) throw std::runtime_error(signatures.error());
  return *signatures;
}

/// Messages with odd bodies, signed in every way. The last is one that nobody may like, so that
/// "pass" means something.
MessageStream signed_messages() {
  const std::string bodies[] = {parse_message(kText).body, "", "\r\n", "a\r\n\r\n \r\n\r\n"};
  MessageStream stream;
  std::string text;
  for (const std::string& body : bodies) {
    for (const Way& way : ways_to_sign()) {
      auto message = parse_message(kText);
      message.body = body;
      const auto signatures = sign(message, way);
      message.fields.insert(message.fields.begin(), signatures.begin(), signatures.end());
      text = wire_text(message);
      stream.add(text);
    }
  }
  stream.add(text.replace(text.find("joe@"), 4, "eve@"));
  return stream;
}

TEST(DkimInterop, DkimpyVerifiesWhatIsSigned) {
  auto verdicts = DkimWitness(WitnessProgram::dkimpy, key_records(), signed_messages()).finish();
  const std::vector<std::string> spoiled(2, "fail the signature is wrong");
  EXPECT_EQ(verdicts.back(), spoiled);
  verdicts.pop_back();
  for (const auto& message : verdicts) EXPECT_EQ(message, std::vector<std::string>(2, "pass"));
}

TEST(DkimInterop, MailDkimVerifiesWhatIsSignedWithRsa) {
  auto verdicts = DkimWitness(WitnessProgram::mail_dkim, key_records(), signed_messages()).finish();
  EXPECT_EQ(verdicts.back().front(), "fail fail (message has been altered)");
  verdicts.pop_back();
  // The Ed25519 signatures come second.
  for (const auto& message : verdicts) EXPECT_EQ(message.front(), "pass");
}

TEST(DkimInterop, WhatDkimpySignsPasses) {
  const TemporaryFolder folder;
  folder.write("rsa.key", kRfc8463RsaPem);
  folder.write("ed.key", "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  folder.write("message.eml", wire_text(parse_message(kText)));
  run("/usr/bin/python3 " SIGNET_SOURCE_DIR "/tests/crypto/dkim_interop.py " +
      folder.path().string());
  int messages = 0;
  std::string zone;
  for (const auto& [name, record] : key_records()) zone += txt_record(name, record);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (!entry.path().filename().string().starts_with("signed-")) continue;
    ++messages;
    const auto message = parse_message(replace_all(folder.read(entry.path()), "\r\n", "\n"));
    const auto signature = parse_dkim_signature(message.fields.front().value, 300);
    ASSERT_TRUE(signature.signed_at) << entry.path();
    ZoneResolver resolver(zone);
    const auto verdicts = verify_message(message, resolver, std::nullopt, {}, *signature.signed_at);
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].result, DkimResult::pass) << entry.path() << verdicts[0].reason;
  }
  EXPECT_EQ(messages, 8);
}

}  // namespace
}  // namespace signet
