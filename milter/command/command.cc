// SPDX-License-Identifier: BSD-2-Clause
//
// Puts the commands together and lets CLI11 read the command line. CLI11 reports by exceptions;
// they end here.

#include "milter/command/command.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "milter/command/dmarc_command.h"
#include "milter/command/explain_command.h"
#include "milter/command/key_command.h"
#include "milter/command/sign_command.h"
#include "milter/command/spf_command.h"
#include "milter/command/verify_command.h"

namespace signet {

int run_signet(const std::vector<std::string>& arguments, CommandContext& context) {
  CLI::App app("Signet's tools for postmasters. The daemon is signet-milter(8).", "signet");
  app.require_subcommand(1);
  app.fallthrough();  // -c may stand behind the command too
  app.set_version_flag("-V,--version", "signet " SIGNET_VERSION);
  app.add_option("-c,--config", context.config_path,
                 fmt::format("Configuration file [{}]", kDefaultConfigPath));
  add_dmarc_command(app, context);
  add_explain_command(app, context);
  add_key_command(app, context);
  add_sign_command(app, context);
  add_spf_command(app, context);
  add_verify_command(app, context);
  try {
    // CLI11 takes the last argument first.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, context.out, context.err) == 0 ? EX_OK : EX_USAGE;
  }
  context.out.flush();
  if (context.exit_status < EX__BASE && !context.out) {
    context.err << "signet: the output could not be written\n";
    return EX_IOERR;
  }
  return context.exit_status;
}

}  // namespace signet
