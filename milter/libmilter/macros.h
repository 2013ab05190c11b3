// SPDX-License-Identifier: BSD-2-Clause
//
// Macros: what the MTA tells about a session beyond its commands, each with the step that brings
// it.

#pragma once

#include <libmilter/mfapi.h>

#include <string>

namespace signet {

/// During negotiation: asks for the macros that are read here, and for no others.
void choose_macros(SMFICTX* context);

/// The value of a macro such as "{auth_type}"; "" if the MTA did not send it.
std::string macro(SMFICTX* context, const char* name);

}  // namespace signet
