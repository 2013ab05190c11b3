// SPDX-License-Identifier: BSD-2-Clause
//
// The table of options: one row each. Whoever adds an option adds a member to Config and a row
// here, then regenerates the sample configuration and the manual page (CONTRIBUTING.md).

#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "dns/result.h"
#include "milter/config/config.h"

namespace signet {

/// One keyword of signet.conf.
struct ConfigOption {
  std::string_view group;    ///< heading in the sample configuration: "The DNS"
  std::string_view keyword;  ///< as written in the file: "DNSTimeout"
  std::string value;         ///< the shape of the value for people: "TIME", "yes|no"
  std::string_view help;     ///< plain text, one or more full sentences
  /// Reads a value into the config; the Error says what was wanted and what was found.
  std::function<Result<bool>(Config&, std::string_view value)> set;
  /// The value a config has, written as the file would have it; empty for an empty string or list.
  std::function<std::string(const Config&)> get;
};

/// All options, groups together, in the order of the sample configuration.
std::span<const ConfigOption> config_options();

/// The option with this keyword (ASCII case is ignored), or nullptr.
const ConfigOption* find_option(std::string_view keyword);

/// The keyword nearest to a misspelled one (at most two slips), or "" if none is near.
std::string_view nearest_keyword(std::string_view keyword);

/// What Signet has instead of an option that OpenDKIM or OpenDMARC have and Signet has not, for
/// those who bring their old file; "" for other words.
std::string_view hint_for_foreign_keyword(std::string_view keyword);

/// The text of conf/signet.conf: every option commented out at its default, with its help.
std::string sample_config();

/// The list of options in mdoc, for man/signet.conf.5.
std::string manual_options();

}  // namespace signet
