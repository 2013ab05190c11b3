// SPDX-License-Identifier: BSD-2-Clause
//
// Messages, keys and signatures for the DKIM tests. sign_with() signs whatever tags it is given,
// also those that no signer would write: a signature that is refused must be refused for its tags,
// not because its cryptography is wrong.

#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/dkim_hash.h"
#include "crypto/dkim_signature.h"
#include "crypto/public_key.h"
#include "dns/base64.h"
#include "tests/support/zone_resolver.h"

namespace signet {

struct DkimTestMessage {
  std::vector<HeaderField> fields;
  std::string body;
};

/// LF line ends become CRLF; the first empty line ends the header.
inline DkimTestMessage parse_message(std::string_view text) {
  std::string wire;
  for (const char c : text) wire += c == '\n' ? std::string("\r\n") : std::string(1, c);
  DkimTestMessage message;
  const size_t end = wire.find("\r\n\r\n");
  message.body = wire.substr(end + 4);
  size_t start = 0;
  while (start < end + 2) {
    size_t line_end = wire.find("\r\n", start);
    while (wire[line_end + 2] == ' ' || wire[line_end + 2] == '\t') {
      line_end = wire.find("\r\n", line_end + 2);
    }
    const std::string field = wire.substr(start, line_end - start);
    const size_t colon = field.find(':');
    message.fields.push_back({field.substr(0, colon), field.substr(colon + 1)});
    start = line_end + 2;
  }
  return message;
}

/// CRLF line ends, any octets. Fields split as an MTA does it; no field without a name.
inline DkimTestMessage split_message(std::string_view text) {
  DkimTestMessage message;
  while (!text.empty() && !text.starts_with("\r\n")) {
    size_t end = text.find("\r\n");
    while (end != std::string_view::npos && end + 2 < text.size() &&
           (text[end + 2] == ' ' || text[end + 2] == '\t')) {
      end = text.find("\r\n", end + 2);
    }
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    const size_t colon = field.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    message.fields.push_back(
        {std::string(field.substr(0, colon)), std::string(field.substr(colon + 1))});
  }
  if (text.starts_with("\r\n")) message.body = text.substr(2);
  return message;
}

/// A private key and its type. Copyable.
struct DkimTestKey {
  std::shared_ptr<EVP_PKEY> key;
  DkimKeyType type = DkimKeyType::rsa;

  /// The record that publishes it; `tags` is put in front of p=.
  std::string record(std::string_view tags = "") const {
    unsigned char* der = nullptr;
    std::string octets(32, '\0');
    size_t size = octets.size();
    if (type == DkimKeyType::ed25519) {
      EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(octets.data()),
                                  &size);
    } else {
      const int length = i2d_PUBKEY(key.get(), &der);
      octets.assign(reinterpret_cast<char*>(der), static_cast<size_t>(length));
      OPENSSL_free(der);
    }
    return "v=DKIM1; k=" + std::string(to_string(type)) + "; " + std::string(tags) +
           "p=" + encode_base64(octets);
  }
};

inline DkimTestKey make_test_key(EVP_PKEY* key, DkimKeyType type) {
  if (key == nullptr) throw std::runtime_error("the test's key is broken");
  return DkimTestKey{std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free), type};
}

inline DkimTestKey key_from_pem(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return make_test_key(key, DkimKeyType::rsa);
}

/// The keys of RFC 8463 A.1: 1024 bit RSA, and Ed25519.
inline constexpr const char* kRfc8463RsaPem =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";

inline DkimTestKey rsa_test_key() { return key_from_pem(kRfc8463RsaPem); }

inline DkimTestKey ed25519_test_key() {
  const std::string secret = *decode_base64("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  return make_test_key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                   reinterpret_cast<const unsigned char*>(secret.data()), 32),
      DkimKeyType::ed25519);
}

/// The same key as PKCS#8 PEM, as SigningKey reads it.
inline std::string pem_of(const DkimTestKey& key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, key.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

inline std::string body_hash_of(std::string_view body, Canonicalization canonicalization,
                                std::optional<uint64_t> length = std::nullopt) {
  BodyHashes hashes;
  const size_t index = hashes.add(canonicalization, length);
  hashes.update(body);
  hashes.finish();
  return hashes.hash(index);
}

inline std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// Signs `message` with these tags; {bh} stands for the right hash of the body, and "b=" is put at
/// the end. How it hashes is taken from `like`, which names c=, h= and l= in plain words.
struct DkimTestHashing {
  Canonicalization header = Canonicalization::relaxed;
  Canonicalization body = Canonicalization::relaxed;
  std::vector<std::string> fields = {"from", "to", "subject", "date"};
  std::optional<uint64_t> length;
  std::string b_tag = "b=";
};
inline HeaderField sign_with(const DkimTestMessage& message, std::string_view tags,
                             const DkimTestKey& key, const DkimTestHashing& like = {}) {
  const std::string hash = body_hash_of(message.body, like.body, like.length);
  HeaderField field{
      "DKIM-Signature",
      replace_all(" " + std::string(tags), "{bh}", encode_base64(hash)) + "; " + like.b_tag};
  DkimSignature signature;
  signature.header_canonicalization = like.header;
  signature.signed_fields = like.fields;
  const std::string data = header_hash(message.fields, signature, field);
  field.value += encode_base64(sign_hash(key.key.get(), key.type, data));
  return field;
}

/// "fail body hash differs", or "pass".
inline std::string words(const DkimVerdict& verdict) {
  return std::string(to_string(verdict.result)) +
         (verdict.reason.empty() ? "" : " " + verdict.reason);
}

inline constexpr std::chrono::sys_seconds kTestNow{std::chrono::seconds(1'750'000'000)};

inline std::optional<Name> test_name(std::string_view text) { return *parse_domain(text); }

/// What the verifier says; the body goes in pieces of `piece` octets.
inline std::vector<DkimVerdict> verify_message(const DkimTestMessage& message, Resolver& resolver,
                                               const std::optional<Name>& author = std::nullopt,
                                               const DkimVerifyOptions& options = {},
                                               std::chrono::sys_seconds now = kTestNow,
                                               size_t piece = 1 << 20,
                                               DkimEngine engine = DkimEngine::native) {
  auto budget = std::make_shared<LookupBudget>(
      std::chrono::steady_clock::now() + std::chrono::seconds(10), 204);
  const auto verifier = make_dkim_verifier(engine, options, resolver, budget);
  for (const HeaderField& field : message.fields) verifier->header(field);
  verifier->end_of_headers(author);
  for (size_t i = 0; i < message.body.size(); i += piece) {
    verifier->body(std::string_view(message.body).substr(i, piece));
  }
  return verifier->finish(now);
}

/// A zone with one record; strings longer than 255 octets are cut as the DNS wants it.
inline std::string txt_record(std::string_view name, std::string_view text) {
  std::string line = std::string(name) + ". 60 IN TXT (";
  for (size_t i = 0; i < text.size() || i == 0; i += 200) {
    line += " \"" + std::string(text.substr(i, 200)) + "\"";
  }
  return replace_all(line, ";", "\\;") + " )\n";
}

}  // namespace signet
