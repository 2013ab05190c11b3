// SPDX-License-Identifier: BSD-2-Clause
//
// The three sinks, and the encoder for outside data. Its output is safe in three places at once: a
// key=value line (no bare space, no quote), a log file (no line end) and a terminal (no control
// sequence, C1 included).

#include "milter/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/sinks/systemd_sink.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dns/name.h"
#include "dns/utf8.h"

namespace signet {
namespace {

constexpr size_t kMaxLogValue = 256;

struct Facility {
  std::string_view name;
  int number;
};

constexpr std::array<Facility, 18> kFacilities = {{
    {"auth", LOG_AUTH},
    {"authpriv", LOG_AUTHPRIV},
    {"cron", LOG_CRON},
    {"daemon", LOG_DAEMON},
    {"ftp", LOG_FTP},
    {"lpr", LOG_LPR},
    {"mail", LOG_MAIL},
    {"news", LOG_NEWS},
    {"user", LOG_USER},
    {"uucp", LOG_UUCP},
    {"local0", LOG_LOCAL0},
    {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4},
    {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6},
    {"local7", LOG_LOCAL7},
}};

bool is_plain_octet(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet >= 0x20 && (octet < 0x7f || octet > 0x9f) && c != '"' && c != '\\';
}

bool is_plain_ascii(char c) { return is_plain_octet(c) && static_cast<unsigned char>(c) < 0x80; }

std::string escape(std::string_view raw) {
  // Nearly all values are nothing else.
  const std::string_view start = raw.substr(0, kMaxLogValue);
  if (std::all_of(start.begin(), start.end(), is_plain_ascii)) return std::string(start);
  std::string out;
  out.reserve(raw.size());
  for (size_t at = 0; at < raw.size();) {
    const size_t known = utf8_length(raw.substr(at));
    const size_t length = known == 0 ? 1 : known;
    if (at + length > kMaxLogValue) break;
    const std::string_view character = raw.substr(at, length);
    if (known != 0 && std::all_of(character.begin(), character.end(), is_plain_octet)) {
      out += character;
    } else {
      for (const char c : character) out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
    at += length;
  }
  return out;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

/// The level as a number of syslog, for the journal: a line on stderr may begin with `<6>`
/// (sd-daemon(3)).
class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& line) override {
    const char digit = message.level >= spdlog::level::err    ? '3'
                       : message.level >= spdlog::level::warn ? '4'
                       : message.level >= spdlog::level::info ? '6'
                                                              : '7';
    line.push_back(digit);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }
};

/// systemd.exec(5): $JOURNAL_STREAM holds device and inode of the stream to the journal; if stderr
/// is something else by now they differ.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

spdlog::sink_ptr make_sink(LogTarget target, int facility) {
  const std::string ident{kLogIdent};
  switch (target) {
    case LogTarget::syslog:
      return std::make_shared<spdlog::sinks::syslog_sink_mt>(ident, LOG_PID, facility, false);
    case LogTarget::journald:
      return std::make_shared<spdlog::sinks::systemd_sink_mt>(ident);
    case LogTarget::stderr_:
      break;
  }
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PriorityFlag>('*');
  formatter->set_pattern(stderr_is_journal() ? "<%*>%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  sink->set_formatter(std::move(formatter));
  return sink;
}

}  // namespace

std::optional<int> parse_syslog_facility(std::string_view name) {
  for (const Facility& facility : kFacilities) {
    if (equals_ignoring_case(facility.name, name)) return facility.number;
  }
  return std::nullopt;
}

Result<std::shared_ptr<spdlog::logger>> make_logger(const Config& config, bool foreground) {
  const std::optional<int> facility = parse_syslog_facility(config.syslog_facility);
  if (!facility) {
    return Error{fmt::format("no such syslog facility: {}", log_quoted(config.syslog_facility))};
  }
  const LogTarget target = foreground ? LogTarget::stderr_ : config.log_target;
  auto logger =
      std::make_shared<spdlog::logger>(std::string{kLogIdent}, make_sink(target, *facility));
  set_log_level(*logger, config.log_level);
  return logger;
}

void set_log_level(spdlog::logger& logger, LogLevel level) {
  logger.set_level(spdlog_level(level));
}

std::string log_value(std::string_view raw) {
  const std::string value = escape(raw);
  const bool quote = value.empty() || value.find(' ') != std::string::npos;
  return quote ? '"' + value + '"' : value;
}

std::string log_quoted(std::string_view raw) { return '"' + escape(raw) + '"'; }

}  // namespace signet
