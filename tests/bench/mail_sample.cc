// SPDX-License-Identifier: BSD-2-Clause
//
// The text has two spaces after every fourth sentence, a space at the end of every tenth line and
// an empty line now and then: some four places in each KiB that relaxed changes.

#include "tests/bench/mail_sample.h"

#include <random>

namespace signet {
namespace {

const std::vector<HeaderField> kFields = {
    {"Received",
     " from mx.example.net (mx.example.net [192.0.2.25])\r\n"
     "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
     "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n"
     "\tby mail.example.org (Postfix) with ESMTPS id 4FxQ7L2sQzz1y\r\n"
     "\tfor <reader@example.org>; Mon,  2 Nov 2026 10:15:33 +0000 (UTC)"},
    {"Received",
     " from [198.51.100.7] (client.example.net [198.51.100.7])\r\n"
     "\t(Authenticated sender: author@example.com)\r\n"
     "\tby mx.example.net (Postfix) with ESMTPSA id 9A3C12F4\r\n"
     "\tfor <reader@example.org>; Mon,  2 Nov 2026 10:15:32 +0000 (UTC)"},
    {"Message-ID", " <6b0f0c3e-7d1a-4a5f-9a52-1d0f5a2c8e11@example.com>"},
    {"Date", " Mon, 2 Nov 2026 11:15:30 +0100"},
    {"MIME-Version", " 1.0"},
    {"User-Agent", " Mozilla Thunderbird"},
    {"Subject", " Minutes of the meeting on the second of November, with the\r\n attachments"},
    {"Content-Language", " en-GB"},
    {"To", " A Reader <reader@example.org>"},
    {"Cc", " Another Reader <another@example.org>,\r\n The List <list@lists.example.org>"},
    {"References",
     " <0f2d6a53-19c7-4b1d-8e4f-7b60b2a6b0de@example.org>\r\n"
     " <c2a8a1f4-2d0b-4d0a-b9f5-6f1f3f2a9c77@example.com>"},
    {"From", " An Author <author@example.com>"},
    {"In-Reply-To", " <c2a8a1f4-2d0b-4d0a-b9f5-6f1f3f2a9c77@example.com>"},
    {"Content-Type", " text/plain; charset=UTF-8; format=flowed"},
    {"Content-Transfer-Encoding", " 7bit"},
};

/// Prose, word by word.
class TextWriter {
 public:
  std::string write(size_t octets) {
    while (out_.size() < octets) add_line();
    return std::move(out_);
  }

 private:
  void add_line() {
    const size_t columns = 40 + random_() % 38;
    std::string line = word();
    while (line.size() < columns) line += space() + word();
    if (++lines_ % 10 == 0) line += ' ';
    out_ += line + "\r\n";
    if (random_() % 10 == 0) out_ += "\r\n";
  }
  std::string word() {
    std::string letters(1 + random_() % 10, '\0');
    for (char& c : letters) c = static_cast<char>('a' + random_() % 26);
    if (words_left_ == 0) letters += '.';
    return letters;
  }
  std::string space() {
    if (words_left_-- > 0) return " ";
    words_left_ = 8 + random_() % 16;
    return ++sentences_ % 4 == 0 ? "  " : " ";
  }

  std::mt19937 random_{1};
  std::string out_;
  size_t words_left_ = 8;
  size_t sentences_ = 0;
  size_t lines_ = 0;
};

std::string write_base64(size_t octets) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr size_t kColumns = 76;  // RFC 2045 6.8
  std::mt19937 random(1);
  std::string out;
  while (out.size() < octets) {
    for (size_t i = 0; i < kColumns; ++i) out += kDigits[random() % kDigits.size()];
    out += "\r\n";
  }
  return out;
}

}  // namespace

std::string_view to_string(BodyShape shape) { return shape == BodyShape::text ? "text" : "base64"; }

std::string MailSample::header() const {
  std::string octets;
  for (const HeaderField& field : fields) octets += field.name + ":" + field.value + "\r\n";
  return octets + "\r\n";
}

MailSample make_mail(size_t octets, BodyShape shape) {
  MailSample mail{kFields, {}};
  const size_t body_octets = octets - mail.header().size();
  mail.body =
      shape == BodyShape::text ? TextWriter().write(body_octets) : write_base64(body_octets);
  // A last line of letters, whatever was cut.
  mail.body.resize(body_octets - 4);
  mail.body += "zz\r\n";
  return mail;
}

}  // namespace signet
