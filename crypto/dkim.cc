// SPDX-License-Identifier: BSD-2-Clause
//
// The words of crypto/dkim.h. The verifiers and signers are in files of their own.

#include "crypto/dkim.h"

namespace signet {

std::string_view to_string(DkimResult result) {
  switch (result) {
    case DkimResult::none:
      return "none";
    case DkimResult::pass:
      return "pass";
    case DkimResult::fail:
      return "fail";
    case DkimResult::policy:
      return "policy";
    case DkimResult::neutral:
      return "neutral";
    case DkimResult::temperror:
      return "temperror";
    case DkimResult::permerror:
      return "permerror";
  }
  return "neutral";
}

}  // namespace signet
