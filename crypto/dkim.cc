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

std::string_view to_string(DkimEngine engine) {
  return engine == DkimEngine::native ? "native" : "libopendkim";
}

std::vector<std::string> default_sign_headers() {
  return {"From",
          "Sender",
          "Reply-To",
          "To",
          "Cc",
          "Subject",
          "Date",
          "Message-ID",
          "In-Reply-To",
          "References",
          "MIME-Version",
          "Content-Type",
          "Content-Transfer-Encoding",
          "List-Id",
          "List-Help",
          "List-Unsubscribe",
          "List-Unsubscribe-Post",
          "List-Subscribe",
          "List-Post",
          "List-Owner",
          "List-Archive"};
}

std::vector<std::string> default_oversign_headers() {
  return {"From",     "To",         "Cc",           "Subject",      "Date",
          "Reply-To", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};
}

}  // namespace signet
