// SPDX-License-Identifier: BSD-2-Clause
//
// Outside data through every encoder on its way out: a reply, a log line, a comment, a quoted
// string, Received-SPF. Whatever it is, nothing ends the place it was put into, and nothing that a
// terminal, a log or an MTA obeys is left of it.

#include <algorithm>
#include <cstdint>

#include "dns/utf8.h"
#include "milter/action.h"
#include "milter/field/auth_results.h"
#include "milter/field/field_lexer.h"
#include "milter/field/received_spf.h"
#include "milter/log.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// No control octet, C0, DEL or C1, and well-formed UTF-8.
bool is_harmless(std::string_view text) {
  while (!text.empty()) {
    const size_t length = signet::utf8_length(text);
    if (length == 0) return false;
    const auto octet = static_cast<unsigned char>(text[0]);
    const auto next = static_cast<unsigned char>(length == 2 ? text[1] : 0);
    if (octet < 0x20 || octet == 0x7f || (octet == 0xc2 && next < 0xa0)) return false;
    text.remove_prefix(length);
  }
  return true;
}

void check_reply(std::string_view raw) {
  const std::string text = signet::reply_text(raw);
  require(is_printable(text) && text.size() == std::min<size_t>(raw.size(), 400));
  const std::string doubled = signet::milter_reply_text(text);
  const auto percents = std::ranges::count(text, '%');
  require(std::ranges::count(doubled, '%') == 2 * percents);
  require(doubled.size() == text.size() + static_cast<size_t>(percents));
}

/// A reader of key=value pairs splits at spaces, but not within quotes.
void check_log(std::string_view raw) {
  const std::string value = signet::log_value(raw);
  const std::string quoted = signet::log_quoted(raw);
  require(is_harmless(value) && is_harmless(quoted) && !value.empty());
  require(std::ranges::count(quoted, '"') == 2 && quoted.front() == '"' && quoted.back() == '"');
  require(value == quoted || '"' + value + '"' == quoted);
  require(value.front() == '"' || value.find(' ') == std::string::npos);
  require(quoted.size() <= 4 * 256 + 2);
}

void check_field_parts(std::string_view raw) {
  const std::string comment = signet::field_comment(raw);
  signet::FieldLexer comment_lexer(comment);
  require(comment_lexer.comment() && comment_lexer.at_end() && is_harmless(comment));
  const std::string quoted = signet::field_quoted_string(raw);
  signet::FieldLexer quoted_lexer(quoted);
  require(quoted_lexer.quoted_string() && quoted_lexer.at_end() && is_harmless(quoted));
}

/// RFC 7208 9.1, and lines of at most 998 octets (RFC 5322 2.1.1).
void check_received_spf(std::string_view raw, uint8_t choice) {
  signet::ReceivedSpf field;
  field.verdict.result = static_cast<signet::SpfResult>(choice % 7);
  for (std::string* text : {&field.verdict.identity, &field.verdict.problem,
                            &field.verdict.mechanism, &field.helo, &field.mail_from}) {
    *text = raw;
  }
  field.receiver = "mx.example.org";
  const std::string text = signet::to_string(field);
  std::string_view body = text;
  require(body.starts_with(' '));
  while (!body.empty()) {
    const size_t end = std::min(body.find("\r\n"), body.size());
    require(end <= 998 && (body[0] == ' ' || body[0] == '\t') &&
            is_harmless(body.substr(1, end - 1)));
    body.remove_prefix(std::min(end + 2, body.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  check_reply(raw);
  check_log(raw);
  check_field_parts(raw);
  check_received_spf(raw, size == 0 ? uint8_t{0} : data[0]);
  return 0;
}
