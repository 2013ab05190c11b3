// SPDX-License-Identifier: BSD-2-Clause
//
// The commands below `signet key`, one file each: key_generate.cc and so on. Each of these adds its
// own to the command line; both arguments must outlive the parsing.

#pragma once

#include <CLI/App.hpp>

#include "milter/command/command.h"

namespace signet {

void add_key_generate(CLI::App& key, CommandContext& context);
void add_key_list(CLI::App& key, CommandContext& context);
void add_key_check(CLI::App& key, CommandContext& context);
void add_key_publish(CLI::App& key, CommandContext& context);
void add_key_rotate(CLI::App& key, CommandContext& context);
void add_key_retire(CLI::App& key, CommandContext& context);

}  // namespace signet
