// SPDX-License-Identifier: BSD-2-Clause
//
// What each odd tag of a signature and each odd key record leads to: one row each, the same verdict
// by both engines. The cryptography of every row is right, so a refusal is for the oddness alone.
// Where the engines differ is in dkim_engines_test.cc.

#include <gtest/gtest.h>

#include "tests/support/dkim_sample.h"

namespace signet {
namespace {

constexpr DkimEngine kEngines[] = {DkimEngine::native, DkimEngine::libopendkim};

struct TagRow {
  std::string tags;
  std::string verdict;
};

void expect_verdicts(const std::vector<TagRow>& rows) {
  const std::string zone = sample_zone();
  for (const TagRow& row : rows) {
    const auto message = signed_sample(row.tags);
    for (const DkimEngine engine : kEngines) {
      EXPECT_EQ(verdict_of(engine, message, zone), row.verdict)
          << to_string(engine) << ": " << row.tags.substr(0, 300);
    }
  }
}

const std::string kBase(kSampleTags);

std::string with(std::string_view from, std::string_view to) { return sample_tags(from, to); }

constexpr const char* kNoLabel =
    "a label holds something other than letters, digits, hyphen and underscore";

TEST(DkimCatalogue, TagLists) {  // RFC 6376 3.2
  expect_verdicts({
      {kBase, "pass"},
      {kBase + "; v=1", "neutral tag v appears twice"},
      {kBase + "; a=rsa-sha256", "neutral tag a appears twice"},
      {kBase + "; c=simple", "neutral tag c appears twice"},
      {kBase + "; d=example.com", "neutral tag d appears twice"},
      {kBase + "; s=sel", "neutral tag s appears twice"},
      {kBase + "; h=from", "neutral tag h appears twice"},
      {kBase + "; bh={bh}", "neutral tag bh appears twice"},
      {kBase + "; b=AAAA", "neutral tag b appears twice"},
      {kBase + "; i=@example.com; i=@example.com", "neutral tag i appears twice"},
      {kBase + "; t=1; t=1", "neutral tag t appears twice"},
      {kBase + "; x=1; x=1", "neutral tag x appears twice"},
      {kBase + "; l=1; l=1", "neutral tag l appears twice"},
      {kBase + "; q=dns/txt; q=dns/txt", "neutral tag q appears twice"},
      {kBase + "; z=From:x; z=From:x", "neutral tag z appears twice"},
      {kBase + "; unknown=1; unknown=2", "neutral tag unknown appears twice"},
      {kBase + "; ", "neutral a tag has no name"},
      {kBase + "; =x", "neutral a tag has no name"},
      {kBase + "; x", "neutral tag x has no ="},
      {kBase + "; 1a=x", "neutral a tag name is not a letter with letters, digits and _"},
      {kBase + "; a-b=x", "neutral a tag name is not a letter with letters, digits and _"},
      {kBase + "; n=\x01", "neutral tag n holds a character that no tag may hold"},
      {kBase + "; n=\x7f", "neutral tag n holds a character that no tag may hold"},
      {kBase + "; n=\xff", "neutral tag n holds a character that no tag may hold"},
      {kBase + "; n=\r\nx", "neutral tag n holds a character that no tag may hold"},
      {kBase + "; n=", "pass"},
      {kBase + "; N=an unknown tag; V=2", "pass"},
      {kBase + "; n=a=b==c", "pass"},
      {replace_all(kBase, "; ", ";"), "pass"},
      {replace_all(kBase, "; ", "\r\n\t;\r\n "), "pass"},
      {replace_all(kBase, "=", "\r\n = "), "pass"},
  });
}

TEST(DkimCatalogue, VersionAndAlgorithm) {  // RFC 6376 3.5 v=, a=; RFC 8301, RFC 8463
  expect_verdicts({
      {with("v=1; ", ""), "neutral v= is missing"},
      {with("v=1; ", "") + "; v=1", "pass"},  // the order of tags means nothing
      {with("v=1", "v=2"), "permerror v= is not 1"},
      {with("v=1", "v=01"), "permerror v= is not 1"},
      {with("v=1", "v=1.0"), "neutral v= is no number"},
      {with("v=1", "v="), "neutral v= is no number"},
      {with("v=1", "v=DKIM1"), "neutral v= is no number"},
      {with("a=rsa-sha256; ", ""), "neutral a= is missing"},
      {with("a=rsa-sha256", "a=rsa-sha1"), "permerror rsa-sha1 is obsolete"},
      {with("a=rsa-sha256", "a=RSA-SHA256"), "permerror a= names an unknown algorithm"},
      {with("a=rsa-sha256", "a=rsa-sha512"), "permerror a= names an unknown algorithm"},
      {with("a=rsa-sha256", "a=rsa"), "permerror a= names an unknown algorithm"},
      {with("a=rsa-sha256", "a=sha256-rsa"), "permerror a= names an unknown algorithm"},
      {with("a=rsa-sha256", "a=rsa - sha256"), "neutral a= is broken"},
      {with("a=rsa-sha256", "a="), "neutral a= is broken"},
      {with("a=rsa-sha256", "a=ed25519-sha256"),
       "neutral b= holds 128 octets, not the 64 of Ed25519"},
  });
}

TEST(DkimCatalogue, Canonicalization) {  // RFC 6376 3.5 c=
  constexpr const char* kUnknown = "permerror c= names an unknown canonicalization";
  expect_verdicts({
      {with("c=relaxed/relaxed; ", ""), "pass"},
      {with("relaxed/relaxed", "simple"), "pass"},
      {with("relaxed/relaxed", "relaxed"), "pass"},
      {with("relaxed/relaxed", "simple/relaxed"), "pass"},
      {with("relaxed/relaxed", "relaxed/simple"), "pass"},
      {with("relaxed/relaxed", "simple/simple"), "pass"},
      {with("relaxed/relaxed", "relaxed/"), kUnknown},
      {with("relaxed/relaxed", "/relaxed"), kUnknown},
      {with("relaxed/relaxed", "/"), kUnknown},
      {with("relaxed/relaxed", ""), kUnknown},
      {with("relaxed/relaxed", "Relaxed/relaxed"), kUnknown},
      {with("relaxed/relaxed", "relaxed/relaxed/relaxed"), kUnknown},
      {with("relaxed/relaxed", "relaxed / relaxed"), kUnknown},
      {with("relaxed/relaxed", "nowsp"), kUnknown},
  });
}

TEST(DkimCatalogue, Domain) {  // RFC 6376 3.5 d=
  const auto broken = [](const std::string& why) { return "neutral d= is broken: " + why; };
  const auto d = [](const std::string& value) { return with("d=example.com", "d=" + value); };
  expect_verdicts({
      {with("d=example.com; ", ""), "neutral d= is missing"},
      {d("EXAMPLE.com"), "pass"},
      {d("\r\n\texample.com\r\n "), "pass"},
      {d(""), broken("a domain is empty")},
      {d("."), broken("a domain ends in a dot")},
      {d("com"), "neutral d= has a single label"},
      {d("example.com."), broken("a domain ends in a dot")},
      {d(".example.com"), broken("a label is empty")},
      {d("example..com"), broken("a label is empty")},
      {d("192.0.2.1"), broken("a number or an IP address is no domain")},
      {d("[192.0.2.1]"), broken(kNoLabel)},
      {d("exam ple.com"), broken(kNoLabel)},
      {d("\"example.com\""), broken(kNoLabel)},
      {d("example.com(x)"), broken(kNoLabel)},
      {d("example.com/x"), broken(kNoLabel)},
      {d("joe@example.com"), broken(kNoLabel)},
      {d("*.example.com"), broken(kNoLabel)},
      {d(std::string(64, 'a') + ".com"), broken("a label is longer than 63 octets")},
      {d(replace_all(std::string(60, 'x'), "x", "abcd.") + "com"),
       broken("a name is longer than 253 octets")},
      {d("xn--a_b.example"), broken("an A-label holds an underscore")},
      {d("b\xc3\xbc.\xff.example"), "neutral tag d holds a character that no tag may hold"},
      {d("other.example"), "permerror no key at sel._domainkey.other.example: no such name"},
  });
}

TEST(DkimCatalogue, Selector) {  // RFC 6376 3.5 s=
  const auto broken = [](const std::string& why) {
    return "neutral s= is broken: the key's name: " + why;
  };
  const auto s = [](const std::string& value) { return with("s=sel", "s=" + value); };
  expect_verdicts({
      {with("s=sel; ", ""), "neutral s= is missing"},
      {s("SEL"), "pass"},
      {s(""), broken("a label is empty")},
      {s("."), broken("a label is empty")},
      {s("sel."), broken("a label is empty")},
      {s("a..b"), broken("a label is empty")},
      {s("a/../b"), broken(kNoLabel)},
      {s("a/b"), broken(kNoLabel)},
      {s("s el"), broken(kNoLabel)},
      {s("\"sel\""), broken(kNoLabel)},
      {s("sel(x)"), broken(kNoLabel)},
      {s(std::string(64, 'a')), broken("a label is longer than 63 octets")},
      {s(replace_all(std::string(60, 'x'), "x", "abcd.") + "a"),
       broken("a name is longer than 253 octets")},
      {s("192.0.2.1"), "permerror no key at 192.0.2.1._domainkey.example.com: no such name"},
      {s("a.b"), "permerror no key at a.b._domainkey.example.com: no such name"},
      {s("under_score"), "permerror no key at under_score._domainkey.example.com: no such name"},
  });
}

TEST(DkimCatalogue, SignedFields) {  // RFC 6376 3.5 h=, 5.4
  const auto h = [](const std::string& value) {
    return with("h=from:to:subject:date", "h=" + value);
  };
  constexpr const char* kNoName = "neutral h= holds something that is no field name";
  const std::string many = replace_all(std::string(299, 'x'), "x", "x:");
  expect_verdicts({
      {with("h=from:to:subject:date; ", ""), "neutral h= is missing"},
      {h("from"), "pass"},
      {h("From"), "pass"},
      {h("To : FROM\r\n\t:\r\n subject"), "pass"},
      {h("from:from:from"), "pass"},
      {h("from:x-absent:to"), "pass"},
      {h("from:" + replace_all(std::string(50, 'x'), "x", "from:") + "to"), "pass"},
      {h(many + "from"), "pass"},
      {h(many + "x:from"), "policy h= names more than 300 fields"},
      {h(""), kNoName},
      {h(":"), kNoName},
      {h("from:"), kNoName},
      {h("from::to"), kNoName},
      {h("from to"), kNoName},
      {h("from:t\xc3\xb6"), kNoName},
      {h("from:(comment)"), "pass"},  // RFC 5322 2.2 lets a name look like that
      {h("to:subject"), "permerror From is not signed"},
      {h("fromage:from-x"), "permerror From is not signed"},
  });
}

TEST(DkimCatalogue, Identity) {  // RFC 6376 3.5 i=, 2.11
  const auto i = [](const std::string& value) { return kBase + "; i=" + value; };
  constexpr const char* kNoQuotedPrintable = "neutral i= is no dkim-quoted-printable";
  expect_verdicts({
      {i("@example.com"), "pass"},
      {i("@EXAMPLE.com"), "pass"},
      {i("joe@example.com"), "pass"},
      {i("joe@a.b.example.com"), "pass"},
      {i("j=6Fe@example.com"), "pass"},
      {i("joe=40home=40@example.com"), "neutral i= is no address"},
      {i("\"a=20b\"@example.com"), "pass"},
      {i("joe\r\n\t@example.com"), "pass"},
      {i(""), "neutral i= holds no @"},
      {i("example.com"), "neutral i= holds no @"},
      {i("@"), "neutral i= is no address"},
      {i("joe@"), "neutral i= is no address"},
      {i("@example.com."), "neutral i= is no address"},
      {i("a@b@example.com"), "neutral i= is no address"},
      {i("a..b@example.com"), "neutral i= is no address"},
      {i("<joe@example.com>"), "neutral i= is no address"},
      {i("joe@example.net"), "permerror i= is outside d="},
      {i("joe@notexample.com"), "permerror i= is outside d="},
      {i("joe@com"), "permerror i= is outside d="},
      {i("joe@example.com.example.net"), "permerror i= is outside d="},
      {i("a=4@example.com"), kNoQuotedPrintable},
      {i("a=6f@example.com"), kNoQuotedPrintable},
      {i("a=00@example.com"), kNoQuotedPrintable},
      {i("a=0D=0Ab@example.com"), kNoQuotedPrintable},
      {i(std::string(1100, 'a') + "@example.com"), "neutral i= is too long"},
  });
}

TEST(DkimCatalogue, LengthTimesAndQueries) {  // RFC 6376 3.5 l=, t=, x=, q=, z=
  const auto add = [](const std::string& tag) { return kBase + "; " + tag; };
  expect_verdicts({
      {add("l="), "neutral l= is no number"},
      {add("l=x"), "neutral l= is no number"},
      {add("l=-1"), "neutral l= is no number"},
      {add("l=1 2"), "neutral l= is no number"},
      {add("l=0x10"), "neutral l= is no number"},
      {add("l=" + std::string(77, '0')), "neutral l= is no number"},
      {add("l=0"), "policy l= leaves 26 octets unsigned"},
      {add("l=25"), "policy l= leaves 1 octet unsigned"},
      {add("l=26"), "pass"},
      {add("l=" + std::string(74, '0') + "26"), "pass"},
      {add("l=27"), "permerror l= is larger than the body of 26 octets"},
      {add("l=4294967296"), "permerror l= is larger than the body of 26 octets"},
      {add("t="), "neutral t= is no time"},
      {add("t=now"), "neutral t= is no time"},
      {add("t=-1"), "neutral t= is no time"},
      {add("t=1750000000.5"), "neutral t= is no time"},
      {add("t=18446744073709551615"), "neutral t= is no time"},
      {add("t=1750000000"), "pass"},
      {add("t=1750000300"), "pass"},  // ClockDrift
      {add("t=1750000301"), "policy signed 5 minutes in the future"},
      {add("t=1750010800"), "policy signed 3 hours in the future"},
      {add("t=999999999999"), "policy signed 31654 years in the future"},
      {add("x="), "neutral x= is no time"},
      {add("x=never"), "neutral x= is no time"},
      {add("x=1749999700"), "pass"},  // ClockDrift
      {add("x=1749999699"), "policy signature expired 5 minutes ago"},
      {add("x=1749827200"), "policy signature expired 2 days ago"},
      {add("x=0"), "policy signature expired 55 years ago"},
      {add("x=999999999999"), "pass"},
      {add("t=1749999000; x=1749999000"), "permerror x= is not later than t="},
      {add("t=1749999001; x=1749999000"), "permerror x= is not later than t="},
      {add("q=dns/txt"), "pass"},
      {add("q=foo:dns/txt"), "pass"},
      {add("q=dns/txt : foo"), "pass"},
      {add("q="), "permerror q= names no known method"},
      {add("q=dns"), "permerror q= names no known method"},
      {add("q=foo"), "permerror q= names no known method"},
      {add("z=From:foo@eng.example.net|To:joe@example.com"), "pass"},
      {add("z=" + std::string(15'000, 'z')), "pass"},
  });
}

TEST(DkimCatalogue, BodyHash) {  // RFC 6376 3.5 bh=
  const std::string hash =
      encode_base64(body_hash_of(signed_sample().body, Canonicalization::relaxed));
  const auto bh = [](const std::string& value) { return with("bh={bh}", "bh=" + value); };
  expect_verdicts({
      {with("; bh={bh}", ""), "neutral bh= is missing"},
      {bh(hash.substr(0, 5) + "\r\n\t" + hash.substr(5, 20) + " " + hash.substr(25)), "pass"},
      {bh(""), "neutral bh= holds 0 octets, not the 32 of SHA-256"},
      {bh(hash.substr(0, 43)), "neutral bh= is broken: base64 is cut off or badly padded"},
      {bh(hash + "="), "neutral bh= is broken: base64 is cut off or badly padded"},
      {bh("AAAA" + hash), "neutral bh= holds 35 octets, not the 32 of SHA-256"},
      {bh("*"), "neutral bh= is broken: a character is not base64"},
      {bh(encode_base64(std::string(20, 'x'))),
       "neutral bh= holds 20 octets, not the 32 of SHA-256"},
      {bh(encode_base64(std::string(32, 'x'))), "fail body hash differs"},
  });
}

struct KeyRow {
  std::string zone;
  std::string verdict;
};

TEST(DkimCatalogue, KeyRecords) {  // RFC 6376 3.6.1, 6.1.2
  const auto key = rsa_test_key();
  const std::string record = key.record();
  const std::string p = record.substr(record.find("p="));
  const auto txt = [](const std::string& text) { return txt_record(kSampleKeyName, text); };
  const std::string at = " sel._domainkey.example.com";
  const auto bad = [](const std::string& why) { return "permerror bad key record: " + why; };
  const std::string ec =
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/"
      "m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==";
  const std::vector<KeyRow> rows = {
      {txt(record), "pass"},
      {txt(p), "pass"},
      {txt("k=rsa; " + p), "pass"},
      {txt(record + ";"), "pass"},
      {txt(record + "; x_unknown=1"), "pass"},
      {txt(record + "; x-unknown=1"), bad("a tag name is not a letter with letters, digits and _")},
      {txt(replace_all(record, "; ", "\t;\t")), "pass"},
      {txt(replace_all(record, "p=", "p = ")), "pass"},
      {txt(record.substr(0, 60) + " \t" + record.substr(60)), "pass"},
      {txt("n=a note; " + p), "pass"},
      {sample_zone(key, "g=*; "), "pass"},  // RFC 6376 C.1: g= is history and ignored
      {sample_zone(key, "g=other; "), "pass"},
      {sample_zone(key, "s=*; "), "pass"},
      {sample_zone(key, "s=email; "), "pass"},
      {sample_zone(key, "s=other : email; "), "pass"},
      {sample_zone(key, "s=other; "), "permerror the key's s= does not allow email"},
      {sample_zone(key, "s=; "), "permerror the key's s= does not allow email"},
      {sample_zone(key, "s=EMAIL; "), "permerror the key's s= does not allow email"},
      {sample_zone(key, "h=sha256; "), "pass"},
      {sample_zone(key, "h=sha1 : sha256; "), "pass"},
      {sample_zone(key, "h=sha1; "), "permerror the key's h= does not allow sha256"},
      {sample_zone(key, "h=; "), "permerror the key's h= does not allow sha256"},
      {sample_zone(key, "h=sha512; "), "permerror the key's h= does not allow sha256"},
      {sample_zone(key, "t=y; "), "pass"},
      {sample_zone(key, "t=s; "), "pass"},  // no i=
      {sample_zone(key, "t=y:s:unknown; "), "pass"},
      {sample_zone(key, "t=; "), "pass"},
      {txt("v=DKIM1; p="), "permerror key revoked"},
      {txt("p="), "permerror key revoked"},
      {txt("p= ;"), "permerror key revoked"},
      {txt("v=DKIM1; k=ed25519; p="), "permerror key revoked"},
      {txt("v=DKIM1"), bad("p= is missing")},
      {txt("v=DKIM1; k=rsa"), bad("p= is missing")},
      {txt(""), bad("a tag has no name")},
      {txt("not a record"), bad("a tag name is not a letter with letters, digits and _")},
      {txt("v=DKIM2; " + p), bad("v= is \"DKIM2\", not DKIM1")},
      {txt("v=dkim1; " + p), bad("v= is \"dkim1\", not DKIM1")},
      {txt("v=DKIM1.0; " + p), bad("v= is \"DKIM1.0\", not DKIM1")},
      {txt(p + "; v=DKIM1"), bad("v= is not the first tag")},
      {txt("v=spf1 -all"), bad("v= is \"spf1 -all\", not DKIM1")},
      {txt("v=DKIM1; k=; " + p), bad("k= is \"\", neither rsa nor ed25519")},
      {txt("v=DKIM1; k=RSA; " + p), bad("k= is \"RSA\", neither rsa nor ed25519")},
      {txt("v=DKIM1; k=ec; " + p), bad("k= is \"ec\", neither rsa nor ed25519")},
      {txt("v=DKIM1; k=rsa; k=rsa; " + p), bad("tag k appears twice")},
      {txt(record + "; p=AAAA"), bad("tag p appears twice")},
      {txt("v=DKIM1; p=####"), bad("p= is broken: a character is not base64")},
      {txt(record.substr(0, record.size() - 1)),
       bad("p= is broken: base64 is cut off or badly padded")},
      {txt("v=DKIM1; p=AAAA"), bad("p= holds no RSA key")},
      {txt(record.substr(0, record.size() - 8)), bad("p= holds no RSA key")},
      {txt("v=DKIM1; p=" + ec), bad("p= holds a key that is not RSA")},
      {txt("\\\"" + record + "\\\""), bad("a tag name is not a letter with letters, digits and _")},
      {txt(ed25519_test_key().record()), "permerror the key is ed25519, the signature rsa"},
      {txt(replace_all(record, "k=rsa", "k=ed25519")),
       "permerror the key is ed25519, the signature rsa"},
      {txt(record) + txt("v=DKIM1; p="), bad("2 key records where one is allowed")},
      {txt(record) + txt("v=DKIM1; p=AAAA"), bad("2 key records where one is allowed")},
      {txt(record) + txt("v=spf1 -all"), "pass"},
      {txt("v=spf1 -all") + txt("garbage") + txt(record), "pass"},
      {"", "permerror no key at" + at + ": no such name"},
      {"sel._domainkey.example.com. 60 IN A 192.0.2.1\n",
       "permerror no key at" + at + ": no TXT record"},
      {"below.sel._domainkey.example.com. 60 IN A 192.0.2.1\n",
       "permerror no key at" + at + ": no TXT record"},
      {"sel._domainkey.example.com. 60 IN CNAME key.example.net.\n" +
           txt_record("key.example.net", record),
       "pass"},
      {"sel._domainkey.example.com. 60 IN CNAME key.example.net.\n",
       "permerror no key at" + at + ": no such name"},
      {"sel._domainkey.example.com. 60 IN CNAME sel._domainkey.example.com.\n",
       "temperror the DNS failed for" + at + ": more than 16 CNAMEs in a row"},
      {"servfail" + at + "\n", "temperror the DNS failed for" + at + ": the zone text says so"},
      {"timeout" + at + "\n", "temperror the DNS did not answer in time for" + at},
  };
  for (const KeyRow& row : rows) {
    for (const DkimEngine engine : kEngines) {
      EXPECT_EQ(verdict_of(engine, signed_sample(), row.zone), row.verdict)
          << to_string(engine) << ": " << row.zone;
    }
  }
}

TEST(DkimCatalogue, TooManyRecordsAreNotRead) {
  std::string zone = sample_zone();
  for (int i = 0; i < 16; ++i) zone += txt_record(kSampleKeyName, "note " + std::to_string(i));
  for (const DkimEngine engine : kEngines) {
    EXPECT_EQ(verdict_of(engine, signed_sample(), zone),
              "permerror bad key record: 17 TXT records; at most 16 are read");
  }
}

TEST(DkimCatalogue,
     BareRsaPublicKeyIsAKeyToo) {  // RFC 6376 3.6.1 p=: RSAPublicKey of RFC 8017 A.1.1
  const auto key = rsa_test_key();
  unsigned char* der = nullptr;
  const int size = i2d_PublicKey(key.key.get(), &der);
  const std::string octets(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  for (const DkimEngine engine : kEngines) {
    EXPECT_EQ(verdict_of(engine, signed_sample(),
                         txt_record(kSampleKeyName, "v=DKIM1; p=" + encode_base64(octets))),
              "pass");
  }
}

TEST(DkimCatalogue, Ed25519Keys) {  // RFC 8463 4
  const auto key = ed25519_test_key();
  const auto message = signed_sample(with("rsa-sha256", "ed25519-sha256"), key);
  const auto k = [](const std::string& octets) {
    return txt_record(kSampleKeyName, "k=ed25519; p=" + encode_base64(octets));
  };
  const std::string raw = parse_dkim_record(key.record())->public_key;
  const std::string kSize = "permerror bad key record: p= does not hold the 32 octets of Ed25519";
  const std::vector<KeyRow> rows = {
      {sample_zone(key), "pass"},
      {k(raw), "pass"},
      {sample_zone(rsa_test_key()), "permerror the key is rsa, the signature ed25519"},
      {txt_record(kSampleKeyName, "p=" + encode_base64(raw)),
       "permerror the key is rsa, the signature ed25519"},
      {k(raw.substr(0, 31)), kSize},
      {k(raw + "x"), kSize},
      // RFC 8410 SubjectPublicKeyInfo, which RFC 8463 4.2 does not use.
      {k("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21" + std::string(1, '\0') + raw), kSize},
      {k(std::string(32, 'x')), "fail signature does not verify"},
  };
  for (const KeyRow& row : rows) {
    for (const DkimEngine engine : kEngines) {
      EXPECT_EQ(verdict_of(engine, message, row.zone), row.verdict)
          << to_string(engine) << ": " << row.zone;
    }
  }
}

}  // namespace
}  // namespace signet
