// SPDX-License-Identifier: BSD-2-Clause
//
// The known differences between the engines: what each says, which RFC section decides, and which
// is right. A difference that disappears fails here, and so does one of these that changes; the
// rows of other tests of verifying demand the same of both engines, so a new one fails there.
//
// Native is right in every row. libopendkim never passes nor fails what native does not: what it
// cannot be trusted with is `neutral` or `policy`, or an error told in other words.

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/dkim_sample.h"

namespace signet {
namespace {

struct Difference {
  std::string what;
  std::string section;  ///< that decides
  DkimTestMessage message;
  std::string native;
  std::string libopendkim;
  std::string zone = sample_zone();
  DkimVerifyOptions options = {};
};

const std::string kBase(kSampleTags);

/// A sample whose tags are `tags`; `change` is made before it is signed.
DkimTestMessage sample(const std::string& tags,
                       const std::function<void(DkimTestMessage&)>& change = nullptr) {
  DkimTestMessage message = parse_message(kSampleText);
  if (change) change(message);
  return sign_on_top(std::move(message), tags);
}

void expect_difference(const Difference& d) {
  EXPECT_NE(d.native, d.libopendkim) << d.what;
  EXPECT_EQ(verdict_of(DkimEngine::native, d.message, d.zone, d.options), d.native)
      << d.what << ", RFC " << d.section;
  EXPECT_EQ(verdict_of(DkimEngine::libopendkim, d.message, d.zone, d.options), d.libopendkim)
      << d.what << ", RFC " << d.section;
}

constexpr const char* kOwnBody = "neutral libopendkim canonicalizes this body in its own way";
constexpr const char* kOwnHeader = "neutral libopendkim canonicalizes this header in its own way";
constexpr const char* kNoUtf8 = "neutral libopendkim reads no UTF-8 in tags";
constexpr const char* kOtherB = "neutral libopendkim can't tell b= from another tag";
constexpr const char* kOtherFields =
    "neutral libopendkim can't tell which DKIM-Signature fields h= covers";

/// `relaxed` or `simple` for the body, the text of a body.
struct Body {
  const char* form;
  std::string octets;
};

TEST(DkimEngines, BodiesWithLineEndsThatAreNone) {  // RFC 6376 3.4.3, 3.4.4: CRLF alone ends a line
  const std::vector<Body> bodies = {
      {"simple", "a\nb\r\n"},   {"simple", "a\n"},
      {"simple", "\n"},         {"simple", "\r"},
      {"simple", "\r\r\n"},     {"simple", "\n\r\n"},
      {"simple", "a\r\n\r"},    {"simple", "a\r\n\n"},
      {"simple", "a\t\n"},      {"simple", "a\r\n \n"},
      {"simple", "\r\n\r\n\r"}, {"simple", "a \n b\r\n"},
      {"relaxed", "a\rb\r\n"},  {"relaxed", "\ra\r\n"},
      {"relaxed", "a \rb\r\n"}, {"relaxed", "a \r"},
      {"relaxed", " \r"},       {"relaxed", std::string(3 << 20, 'x') + " y\r\n"},
  };
  for (const Body& body : bodies) {
    const auto tags = sample_tags("relaxed/relaxed", std::string("relaxed/") + body.form);
    const auto change = [&](DkimTestMessage& message) { message.body = body.octets; };
    expect_difference(
        {"body " + body.octets.substr(0, 20), "6376 3.4", sample(tags, change), "pass", kOwnBody});
    auto changed = sample(tags, change);
    changed.body += "more\r\n";
    for (const DkimEngine engine : {DkimEngine::native, DkimEngine::libopendkim}) {
      EXPECT_EQ(verdict_of(engine, changed, sample_zone()), "fail body hash differs");
    }
  }
}

TEST(DkimEngines, HeadersWithWhiteSpaceThatIsNone) {  // RFC 6376 3.4.2, 2.8
  for (const char* subject : {" a\rb", " a\nb", " a\r b", " a\n b", " a\r\nb", " a\vb", " a \f b",
                              " a\r", " a\n", " a\r\n"}) {
    const auto message = sample(kBase, [&](DkimTestMessage& m) { m.fields[2].value = subject; });
    expect_difference({subject, "6376 3.4.2", message, "pass", kOwnHeader});
  }
  for (const char* name : {"Subject\t", "Subject  \t "}) {
    const auto message = sample(kBase, [&](DkimTestMessage& m) { m.fields[2].name = name; });
    expect_difference(
        {name, "5322 4.5", message, "pass", "neutral libopendkim could not read the header"});
  }
  const auto message =
      sample(kBase, [](DkimTestMessage& m) { m.fields[2].value = std::string(" a\0b", 4); });
  expect_difference({"NUL", "6376 3.4.2", message, "pass", "neutral a header field holds a NUL"});
}

TEST(DkimEngines, TagsThatTheLibraryMisreads) {  // RFC 6376 3.2, 3.7
  expect_difference({"unknown tag", "6376 3.2", sample(kBase + "; xb=1"), "pass", kOtherB});
  expect_difference({"unknown tags", "6376 3.2", sample(kBase + "; n=1; ab=2"), "pass", kOtherB});
  DkimTestHashing spaced;
  spaced.b_tag = "b =";
  auto message = parse_message(kSampleText);
  message.fields.push_back(sign_with(message, kBase, rsa_test_key(), spaced));
  expect_difference({"b =", "6376 3.2", message, "pass", kOtherB});
  expect_difference({"t=0", "6376 3.5 t=", sample(kBase + "; t=0"), "pass",
                     "policy t= lies before DKIM was invented"});
  expect_difference({"early t=", "6376 3.5 t=", sample(kBase + "; t=999999999"), "pass",
                     "policy t= lies before DKIM was invented"});
  const std::string too_long = "permerror l= is larger than the body of 26 octets";
  for (const std::string& length :
       {std::string("1099511627777"), std::string("9223372036854775808"), std::string(76, '9')}) {
    expect_difference({"l=" + length, "6376 3.5 l=", sample(kBase + "; l=" + length), too_long,
                       "permerror l= is larger than any body"});
  }
}

TEST(DkimEngines, InternationalizedTags) {  // RFC 8616 5
  const std::string zone =
      txt_record("sel._domainkey.xn--bcher-kva.example", rsa_test_key().record()) +
      txt_record("xn--sl-bja._domainkey.example.com", rsa_test_key().record()) + sample_zone();
  const auto expect = [&](const std::string& what, const std::string& tags) {
    expect_difference({what, "8616 5", sample(tags), "pass", kNoUtf8, zone});
  };
  const std::string book =
      "b\xc3\xbc"
      "cher.example";
  expect("U-label in d=", sample_tags("d=example.com", "d=" + book));
  expect("U-label in d=, A-label in i=",
         sample_tags("d=example.com", "d=" + book + "; i=@mail.xn--bcher-kva.example"));
  expect("A-label in d=, U-label in i=",
         sample_tags("d=example.com", "d=xn--bcher-kva.example; i=J\xc3\xb6rg@" + book));
  expect("U-label in s=", sample_tags("s=sel", "s=s\xc3\xa9l"));
  expect("UTF-8 in the local part", kBase + "; i=j\xc3\xb6rg@example.com");
  expect("UTF-8 in an unknown tag", kBase +
                                        "; n=gr\xc3\xbc\xc3\x9f"
                                        "e");
  const auto verdicts = [&] {
    ZoneResolver resolver(zone);
    return verify_message(sample(sample_tags("d=example.com", "d=" + book)), resolver);
  }();
  EXPECT_EQ(verdicts.at(0).domain.text(), "xn--bcher-kva.example");
  EXPECT_EQ(verdict_of(DkimEngine::native,
                       sample(sample_tags("d=example.com", "d=" + book +
                                                               "; i=@b\xc3\xb6"
                                                               "cher.example")),
                       zone),
            "permerror i= is outside d=");
}

TEST(DkimEngines, SizesThatTheLibraryDoesNotTake) {
  const auto h = [](const std::string& names) {
    return sample(sample_tags("h=from:to:subject:date", "h=" + names + "from"));
  };
  expect_difference({"h= of 4,004 octets",
                     "6376 3.5 h=", h(replace_all(std::string(286, '*'), "*", "x-14-octets--:")),
                     "pass", "policy h= is too long for libopendkim"});
  expect_difference({"a name of 999 octets", "6376 3.5 h=", h(std::string(999, 'x') + ":"), "pass",
                     "neutral a name in h= is too long for libopendkim"});
  expect_difference({"i= of 312 octets",
                     "6376 3.5 i=", sample(kBase + "; i=" + std::string(300, 'a') + "@example.com"),
                     "pass", "policy i= is too long for libopendkim"});
  const auto large = sample(kBase, [](DkimTestMessage& message) {
    message.fields[2].value = " " + std::string(2 << 20, 'x');
  });
  expect_difference({"a header of 2 MiB", "5322 2.1.1", large, "pass",
                     "policy over the limit of 1048576 octets in the header"});
}

TEST(DkimEngines, BodiesThatAreTooLongForTheLibraryAreJudgedByTheNativeEngine) {
  // A body that tells who has judged it: the library has no verdict on a word of over a megabyte.
  const auto with_body = [](size_t octets, const std::string& tags = kBase) {
    return sample(tags,
                  [&](DkimTestMessage& m) { m.body = std::string(octets - 2, 'x') + "\r\n"; });
  };
  constexpr size_t kMost = 10 << 20;
  expect_difference({"10 MiB", "6376 3.4.4", with_body(kMost), "pass", kOwnBody});
  auto message = with_body(kMost + 1);
  const auto judge = [&](const DkimTestMessage& judged) {
    return verdict_of(DkimEngine::libopendkim, judged, sample_zone());
  };
  EXPECT_EQ(judge(message), "pass");
  auto changed = message;
  changed.fields[3].value += "!";
  EXPECT_EQ(judge(changed), "fail signature does not verify");
  changed = message;
  changed.body[0] = 'y';
  EXPECT_EQ(judge(changed), "fail body hash differs");

  // Two hashes of a body are as much work as one of a body twice as long.
  const auto twice = [&](size_t octets) {
    return sign_on_top(with_body(octets, sample_tags("relaxed/relaxed", "relaxed/simple")), kBase);
  };
  EXPECT_EQ(judge(twice(kMost / 2)), kOwnBody);
  EXPECT_EQ(judge(twice(kMost / 2 + 1)), "pass");
}

TEST(DkimEngines, KeysThatTheLibraryDoesNotTake) {  // RFC 8301 3.2: it MAY
  const std::shared_ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr),
                                              EVP_PKEY_CTX_free);
  EVP_PKEY* made = nullptr;
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), 6144);
  EVP_PKEY_CTX_set_rsa_keygen_primes(context.get(), 4);  // in a fraction of the time of two
  EVP_PKEY_generate(context.get(), &made);
  const auto key = make_test_key(made, DkimKeyType::rsa);
  DkimVerifyOptions options;
  options.maximum_key_bits = 8192;
  expect_difference({"6144 bits", "8301 3.2", signed_sample(kBase, key), "pass",
                     "policy the key is too large for libopendkim", sample_zone(key), options});
}

