// SPDX-License-Identifier: BSD-2-Clause
//
// The table of known differences.

#include "tests/support/dkim_differences.h"

#include <fmt/format.h>

#include <algorithm>

namespace signet {
namespace {

using enum OddFeature;
using enum DkimParty;
using enum DkimScope;
using enum WhoIsRight;

/// A bare CR or LF is no line end (RFC 5322 2.3), and white space is SP and HTAB alone (RFC 6376
/// 2.8): most rows are about a library that sees it otherwise. A row stands on two or three lines.
// clang-format off
const std::vector<DkimDifference> kDifferences = {
    {libopendkim, any, {nul_in_other_field}, "neutral a header field holds a NUL",
     "RFC 5322 2.2", either, "no field has a NUL, and the library would end its text there"},
    {libopendkim, any, {space_before_colon}, "neutral libopendkim could not read the header",
     "RFC 5322 4.5", we, "white space before the colon is obsolete, but must be read"},
    {libopendkim, relaxed_header, {bare_cr_in_field},
     "neutral libopendkim canonicalizes this header in its own way",
     "RFC 6376 3.4.2", we, "not asked, as the library takes a bare CR for white space"},
    {libopendkim, relaxed_header, {control_in_field},
     "neutral libopendkim canonicalizes this header in its own way",
     "RFC 6376 2.8", we, "not asked, as the library takes form feed and the like for white space"},
    {libopendkim, any, {bare_cr_in_body, bare_lf_in_body, cr_before_crlf},
     "neutral libopendkim canonicalizes this body in its own way",
     "RFC 6376 3.4.3", we, "a bare CR or LF is an octet like others"},
    {libopendkim, any, {many_signed_fields}, "policy h= is too long",
     "RFC 6376 5.4", we, "not asked, as the library loses names beyond 4 KiB of h="},

    {libopendkim_signer, any, {space_before_colon}, "left to OpenSSL",
     "RFC 5322 4.5", we, "the library does not read such a field"},
    {libopendkim_signer, relaxed_header, {bare_cr_in_field, control_in_field}, "left to OpenSSL",
     "RFC 6376 2.8", we, "the library's signature would be good for itself only"},
    {libopendkim_signer, any, {bare_cr_in_body, bare_lf_in_body, cr_before_crlf}, "left to OpenSSL",
     "RFC 6376 3.4.3", we, "the library's body hash would be its own"},
    {libopendkim_signer, any, {many_signed_fields}, "refuses: too many header fields to sign",
     "RFC 6376 5.4", we, "the library loses names beyond 4 KiB of h="},

    {dkimpy, any, {space_before_colon}, "fail MessageFormatError: Unexpected characters",
     "RFC 5322 4.5", we, "white space before the colon is obsolete, but must be read"},
    {dkimpy, any, {space_before_colon}, "fail the signature is wrong",
     "RFC 5322 4.5", we, "dkimpy takes `From :` for the first line of an mbox"},
    {dkimpy, any, {bare_lf_in_body}, "fail ValidationError: body hash mismatch",
     "RFC 5322 2.3", we, "dkimpy reads files with either line end, so a bare LF is one"},
    {dkimpy, relaxed_body, {no_final_crlf}, "fail ValidationError: body hash mismatch",
     "RFC 6376 3.4.4", we, "dkimpy keeps white space at the end of a last line without CRLF"},
    {dkimpy, relaxed_header, {bare_cr_in_field, control_in_field}, "fail the signature is wrong",
     "RFC 6376 2.8", we, "dkimpy takes CR, form feed and vertical tab at the ends for white space"},

    {mail_dkim, ed25519, {}, "fail invalid (unsupported algorithm ed25519-sha256)",
     "RFC 8463 3", we, "Debian's Mail::DKIM is older than Ed25519 for DKIM"},
    {mail_dkim, simple_body, {no_final_crlf}, "fail fail (body has been altered)",
     "RFC 6376 3.4.3", we, "Mail::DKIM leaves it to its caller to add the CRLF"},
    {mail_dkim, relaxed_header, {bare_cr_in_field, control_in_field},
     "fail fail (message has been altered)",
     "RFC 6376 2.8", we, "Mail::DKIM takes CR, form feed and vertical tab for white space"},
};
// clang-format on

bool is_about(DkimScope scope, const SignatureKind& kind) {
  switch (scope) {
    case any:
      return true;
    case ed25519:
      return kind.key == DkimKeyType::ed25519;
    case relaxed_header:
      return kind.header == Canonicalization::relaxed;
    case simple_body:
      return kind.body == Canonicalization::simple;
    case relaxed_body:
      return kind.body == Canonicalization::relaxed;
  }
  return false;
}

bool has_one_of(const OddMessage& message, const std::vector<OddFeature>& features) {
  return features.empty() || std::any_of(features.begin(), features.end(),
                                         [&](OddFeature feature) { return message.has(feature); });
}

}  // namespace

std::string_view to_string(DkimParty party) {
  constexpr std::string_view kNames[] = {"native", "libopendkim", "dkimpy", "Mail::DKIM",
                                         "libopendkim's signer"};
  return kNames[static_cast<size_t>(party)];
}

std::string_view to_string(WhoIsRight right) {
  switch (right) {
    case we:
      return "we are right";
    case they:
      return "they are right";
    case either:
      return "either is right";
  }
  return "";
}

std::span<const DkimDifference> dkim_differences() { return kDifferences; }

const DkimDifference* explain_difference(DkimParty party, const OddMessage& message,
                                         const SignatureKind& kind, std::string_view verdict) {
  for (const DkimDifference& row : kDifferences) {
    const bool fits = row.party == party && verdict.starts_with(row.said) &&
                      is_about(row.scope, kind) && has_one_of(message, row.features);
    if (fits) return &row;
  }
  return nullptr;
}

bool DkimVerdictCounts::take(DkimParty party, const OddMessage& message, const SignatureKind& kind,
                             std::string_view said) {
  if (said == "pass") {
    ++passes_[party];
    return true;
  }
  const DkimDifference* row = explain_difference(party, message, kind, said);
  if (row != nullptr) ++differences_[row];
  return row != nullptr;
}

void DkimVerdictCounts::add(const DkimVerdictCounts& other) {
  for (const auto& [party, number] : other.passes_) passes_[party] += number;
  for (const auto& [row, number] : other.differences_) differences_[row] += number;
}

uint64_t DkimVerdictCounts::passes(DkimParty party) const {
  const auto found = passes_.find(party);
  return found == passes_.end() ? 0 : found->second;
}

std::string DkimVerdictCounts::text() const {
  std::string text;
  for (const auto& [party, number] : passes_) {
    text += fmt::format("  {:>8} pass with {}\n", number, to_string(party));
  }
  for (const auto& [row, number] : differences_) {
    text +=
        fmt::format("  {:>8} known: {} says \"{}\": {}, {}, {}\n", number, to_string(row->party),
                    row->said, row->section, to_string(row->right), row->why);
  }
  return text;
}

}  // namespace signet
