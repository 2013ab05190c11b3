// SPDX-License-Identifier: BSD-2-Clause
//
// Other people's implementations as witnesses: dkimpy (Debian's python3-dkim) and Mail::DKIM
// (libmail-dkim-perl) verify what the signer writes, and the verifier passes what dkimpy signs.
// They run as programs on files; nobody asks the DNS.

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "tests/support/dkim_message.h"

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

/// A folder of its own, gone with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "signet-dkim-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, std::string_view octets) const {
    std::ofstream(path_ / name, std::ios::binary) << octets;
  }
  std::string read(const std::filesystem::path& file) const {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

 private:
  std::filesystem::path path_;
};

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

std::string script(const std::string& name) {
  return std::string(SIGNET_SOURCE_DIR) + "/tests/crypto/" + name;
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

/// keys.txt, and the private keys in the forms that dkimpy reads.
void write_keys(const TemporaryFolder& folder) {
  std::string records;
  for (const auto& [selector, key] : keys()) {
    records += selector + "._domainkey.example.com\t" + key.record() + "\n";
  }
  folder.write("keys.txt", records);
  folder.write("rsa.key", kRfc8463RsaPem);
  folder.write("ed.key", "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
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

/// Messages with odd bodies, signed in every way. Returns how the output of a verifier that likes
/// them all reads.
std::string write_signed_messages(const TemporaryFolder& folder) {
  const std::string bodies[] = {parse_message(kText).body, "", "\r\n", "a\r\n\r\n \r\n\r\n"};
  std::string expected;
  int number = 10;
  for (const std::string& body : bodies) {
    for (const Way& way : ways_to_sign()) {
      auto message = parse_message(kText);
      message.body = body;
      const auto signatures = sign(message, way);
      message.fields.insert(message.fields.begin(), signatures.begin(), signatures.end());
      const std::string name = std::to_string(number++) + ".eml";
      folder.write(name, wire_text(message));
      expected += name + " 0 pass\n" + name + " 1 pass\n";
    }
  }
  // One that nobody may like, so that "pass" means something.
  std::string spoiled = folder.read(folder.path() / "10.eml");
  spoiled.replace(spoiled.find("joe@"), 4, "eve@");
  folder.write("99.eml", spoiled);
  return expected + "99.eml 0 fail\n99.eml 1 fail\n";
}

TEST(DkimInterop, DkimpyVerifiesWhatIsSigned) {
  const TemporaryFolder folder;
  write_keys(folder);
  const std::string expected = write_signed_messages(folder);
  EXPECT_EQ(
      run("/usr/bin/python3 " + script("dkim_interop.py") + " verify " + folder.path().string()),
      expected);
}

TEST(DkimInterop, MailDkimVerifiesWhatIsSignedWithRsa) {
  const TemporaryFolder folder;
  write_keys(folder);
  std::istringstream lines(write_signed_messages(folder));
  std::string expected;  // without the Ed25519 signatures, which come second
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" 1 ") == std::string::npos) expected += line + "\n";
  }
  EXPECT_EQ(run("/usr/bin/perl " + script("dkim_interop.pl") + " " + folder.path().string()),
            expected);
}

TEST(DkimInterop, WhatDkimpySignsPasses) {
  const TemporaryFolder folder;
  write_keys(folder);
  folder.write("message.eml", wire_text(parse_message(kText)));
  run("/usr/bin/python3 " + script("dkim_interop.py") + " sign " + folder.path().string());
  int messages = 0;
  std::string zone;
  for (const auto& [selector, key] : keys()) {
    zone += txt_record(selector + "._domainkey.example.com", key.record());
  }
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
