// SPDX-License-Identifier: BSD-2-Clause
//
// Outside data on its way into replies and header fields.

#include "milter/action.h"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(Action, ReplyTextIsOneLineOfPrintableAscii) {
  EXPECT_EQ(reply_text("a\r\nb\x7f\xc3\xa4\tc"), "a??b????c");
  EXPECT_EQ(reply_text("plain text"), "plain text");
}

TEST(Action, ReplyTextEndsAfter400Octets) {
  EXPECT_EQ(reply_text(std::string(1000, 'x')).size(), 400u);
}

TEST(Action, LibmilterReplyHasPercentDoubled) {
  EXPECT_EQ(milter_reply_text("100% %s"), "100%% %%s");
}

TEST(Action, LibmilterFieldsAreFoldedWithLfAlone) {
  EXPECT_EQ(milter_field_body(" a;\r\n\tb", true), " a;\n\tb");
  EXPECT_EQ(milter_field_body(" a;\r\n\tb", false), "a;\n\tb");
}

}  // namespace
}  // namespace signet
