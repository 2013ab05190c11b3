// SPDX-License-Identifier: BSD-2-Clause
//
// The table of what can be done with keys, in the order in which a key goes through it.

#include "milter/command/key_command.h"

#include <CLI/CLI.hpp>

#include "milter/command/key/key_commands.h"

namespace signet {

void add_key_command(CLI::App& app, CommandContext& context) {
  CLI::App* key = app.add_subcommand("key", "Signing keys: make, publish, check, rotate");
  key->require_subcommand(1);
  for (const auto add : {add_key_generate, add_key_publish, add_key_check, add_key_list,
                         add_key_rotate, add_key_retire}) {
    add(*key, context);
  }
}

}  // namespace signet
