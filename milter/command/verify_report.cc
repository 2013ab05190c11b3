// SPDX-License-Identifier: BSD-2-Clause
//
// Words for each part of an explanation. Whatever comes from the message or the DNS passes
// log_value(), printable_ascii() or VisibleOctets on its way out.

#include "milter/command/verify_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "dns/base64.h"
#include "milter/command/shown.h"
#include "milter/log.h"

namespace signet {
namespace {

using nlohmann::ordered_json;

/// Writes octets so that none is lost from sight: printable ASCII as it is, but `\\` for a
/// backslash; `\r`, `\n`, `\t` and `\xNN` for others. A line begins with `    |` and ends after a
/// CRLF.
class VisibleOctets {
 public:
  explicit VisibleOctets(std::ostream& out) : out_(out) {}

  void write(std::string_view octets) {
    for (const char c : octets) {
      if (at_line_start_) text_ += "    |";
      at_line_start_ = false;
      text_ += escaped(c);
      if (c == '\n' && previous_ == '\r') end_line();
      previous_ = c;
    }
    flush();
  }
  /// After the last octet.
  void finish() {
    if (!at_line_start_) end_line();
    flush();
  }

 private:
  static std::string escaped(char c) {
    if (c == '\r') return "\\r";
    if (c == '\n') return "\\n";
    if (c == '\t') return "\\t";
    if (c == '\\') return "\\\\";
    if (c >= ' ' && c <= '~') return {c};
    return fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  void end_line() {
    text_ += '\n';
    at_line_start_ = true;
  }
  void flush() {
    out_ << text_;
    text_.clear();
  }

  std::ostream& out_;
  std::string text_;
  bool at_line_start_ = true;
  char previous_ = '\0';
};

std::string in_parentheses(std::string_view reason) {
  return reason.empty() ? std::string() : fmt::format(" ({})", shown(reason));
}

/// Reasons differ from engine to engine; the results must not.
bool agree(const DkimVerdict& one, const DkimVerdict& other) { return one.result == other.result; }

// -- Text --

std::string heading(const DkimVerdict& verdict, size_t number, size_t count) {
  std::string text =
      fmt::format("{}: signature {} of {}", to_string(verdict.result), number, count);
  if (!verdict.domain.is_root()) text += fmt::format(" by {}", log_value(verdict.domain.text()));
  return text + in_parentheses(verdict.reason) + "\n";
}

std::string tags_text(const DkimSignature& tags) {
  std::string text;
  const auto add = [&](std::string_view tag, std::string_view value) {
    if (!value.empty()) text += fmt::format(" {}={}", tag, log_value(value));
  };
  add("a", tags.algorithm);
  add("d", tags.domain.is_root() ? "" : tags.domain.text());
  add("s", tags.selector);
  add("i", tags.identity);
  if (tags.refusal) return text.empty() ? text : "  tags:" + text + "\n";
  add("c", fmt::format("{}/{}", to_string(tags.header_canonicalization),
                       to_string(tags.body_canonicalization)));
  if (tags.body_length) add("l", std::to_string(*tags.body_length));
  text = "  tags:" + text + "\n";
  if (tags.signed_at) text += fmt::format("  signed (t=): {}\n", utc_time(*tags.signed_at));
  if (tags.expires_at) text += fmt::format("  expires (x=): {}\n", utc_time(*tags.expires_at));
  return text;
}

std::string key_text(const SignatureExplanation& signature) {
  const std::string name = log_value(signature.tags.key_name.text());
  if (!signature.key) return fmt::format("  key: {}: not asked for\n", name);
  const KeyExplanation& key = *signature.key;
  std::string text = fmt::format("  key: {}", name);
  if (key.type) {
    text += fmt::format(": {}, {} bits", to_string(*key.type), key.bits);
    if (key.testing) text += ", t=y (testing)";
    if (key.strict_identity) text += ", t=s (i= must be in d= itself)";
    if (key.answer.authenticated) text += ", DNSSEC";
  }
  text += '\n';
  if (key.problem.empty()) return text;
  text += fmt::format("    problem: {}\n", shown(key.problem));
  for (const std::string& record : key.answer.texts) {
    text += fmt::format("    TXT {}\n", log_quoted(record));
  }
  return text;
}

std::string place_text(const SignedName& name) {
  if (name.field == nullptr && name.present == 0) return "not there, so none can be added";
  if (name.field == nullptr) return "no further one, so none can be added";
  if (name.present == 1) return "the only one";
  return fmt::format("number {} of {}", name.occurrence, name.present);
}

std::string names_text(const SignatureExplanation& signature) {
  std::string text = "  header fields hashed, in this order (h=):\n";
  for (const SignedName& name : signature.names) {
    text += fmt::format("    {:<26}  {}\n", log_value(name.name), place_text(name));
  }
  return text;
}

std::string body_text(const SignatureExplanation& signature) {
  const BodyExplanation& body = *signature.body;
  const bool equal = body.computed_hash == signature.tags.body_hash;
  return fmt::format(
      "  body: {} octets hashed, {} unsigned; the hash {}\n"
      "    computed      {}\n"
      "    claimed (bh=) {}\n",
      body.hashed_octets, body.unsigned_octets(), equal ? "is as claimed" : "differs",
      encode_base64(body.computed_hash), encode_base64(signature.tags.body_hash));
}

void write_canonical(const MessageFile& message, const SignatureExplanation& signature,
                     std::ostream& out) {
  out << "  canonical header:\n";
  VisibleOctets header(out);
  header.write(canonical_header(signature));
  header.finish();
  out << "  canonical body:\n";
  VisibleOctets body(out);
  read_canonical_body(message, signature, [&](std::string_view octets) { body.write(octets); });
  body.finish();
}

/// Whether there is a verdict of the other engine for each of this one.
bool comparable(const VerifyFindings& findings) {
  return findings.second_opinion && findings.second_opinion->size() == findings.verdicts.size();
}

std::string opinion_text(const VerifyFindings& findings, size_t index) {
  if (!findings.second_opinion) return {};
  const std::string_view engine = to_string(other_engine(findings.engine));
  if (!comparable(findings)) return fmt::format("  {}: no verdict on this signature\n", engine);
  const DkimVerdict& other = (*findings.second_opinion)[index];
  return fmt::format("  {} {}: {}{}\n", engine,
                     agree(findings.verdicts[index], other) ? "agrees" : "differs",
                     to_string(other.result), in_parentheses(other.reason));
}

// -- JSON --

ordered_json time_json(const std::optional<std::chrono::sys_seconds>& time) {
  return time ? ordered_json(utc_time(*time)) : ordered_json(nullptr);
}

ordered_json key_json(const SignatureExplanation& signature) {
  ordered_json json = {{"name", signature.tags.key_name.text()}};
  if (!signature.key) return json;
  const KeyExplanation& key = *signature.key;
  json["dns"] = to_string(key.answer.status);
  json["dnssec"] = key.answer.authenticated;
  json["records"] = key.answer.texts;
  json["type"] = key.type ? ordered_json(to_string(*key.type)) : ordered_json(nullptr);
  json["bits"] = key.bits;
  json["testing"] = key.testing;
  json["strict_identity"] = key.strict_identity;
  json["problem"] = key.problem;
  return json;
}

ordered_json names_json(const SignatureExplanation& signature) {
  ordered_json json = ordered_json::array();
  for (const SignedName& name : signature.names) {
    const bool there = name.field != nullptr;
    json.push_back({{"name", name.name},
                    {"occurrence", there ? ordered_json(name.occurrence) : ordered_json(nullptr)},
                    {"present", name.present}});
  }
  return json;
}

ordered_json body_json(const SignatureExplanation& signature) {
  const BodyExplanation& body = *signature.body;
  return {{"hash_claimed", encode_base64(signature.tags.body_hash)},
          {"hash_computed", encode_base64(body.computed_hash)},
          {"octets_hashed", body.hashed_octets},
          {"octets_unsigned", body.unsigned_octets()}};
}

ordered_json canonical_json(const MessageFile& message, const SignatureExplanation& signature) {
  std::string body;
  read_canonical_body(message, signature, [&](std::string_view octets) { body += octets; });
  return {{"header", encode_base64(canonical_header(signature))}, {"body", encode_base64(body)}};
}

ordered_json verdict_json(const DkimVerdict& verdict) {
  return {{"result", to_string(verdict.result)}, {"reason", verdict.reason}};
}

void add_explanation(const MessageFile& message, const SignatureExplanation& signature,
                     bool show_canonical, ordered_json& json) {
  const DkimSignature& tags = signature.tags;
  if (tags.refusal) return;
  json["canonicalization"] = {{"header", to_string(tags.header_canonicalization)},
                              {"body", to_string(tags.body_canonicalization)}};
  json["length"] = tags.body_length ? ordered_json(*tags.body_length) : ordered_json(nullptr);
  json["signed_at"] = time_json(tags.signed_at);
  json["expires_at"] = time_json(tags.expires_at);
  json["key"] = key_json(signature);
  json["header_fields"] = names_json(signature);
  json["body"] = body_json(signature);
  if (show_canonical) json["canonical"] = canonical_json(message, signature);
}

}  // namespace

DkimEngine other_engine(DkimEngine engine) {
  return engine == DkimEngine::native ? DkimEngine::libopendkim : DkimEngine::native;
}

std::string utc_time(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                     fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count())));
}

