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
  std::string method;   ///< "spf", "dkim", "dmarc", "auth"
  std::string result;   ///< the RFC's word
  std::string comment;  ///< raw, may be empty; goes into parentheses
  std::string reason;   ///< raw, may be empty; goes into reason="..."
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
/// octets are cut; control octets and malformed UTF-8 become "?". A method too long for a line
/// (800 octets) goes on in the next.
std::string to_string(const AuthResults& results);

/// Outside data for a field of ours, such as Received-SPF: as a comment, as a quoted-string.
/// Nothing in it ends either; octets no field may hold become "?", and 255 octets are kept at most.
std::string field_comment(std::string_view raw);
std::string field_quoted_string(std::string_view raw);

/// True if a received Authentication-Results body must be removed because some reader could take
/// it for one of this authserv-id (RFC 8601 5): the id is equal but for case, U-labels or a final
/// dot; quoted or not, with quoted pairs, folding or comments around or inside it, with a version
/// or /job after it; or the id stands anywhere before the first ";"; or the field is damaged (it
/// is not even what reads_as_auth_results() forgives) and the id occurs anywhere in it. Before
/// the first ";" an encoded-word, and 1 KiB of anything, are reason enough. An id that ours is
/// only a part of (notexample.com, mx.example.com for example.com) is foreign.
bool claims_authserv_id(std::string_view field_body, std::string_view authserv_id);

/// True if the body names a version of the field other than 1. RFC 8601 5: such a field MUST be
/// removed too, whoever's id it bears, unless it came from a trusted internal MTA.
bool has_unknown_version(std::string_view field_body);

/// Strict parser of RFC 8601 2.2, for tests and tools. Of several comments in a method the one
/// behind the result is kept; version numbers other than 1 are errors.
Result<AuthResults> parse_auth_results(std::string_view field_body);

/// As parse_auth_results, but forgives what large sites get wrong: "/" and other marks in
/// unquoted values, properties without ptype, a ";" at the end, any version.
bool reads_as_auth_results(std::string_view field_body);

}  // namespace signet
