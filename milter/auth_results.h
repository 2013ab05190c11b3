// SPDX-License-Identifier: BSD-2-Clause
//
// The Authentication-Results header field (RFC 8601): writing ours, and recognising those of
// others that claim to be ours. Values come from attackers; the writer quotes or replaces every
// octet that could end a token, a comment or the field. All functions are pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/result.h"

namespace signet {

/// One `ptype.property=value` (RFC 8601 2.3), such as smtp.mailfrom=alice@example.com.
struct AuthProperty {
  std::string ptype;     ///< "smtp", "header", "policy"
  std::string property;  ///< "mailfrom", "d", "from"
  std::string value;     ///< raw; the writer quotes it
  friend bool operator==(const AuthProperty&, const AuthProperty&) = default;
};

/// One `method=result (comment) reason="..." property...`.
struct AuthMethod {
  std::string method;    ///< "spf", "dkim", "dmarc", "auth"
  std::string result;    ///< the RFC's word
  std::string comment;   ///< raw, may be empty; goes into parentheses
  std::string reason;    ///< raw, may be empty; goes into reason="..."
  std::vector<AuthProperty> properties;
  friend bool operator==(const AuthMethod&, const AuthMethod&) = default;
};

/// A whole field body.
struct AuthResults {
  std::string authserv_id;
  std::vector<AuthMethod> methods;  ///< empty: "none"
  friend bool operator==(const AuthResults&, const AuthResults&) = default;
};

/// The field body for insertion: leading space, one method per line, folded with "\r\n\t", no
/// final line end, printable ASCII (and UTF-8 in values that need it, RFC 8616). Values over 255
/// octets are cut.
std::string to_string(const AuthResults& results);

/// True if a received Authentication-Results body must be removed because it claims this
/// authserv-id (RFC 8601 5): equal but for case, quoted or not, behind comments and folding, with
/// a version or /job after it; or it does not parse and our id occurs anywhere in it.
bool claims_authserv_id(std::string_view field_body, std::string_view authserv_id);

/// Strict parser of RFC 8601 2.2, for tests and tools.
Result<AuthResults> parse_auth_results(std::string_view field_body);

}  // namespace signet
