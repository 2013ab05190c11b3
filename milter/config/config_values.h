// SPDX-License-Identifier: BSD-2-Clause
//
// The shapes a configuration value can have: times, numbers, choices, paths, lists and so on. A
// parser takes the text after the keyword and gives the value, or an Error of the form
// `want ..., got "..."`; a printer writes a value back as the file would have it. What the values
// are for is in config_options.cc.

#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/ip.h"
#include "dns/result.h"

namespace signet {

/// `want WHAT, got "GOT"`.
Error unwanted(std::string_view what, std::string_view got);

/// Both ends belong to the range.
template <class T>
struct Range {
  T least;
  T most;
};

/// A time: `5`, `5s` (seconds), `500ms`, `2m`, `1h`, `7d`.
Result<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                 Range<std::chrono::milliseconds> range);
/// As parse_duration, but no fractions of a second.
Result<std::chrono::seconds> parse_seconds(std::string_view text,
                                           Range<std::chrono::milliseconds> range);
/// The shortest writing: 120000 ms is `2m`.
std::string print_duration(std::chrono::milliseconds time);

Result<int> parse_integer(std::string_view text, Range<int> range);

/// Permission bits in octal: `0660`.
Result<int> parse_mode(std::string_view text);
std::string print_mode(int mode);

/// A word that stands for a value.
template <class T>
struct Choice {
  std::string_view word;
  T value;
};

/// The words of a choice joined with '|'.
template <class T>
std::string words_of(std::span<const Choice<T>> choices) {
  std::string words;
  for (const Choice<T>& choice : choices) {
    if (!words.empty()) words += '|';
    words += choice.word;
  }
  return words;
}

/// Exactly an absolute path that a file can have.
Result<std::string> parse_path(std::string_view text);

/// `local:PATH`, `inet:PORT@HOST` or `inet6:PORT@HOST`, as libmilter understands it. `unix:PATH`
/// becomes `local:PATH`.
Result<std::string> parse_socket(std::string_view text);

/// `USER` or `USER:GROUP`; whether they exist is not looked at.
Result<std::string> parse_user(std::string_view text);

/// A syslog facility, in lower case.
Result<std::string> parse_facility(std::string_view text);

/// A domain or another MIME token (RFC 8601 2.5); U-labels become A-labels. The word HOSTNAME
/// gives "", which stands for this host's name.
Result<std::string> parse_authserv_id(std::string_view text);

/// The labels before `._domainkey.` (RFC 6376 3.1), lower case.
Result<std::string> parse_selector(std::string_view text);

/// A {daemon_name}: printable ASCII without comma and space.
Result<std::string> parse_listener(std::string_view text);

/// `PATH`, or `refile:PATH` for a table of patterns, as OpenDKIM has it; `file:PATH` is PATH.
Result<std::string> parse_signing_table(std::string_view text);
/// `PATH` or `file:PATH`.
Result<std::string> parse_table_path(std::string_view text);

/// Printable ASCII, in which the words {domain} and {reason} are filled in for each reply.
Result<std::string> parse_reject_text(std::string_view text);

/// RFC 5322 2.2: printable US-ASCII without the colon.
Result<std::string> parse_field_name(std::string_view text);

/// `ADDRESS` or `ADDRESS@PORT`.
Result<std::string> parse_nameserver(std::string_view text);

/// A lone address is written without its prefix length.
std::string print_network(const IpNetwork& network);

/// Splits a list at commas, spaces and tabs, and gives each entry to `take`. An entry that begins
/// with `/` or `file:` is a file with one entry a line and `#` comments; it is read here. All that
/// is wrong comes back in one Error, entries from a file with `FILE:LINE: ` before them.
Result<bool> for_each_entry(std::string_view text,
                            const std::function<Result<bool>(std::string_view)>& take);

/// Takes `#` and what follows off a line, if it stands first or behind white space, and the white
/// space round the rest.
std::string_view without_comment(std::string_view line);

/// True if the line holds a control octet other than tab, or is longer than kMaxConfigLine.
/// A carriage return is one; take it off before.
bool is_unreadable_line(std::string_view line);

inline constexpr size_t kMaxConfigLine = 8192;
inline constexpr size_t kMaxConfigFile = size_t{1024} * 1024;

/// Calls `line(number, text)` for each line, numbered from 1, without its LF or CRLF; a UTF-8
/// byte order mark at the start is skipped.
void for_each_line(std::string_view text, const std::function<void(int, std::string_view)>& line);

}  // namespace signet
