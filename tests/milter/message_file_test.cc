// SPDX-License-Identifier: BSD-2-Clause
//
// Saved messages as they come: from Maildirs, mboxes, the wire, and from people who mean harm.

#include "milter/command/message_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace signet {
namespace {

using namespace std::string_literals;
using Fields = std::vector<HeaderField>;
using Lines = std::vector<std::string>;

MessageFile parse(std::string octets) {
  auto message = MessageFile::parse(std::move(octets));
  EXPECT_TRUE(message) << message.error();
  return *std::move(message);
}

std::string body_of(const MessageFile& message) {
  std::string body;
  message.read_body([&](std::string_view piece) { body += piece; });
  return body;
}

TEST(MessageFile, LocalLineEndsBecomeThoseOfTheWire) {
  const MessageFile message =
      parse("From: a@example.com\nSubject: one\n two\n\tthree\n\nHi.\n\nBye.\n");
  EXPECT_EQ(message.fields(),
            (Fields{{"From", " a@example.com"}, {"Subject", " one\r\n two\r\n\tthree"}}));
  EXPECT_EQ(body_of(message), "Hi.\r\n\r\nBye.\r\n");
  EXPECT_EQ(message.line_end(), "\n");
  EXPECT_EQ(message.remarks(), Lines{});
}

TEST(MessageFile, TheWireFormIsKept) {
  const std::string octets =
      "From: a@example.com\r\nSubject: one\r\n two\r\n\r\nHi.\r\n\r\nBye.\r\n";
  const MessageFile message = parse(octets);
  EXPECT_EQ(message.fields(), (Fields{{"From", " a@example.com"}, {"Subject", " one\r\n two"}}));
  EXPECT_EQ(body_of(message), "Hi.\r\n\r\nBye.\r\n");
  EXPECT_EQ(message.line_end(), "\r\n");
  EXPECT_EQ(message.octets(), octets);
  EXPECT_EQ(message.remarks(), Lines{});
}

TEST(MessageFile, NamesAndValuesKeepEachOctet) {
  const std::string value = " \t=?x?\x80\xff\0 \r x \t"s;
  const MessageFile message = parse("SUBJECT \t:" + value + "\r\nX-None:\r\n a\r\n\r\n");
  EXPECT_EQ(message.fields(), (Fields{{"SUBJECT \t", value}, {"X-None", "\r\n a"}}));
}

struct LineEndCase {
  std::string file;
  std::string body;
  std::string line_end;
  Lines remarks;
};

TEST(MessageFile, TheHeaderTellsHowLinesEndInTheBody) {
  const LineEndCase cases[] = {
      // A header from the wire: what stands alone in the body was sent so.
      {"A: b\r\n\r\nx\ny\rz\r\n",
       "x\ny\rz\r\n",
       "\r\n",
       {"the body holds 1 CR without LF, kept",
        "the body holds 1 LF without CR, kept as the header has CRLF"}},
      // One line of the header was saved here, so all were.
      {"A: b\nB: c\r\n\r\nx\ny\r\n", "x\r\ny\r\n", "\n", {}},
      {"A: b\r\nB: c\r\n\nx\ny\r\n", "x\r\ny\r\n", "\n", {}},
      {"A: b\n\nx\ry\r\r\nz", "x\ry\r\r\nz", "\n", {"the body holds 2 CR without LF, kept"}},
      // Without a header the first line tells.
      {"\nx\n", "x\r\n", "\n", {}},
      {"\r\nx\n", "x\n", "\r\n", {"the body holds 1 LF without CR, kept as the header has CRLF"}},
      {"A: b\n\n", "", "\n", {}},
      {"A: b\n\n\n", "\r\n", "\n", {}},
  };
  for (const LineEndCase& c : cases) {
    const MessageFile message = parse(c.file);
    EXPECT_EQ(body_of(message), c.body) << c.file;
    EXPECT_EQ(message.line_end(), c.line_end) << c.file;
    EXPECT_EQ(message.remarks(), c.remarks) << c.file;
  }
}

struct HeaderCase {
  std::string file;
  Fields fields;
  std::string body;
  Lines remarks;
};

TEST(MessageFile, WhatIsNoHeaderFieldBeginsTheBody) {
  const HeaderCase cases[] = {
      {"A: b\nno field\nC: d\n\nx\n",
       {{"A", " b"}},
       "no field\r\nC: d\r\n\r\nx\r\n",
       {"line 2 is no header field: the body begins there"}},
      {"two words: x\n",
       {},
       "two words: x\r\n",
       {"line 1 is no header field: the body begins there"}},
      {": x\n", {}, ": x\r\n", {"line 1 is no header field: the body begins there"}},
      {" goes on\nA: b\n",
       {},
       " goes on\r\nA: b\r\n",
       {"line 1 is no header field: the body begins there"}},
      {"N\xc3\xa4me: x\n",
       {},
       "N\xc3\xa4me: x\r\n",
       {"line 1 is no header field: the body begins there"}},
      {"A\0: x\n"s, {}, "A\0: x\r\n"s, {"line 1 is no header field: the body begins there"}},
      {"A: b\r\nx\n",
       {{"A", " b"}},
       "x\n",
       {"line 2 is no header field: the body begins there",
        "the body holds 1 LF without CR, kept as the header has CRLF"}},
      {"A: b\r\n \r\nx: y\r\n\r\n", {{"A", " b\r\n "}, {"x", " y"}}, "", {}},
      {"A: b\n\r",
       {{"A", " b"}},
       "\r",
       {"line 2 is no header field: the body begins there",
        "the body holds 1 CR without LF, kept"}},
  };
  for (const HeaderCase& c : cases) {
    const MessageFile message = parse(c.file);
    EXPECT_EQ(message.fields(), c.fields) << c.file;
    EXPECT_EQ(body_of(message), c.body) << c.file;
    EXPECT_EQ(message.remarks(), c.remarks) << c.file;
  }
}

TEST(MessageFile, AFileMayEndAnywhere) {
  const Lines no_body = {"the file ends within the header: the body is empty"};
  for (const std::string file : {"A: b\r\nC: d\r\n e", "A: b\nC: d\n e\n", "A: b\nC: d\n e"}) {
    const MessageFile message = parse(file);
    EXPECT_EQ(message.fields(), (Fields{{"A", " b"}, {"C", " d\r\n e"}})) << file;
    EXPECT_EQ(body_of(message), "");
    EXPECT_EQ(message.remarks(), no_body);
  }
  const MessageFile nothing = parse("");
  EXPECT_TRUE(nothing.fields().empty());
  EXPECT_EQ(body_of(nothing), "");
}

TEST(MessageFile, TheSeparatorOfAnMboxIsLeftOut) {
  const std::string message_text = "From: a@example.com\n\nHi.\n";
  const std::string separator = "From a@example.com  Mon Nov 23 12:00:00 2026\n";
  for (const std::string& before : {separator, separator + ">" + separator}) {
    const MessageFile message = parse(before + message_text);
    EXPECT_EQ(message.fields(), (Fields{{"From", " a@example.com"}}));
    EXPECT_EQ(message.octets(), message_text);
  }
  // RFC 5322 4.5: this is a field.
  EXPECT_EQ(parse("From : a@example.com\n\n").fields(), (Fields{{"From ", " a@example.com"}}));
}

TEST(MessageFile, AnMboxIsRemarkedOnWhereItMayHaveChangedTheMessage) {
  const std::string start = "From a@example.com Mon Nov 23 12:00:00 2026\nFrom: a@example.com\n\n";
  EXPECT_EQ(parse(start + "x\nFrom b@example.com Mon Nov 23 12:00:00 2026\n").remarks(),
            Lines{"a line of the body begins with \"From \": more than one message in this mbox?"});
  EXPECT_EQ(
      parse(start + ">From here on\n").remarks(),
      Lines{"a line of the body begins with \">From \": it may have been signed without the >"});
  // In a Maildir that is how it was sent.
  EXPECT_EQ(parse("From: a@example.com\n\nx\n>From here on\nFrom here on\n").remarks(), Lines{});
}

TEST(MessageFile, LongBodiesComeInPiecesThatHideNothing) {
  std::string body;
  std::string wire;
  for (int i = 0; i < 40'000; ++i) {
    body += i % 3 == 0 ? "\n" : i % 3 == 1 ? "xy\r\n" : "\rz\n";
    wire += i % 3 == 0 ? "\r\n" : i % 3 == 1 ? "xy\r\n" : "\rz\r\n";
  }
  EXPECT_EQ(body_of(parse("A: b\n\n" + body)), wire);
  EXPECT_EQ(body_of(parse("A: b\r\n\r\n" + body)), body);
  size_t largest = 0;
  const std::string line_ends(1'000'000, '\n');
  parse("A: b\n" + line_ends).read_body([&](std::string_view piece) {
    largest = std::max(largest, piece.size());
  });
  EXPECT_LE(largest, 128U * 1024);
}

TEST(MessageFile, HostileFilesAreReadInReasonableTime) {
  const size_t size = size_t{50} * 1024 * 1024;
  EXPECT_EQ(body_of(parse("A: b\n\n" + std::string(size, 'x'))).size(), size);
  EXPECT_EQ(body_of(parse("A: b\n\n" + std::string(size, '\n'))).size(), 2 * size);
  EXPECT_EQ(parse("A: " + std::string(size, '\0')).fields().front().value.size(), size + 1);
  EXPECT_EQ(body_of(parse(std::string(size, '\0'))).size(), size);
  std::string folds = "A:";
  while (folds.size() < size) folds += "\n ";
  EXPECT_EQ(parse(folds).fields().size(), 1U);
}

TEST(MessageFile, TooManyFieldsAreRefused) {
  std::string header;
  for (size_t i = 0; i < kMaxMessageFileFields; ++i) header += "a:\n";
  EXPECT_EQ(parse(header).fields().size(), kMaxMessageFileFields);
  const auto refused = MessageFile::parse(header + "a:\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "want at most 100000 header fields, got more");
}

TEST(MessageFile, ValuesAreFoundByName) {
  const MessageFile message = parse("From: a\nTo: b\nFROM: c\n\n");
  EXPECT_EQ(message.values_of("From"), (Lines{" a", " c"}));
  EXPECT_EQ(message.values_of("Cc"), Lines{});
}

class MessageFileOnDisk : public testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::string root_ = folder_.path();
  std::istringstream standard_input_{"From: stdin@example.com\n\nHi.\n"};
};

TEST_F(MessageFileOnDisk, IsReadFromAPathOrFromStandardInput) {
  std::ofstream(root_ + "/message", std::ios::binary) << "From: file@example.com\n\nHi.\n";
  const auto file = MessageFile::load(root_ + "/message", standard_input_);
  ASSERT_TRUE(file) << file.error();
  EXPECT_EQ(file->fields(), (Fields{{"From", " file@example.com"}}));
  const auto standard = MessageFile::load("-", standard_input_);
  ASSERT_TRUE(standard) << standard.error();
  EXPECT_EQ(standard->fields(), (Fields{{"From", " stdin@example.com"}}));
}

TEST_F(MessageFileOnDisk, ErrorsNameTheFile) {
  const auto missing = MessageFile::load(root_ + "/no\x1bne", standard_input_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), root_ + "/no\\x1bne: cannot open it: No such file or directory");
  const auto directory = MessageFile::load(root_, standard_input_);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error(),
            root_ + ": is a directory; name a file with one message, or - for the standard input");
}

TEST_F(MessageFileOnDisk, AFileThatIsTooLargeIsNotRead) {
  std::ofstream(root_ + "/large", std::ios::binary) << "A: b\n\n";
  std::filesystem::resize_file(root_ + "/large", kMaxMessageFileOctets + 1);
  const auto large = MessageFile::load(root_ + "/large", standard_input_);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error(), root_ + "/large: want a message of at most 134217728 octets, got more");
}

}  // namespace
}  // namespace signet