TEST(DkimEngines, SignaturesOverSignatures) {  // RFC 6376 3.5 h=
  const auto over = [](const std::string& names) {
    return sample_tags("h=from:to:subject:date", "h=from" + names);
  };
  // No field but the one being verified: none is meant.
  expect_difference(
      {"over itself", "6376 3.5 h=", sample(over(":dkim-signature")), "pass", kOtherFields});
  const auto inner = signed_sample();
  expect_difference({"over another and itself",
                     "6376 3.5 h=", sign_on_top(inner, over(":dkim-signature:dkim-signature")),
                     "pass", kOtherFields});
  // Another signature that is refused can still be signed over.
  auto broken = signed_sample();
  broken.fields[0].value += "; d=example.com";
  expect_difference({"over a refused one", "6376 3.5", sign_on_top(broken, over(":dkim-signature")),
                     "pass", kOtherFields});
  auto odd = sample(kBase, [](DkimTestMessage& m) { m.fields[2].value = " a\vb"; });
  expect_difference({"over one that the library can't judge", "6376 3.5",
                     sign_on_top(odd, over(":dkim-signature")), "pass", kOtherFields});
  // A signature below the one that covers it, as every signer does it, is no difference.
  for (const DkimEngine engine : {DkimEngine::native, DkimEngine::libopendkim}) {
    EXPECT_EQ(verdict_of(engine, sign_on_top(inner, over(":dkim-signature")), sample_zone()),
              "pass");
  }
}

}  // namespace
}  // namespace signet
