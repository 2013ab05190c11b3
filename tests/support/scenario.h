// SPDX-License-Identifier: BSD-2-Clause
//
// Scenario files as values: what tests/scenarios/README.md describes, read once for the runner in
// process. Also a message as a list of fields, with what an MTA does to it on a milter's word, so
// that both runners look at the header a message ends with.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/message.h"
#include "dns/dkim_record.h"
#include "dns/name.h"
#include "dns/result.h"
#include "milter/action.h"

namespace signet {

/// `DOMAIN SELECTOR [rsa|ed25519]`
struct ScenarioKey {
  Name domain;
  std::string selector;
  DkimKeyType type = DkimKeyType::rsa;
};

Result<ScenarioKey> parse_scenario_key(std::string_view text);

/// A message taken apart: fields as on the wire, body with CRLF line ends.
struct Mail {
  std::vector<HeaderField> fields;
  std::string body;
};

struct Scenario {
  std::string config;  ///< lines of signet.conf, $FILES still in it
  std::vector<std::pair<std::string, std::string>> files;  ///< name and text, with $FILES, too
  std::vector<ScenarioKey> keys;
  std::string zone;  ///< zone text for ZoneResolver, $RSA and $ED25519 still in it
  std::string client = "192.0.2.1";
  std::string helo = "mail.example.com";
  std::string from = "alice@example.com";
  std::string login;
  std::string listener = "inbound";
  std::vector<ScenarioKey> signers;
  std::string append;  ///< a line for the end of the body, after signing
  Mail message;
  std::vector<std::pair<std::string, std::string>> expect;  ///< key and value, in order
};

/// Reads one file. The Error names it and the line that is wrong.
Result<Scenario> load_scenario(const std::string& path);

/// Whether `text` is `pattern`, in which "*" stands for any text.
bool matches(std::string_view pattern, std::string_view text);

/// "Name: value" on one line, each run of white space as one space.
std::string unfolded(const HeaderField& field);

/// What an MTA does with the header on a milter's word. Reply and Quarantine change no message.
void apply(const Action& action, Mail& mail);

}  // namespace signet