void write_text(const VerifyFindings& findings, const MessageFile& message, bool show_canonical,
                std::ostream& out) {
  for (const std::string& remark : message.remarks()) out << "note: " << remark << '\n';
  if (findings.verdicts.empty()) out << "none: there is no DKIM-Signature field\n";
  for (size_t i = 0; i < findings.verdicts.size(); ++i) {
    out << heading(findings.verdicts[i], i + 1, findings.verdicts.size());
    if (findings.explanations.empty()) {
      out << opinion_text(findings, i);
      continue;
    }
    const SignatureExplanation& signature = findings.explanations[i];
    out << tags_text(signature.tags) << opinion_text(findings, i);
    if (signature.tags.refusal) continue;
    out << key_text(signature) << names_text(signature) << body_text(signature);
    if (show_canonical) write_canonical(message, signature, out);
  }
}

void write_json(const VerifyFindings& findings, const MessageFile& message, bool show_canonical,
                std::ostream& out) {
  ordered_json json = {{"engine", to_string(findings.engine)},
                       {"line_ends", message.line_end() == "\n" ? "LF" : "CRLF"},
                       {"remarks", message.remarks()},
                       {"signatures", ordered_json::array()}};
  for (size_t i = 0; i < findings.verdicts.size(); ++i) {
    const DkimVerdict& verdict = findings.verdicts[i];
    ordered_json signature = verdict_json(verdict);
    signature["domain"] = verdict.domain.text();
    signature["selector"] = verdict.selector;
    signature["identity"] = verdict.identity;
    signature["algorithm"] = verdict.algorithm;
    if (!findings.explanations.empty()) {
      add_explanation(message, findings.explanations[i], show_canonical, signature);
    }
    if (comparable(findings)) {
      const DkimVerdict& other = (*findings.second_opinion)[i];
      signature["second_opinion"] = verdict_json(other);
      signature["second_opinion"]["engine"] = to_string(other_engine(findings.engine));
      signature["second_opinion"]["agrees"] = agree(verdict, other);
    }
    json["signatures"].push_back(std::move(signature));
  }
  // ASCII only: U+009B in raw UTF-8 is a control sequence to a terminal too.
  out << json.dump(2, ' ', true, ordered_json::error_handler_t::replace) << '\n';
}

}  // namespace signet
