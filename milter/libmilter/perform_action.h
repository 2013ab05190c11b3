// SPDX-License-Identifier: BSD-2-Clause
//
// An Action as the call of libmilter that carries it out, at the end of a message.

#pragma once

#include <libmilter/mfapi.h>

#include "milter/action.h"

namespace signet {

/// False if libmilter would not. A Reply takes effect with the callback's return value.
/// `leading_space`: SMFIP_HDR_LEADSPC was agreed on.
bool perform(SMFICTX* context, const Action& action, bool leading_space);

}  // namespace signet
