// SPDX-License-Identifier: BSD-2-Clause
//
// libmilter takes its strings as char*, though it does not write to them; hence the copies.

#include "milter/libmilter/perform_action.h"

namespace signet {
namespace {

struct Perform {
  SMFICTX* context;
  bool leading_space;

  bool operator()(const InsertHeader& header) const {
    std::string name = header.name;
    std::string value = milter_field_body(header.value, leading_space);
    return smfi_insheader(context, 0, name.data(), value.data()) == MI_SUCCESS;
  }
  bool operator()(const DeleteHeader& header) const {
    std::string name = header.name;
    return smfi_chgheader(context, name.data(), header.occurrence, nullptr) == MI_SUCCESS;
  }
  bool operator()(const Quarantine& quarantine) const {
    std::string reason = quarantine.reason;
    return smfi_quarantine(context, reason.data()) == MI_SUCCESS;
  }
  bool operator()(const Reply& reply) const {
    std::string code = std::to_string(reply.code);
    std::string enhanced = reply.enhanced_code;
    std::string text = milter_reply_text(reply.text);
    return smfi_setreply(context, code.data(), enhanced.data(), text.data()) == MI_SUCCESS;
  }
};

}  // namespace

bool perform(SMFICTX* context, const Action& action, bool leading_space) {
  return std::visit(Perform{context, leading_space}, action);
}

}  // namespace signet
