// SPDX-License-Identifier: BSD-2-Clause
//
// Any message, lists and AUID through the signer on each engine: what is signed passes, however the
// body is cut; what is not, is refused at the end of the header. The input: a line with the choices
// ("rs" is relaxed/simple), SignHeaders, OversignHeaders, the AUID, then the message.

#include <algorithm>
#include <cstdint>

#include "tests/fuzz/require.h"
#include "tests/support/dkim_message.h"

namespace {

using signet::DkimEngine;
using Signatures = std::vector<signet::HeaderField>;
using signet::require;

constexpr size_t kMaxMessageOctets = 64 * 1024;

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// Names between commas, those that an option takes: RFC 5322 3.6.8, and no semicolon.
std::vector<std::string> names_in(std::string_view line) {
  std::vector<std::string> names;
  while (!line.empty()) {
    const std::string_view name = line.substr(0, line.find(','));
    line.remove_prefix(std::min(name.size() + 1, line.size()));
    const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return c > ' ' && c <= '~' && c != ':' && c != ';';
    });
    if (good) names.emplace_back(name);
  }
  return names;
}

struct Input {
  signet::DkimSignOptions options;
  std::string auid;
  signet::DkimTestMessage message;
};

Input read_input(std::string_view text) {
  Input input;
  const std::string_view choices = take_line(text);
  input.options.relaxed_header = choices.starts_with('r');
  input.options.relaxed_body = choices.ends_with('r');
  input.options.sign_headers = names_in(take_line(text));
  input.options.oversign_headers = names_in(take_line(text));
  input.auid = take_line(text);
  input.message = signet::split_message(text);
  return input;
}

std::vector<signet::SignatureSpec> specs(const std::string& auid) {
  const signet::Name domain = *signet::test_name("example.com");
  static const auto kRsa =
      *signet::SigningKey::parse(signet::pem_of(signet::rsa_test_key()), domain, "rsa");
  static const auto kEd25519 =
      *signet::SigningKey::parse(signet::pem_of(signet::ed25519_test_key()), domain, "ed");
  return {{kRsa, auid}, {kEd25519, auid}};
}

/// Empty if the message is refused; every other failure is one of ours.
Signatures sign(const Input& input, DkimEngine engine, size_t piece) {
  const auto signer = signet::make_dkim_signer(engine, input.options, specs(input.auid));
  for (const signet::HeaderField& field : input.message.fields) signer->header(field);
  signer->end_of_headers();
  const std::string refusal = signer->refusal();
  const std::string_view body = input.message.body;
  for (size_t i = 0; i < body.size(); i += piece) signer->body(body.substr(i, piece));
  const auto signatures = signer->finish(signet::kTestNow);
  require(signatures ? refusal.empty() : signatures.error() == refusal);
  return signatures ? *signatures : Signatures{};
}

signet::ZoneResolver& resolver() {
  static signet::ZoneResolver instance(
      signet::txt_record("rsa._domainkey.example.com", signet::rsa_test_key().record()) +
      signet::txt_record("ed._domainkey.example.com", signet::ed25519_test_key().record()));
  instance.forget_questions();
  return instance;
}

void require_pass(const signet::DkimTestMessage& message, const signet::HeaderField& signature) {
  const std::string text = signature.name + ":" + signature.value;
  require(std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= ' ' && c <= '~') || c == '\r' || c == '\n' || c == '\t';
  }));
  signet::DkimVerifyOptions options;
  options.maximum_signed_fields = INT32_MAX;
  options.maximum_header_fields = INT32_MAX;
  options.maximum_signatures_present = INT32_MAX;
  // It alone, without what the message had before.
  signet::DkimTestMessage signed_message = message;
  std::erase_if(signed_message.fields, [](const signet::HeaderField& field) {
    return signet::comparable_name(field) == "dkim-signature";
  });
  signed_message.fields.insert(signed_message.fields.begin(), signature);
  const auto now = signet::parse_dkim_signature(signature.value, INT32_MAX).signed_at;
  require(now.has_value());
  const auto verdicts =
      signet::verify_message(signed_message, resolver(), std::nullopt, options, *now);
  require(verdicts.size() == 1 && verdicts[0].result == signet::DkimResult::pass);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Input input =
      read_input({reinterpret_cast<const char*>(data), std::min<size_t>(size, kMaxMessageOctets)});
  const Signatures native = sign(input, DkimEngine::native, kMaxMessageOctets);
  const size_t piece = 1 + size % 13;
  require(native == sign(input, DkimEngine::native, piece));
  for (const signet::HeaderField& field : native) require_pass(input.message, field);
  for (const signet::HeaderField& field : sign(input, DkimEngine::libopendkim, piece)) {
    require_pass(input.message, field);
  }
  return 0;
}
