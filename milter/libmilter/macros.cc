// SPDX-License-Identifier: BSD-2-Clause
//
// Postfix sends macros again before each header field (those for the end of the header), so it pays
// to keep their list short.

#include "milter/libmilter/macros.h"

namespace signet {
namespace {

struct Choice {
  int stage;
  const char* macros;
};

// To Postfix an empty list means its usual one; a macro that nobody defines means none.
constexpr const char* kNone = "{none}";
constexpr Choice kChoices[] = {
    {SMFIM_CONNECT, "j {daemon_name}"},
    {SMFIM_HELO, kNone},
    {SMFIM_ENVFROM, "i {auth_type} {auth_authen}"},
    {SMFIM_ENVRCPT, kNone},
    {SMFIM_DATA, kNone},
    {SMFIM_EOH, kNone},
    {SMFIM_EOM, "i"},
};

}  // namespace

void choose_macros(SMFICTX* context) {
  for (const Choice& choice : kChoices) {
    smfi_setsymlist(context, choice.stage, const_cast<char*>(choice.macros));
  }
}

std::string macro(SMFICTX* context, const char* name) {
  const char* value = smfi_getsymval(context, const_cast<char*>(name));
  return value == nullptr ? "" : value;
}

}  // namespace signet
