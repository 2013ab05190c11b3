// SPDX-License-Identifier: BSD-2-Clause
//
// One pass over the header, line by line; the body is converted each time it is read.

#include "milter/command/message_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "dns/name.h"
#include "milter/log.h"

namespace signet {
namespace {

constexpr size_t kPieceOctets = size_t{64} * 1024;

bool is_white(char c) { return c == ' ' || c == '\t'; }

/// Where the colon after the field's name stands, or npos if this line begins no field. RFC 5322
/// 2.2: a name is printable US-ASCII; 4.5: white space may follow it.
size_t find_colon(std::string_view line) {
  size_t at = 0;
  while (at < line.size() && line[at] > ' ' && line[at] < 127 && line[at] != ':') ++at;
  if (at == 0) return std::string_view::npos;
  while (at < line.size() && is_white(line[at])) ++at;
  return at < line.size() && line[at] == ':' ? at : std::string_view::npos;
}

/// "From alice@example.org Mon Nov 23 12:00:00 2026", and not the field "From : ...".
bool is_mbox_separator(std::string_view line) {
  const bool begins = line.starts_with("From ") || line.starts_with(">From ");
  return begins && find_colon(line) == std::string_view::npos;
}

/// How often CR and LF stand alone.
struct LoneLineEnds {
  size_t cr = 0;
  size_t lf = 0;
};

LoneLineEnds count_lone_line_ends(std::string_view text) {
  LoneLineEnds count;
  for (size_t at = text.find_first_of("\r\n"); at != std::string_view::npos;
       at = text.find_first_of("\r\n", at + 1)) {
    if (text[at] == '\n') {
      ++count.lf;
    } else if (at + 1 < text.size() && text[at + 1] == '\n') {
      ++at;
    } else {
      ++count.cr;
    }
  }
  return count;
}

Result<std::string> read_all(std::istream& from) {
  std::string octets;
  std::array<char, kPieceOctets> piece{};
  while (from) {
    from.read(piece.data(), piece.size());
    octets.append(piece.data(), static_cast<size_t>(from.gcount()));
    if (octets.size() > kMaxMessageFileOctets) {
      return Error{
          fmt::format("want a message of at most {} octets, got more", kMaxMessageFileOctets)};
    }
  }
  if (from.bad()) return Error{fmt::format("cannot read it: {}", std::strerror(errno))};
  return octets;
}

Result<std::string> read_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Error{"is a directory; name a file with one message, or - for the standard input"};
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{fmt::format("cannot open it: {}", std::strerror(errno))};
  return read_all(file);
}

}  // namespace

/// Reads the header of one file.
class MessageFileParser {
 public:
  explicit MessageFileParser(std::string octets) { message_.octets_ = std::move(octets); }

  Result<MessageFile> parse() && {
    skip_separators();
    read_header();
    if (message_.fields_.size() > kMaxMessageFileFields) {
      return Error{fmt::format("want at most {} header fields, got more", kMaxMessageFileFields)};
    }
    remark_on_body();
    return std::move(message_);
  }

 private:
  struct Line {
    std::string_view text;  ///< without its line end
    bool has_lf = false;    ///< false: the file ends here
    bool has_cr = false;    ///< before the LF
    size_t next = 0;        ///< where the next line begins
  };

  bool at_end() const { return at_ >= message_.octets_.size(); }

  Line peek() const {
    const std::string_view rest = std::string_view(message_.octets_).substr(at_);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {rest, false, false, message_.octets_.size()};
    const bool cr = end > 0 && rest[end - 1] == '\r';
    return {rest.substr(0, cr ? end - 1 : end), true, cr, at_ + end + 1};
  }

  void advance(const Line& line) {
    at_ = line.next;
    ++line_number_;
  }

  void skip_separators() {
    while (!at_end() && is_mbox_separator(peek().text)) {
      in_mbox_ = true;
      advance(peek());
    }
    message_.header_start_ = at_;
  }

  void read_header() {
    // With no header line at all the first line of the body tells.
    const Line first = peek();
    message_.on_the_wire_ = first.has_cr || !first.has_lf;
    while (!at_end() && message_.fields_.size() <= kMaxMessageFileFields) {
      const Line line = peek();
      if (line.has_lf && !line.has_cr && is_header_line(line.text)) message_.on_the_wire_ = false;
      if (line.text.empty() && line.has_lf) {
        advance(line);
        break;
      }
      if (!add_header_line(line.text)) {
        remark(fmt::format("line {} is no header field: the body begins there", line_number_));
        break;
      }
      advance(line);
      if (at_end()) remark("the file ends within the header: the body is empty");
    }
    message_.body_start_ = at_;
  }

  /// Not the first line of a body that follows without an empty line.
  bool is_header_line(std::string_view text) const {
    if (text.empty()) return true;
    return is_white(text.front()) ? !message_.fields_.empty()
                                  : find_colon(text) != std::string_view::npos;
  }

  bool add_header_line(std::string_view text) {
    if (!is_header_line(text)) return false;
    if (is_white(text.front())) {
      message_.fields_.back().value.append("\r\n").append(text);
      return true;
    }
    const size_t colon = find_colon(text);
    message_.fields_.push_back(
        {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))});
    return true;
  }

  void remark_on_body() {
    const std::string_view body = std::string_view(message_.octets_).substr(message_.body_start_);
    const LoneLineEnds lone = count_lone_line_ends(body);
    if (lone.cr > 0) remark(fmt::format("the body holds {} CR without LF, kept", lone.cr));
    if (lone.lf > 0 && message_.on_the_wire_) {
      remark(fmt::format("the body holds {} LF without CR, kept as the header has CRLF", lone.lf));
    }
    if (!in_mbox_) return;
    if (body.find("\nFrom ") != std::string_view::npos) {
      remark("a line of the body begins with \"From \": more than one message in this mbox?");
    }
    if (body.starts_with(">From ") || body.find("\n>From ") != std::string_view::npos) {
      remark("a line of the body begins with \">From \": it may have been signed without the >");
    }
  }

  void remark(std::string text) { message_.remarks_.push_back(std::move(text)); }

  MessageFile message_;
  size_t at_ = 0;
  size_t line_number_ = 1;
  bool in_mbox_ = false;
};

Result<MessageFile> MessageFile::parse(std::string octets) {
  return MessageFileParser(std::move(octets)).parse();
}

Result<MessageFile> MessageFile::load(const std::string& path, std::istream& standard_input) {
  const bool standard = path == "-";
  Result<std::string> octets = standard ? read_all(standard_input) : read_file(path);
  const std::string name = standard ? "standard input" : log_value(path);
  if (!octets) return Error{fmt::format("{}: {}", name, octets.error())};
  Result<MessageFile> message = parse(*std::move(octets));
  if (!message) return Error{fmt::format("{}: {}", name, message.error())};
  return message;
}

std::vector<std::string> MessageFile::values_of(std::string_view name) const {
  std::vector<std::string> values;
  for (const HeaderField& field : fields_) {
    if (is_named(field, name)) values.push_back(field.value);
  }
  return values;
}

void MessageFile::read_body(const OctetSink& sink) const {
  std::string_view rest = std::string_view(octets_).substr(body_start_);
  std::string converted;
  char previous = '\0';
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, kPieceOctets);
    rest.remove_prefix(piece.size());
    if (on_the_wire_) {
      sink(piece);
      continue;
    }
    converted.clear();
    for (const char c : piece) {
      if (c == '\n' && previous != '\r') converted += '\r';
      converted += c;
      previous = c;
    }
    sink(converted);
  }
}

}  // namespace signet
