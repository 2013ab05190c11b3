// SPDX-License-Identifier: BSD-2-Clause
//
// libopendkim is called here with octets that we wrote ourselves and with one text from the DNS,
// the record of a key of our own, after our own parser has read it.

#include "crypto/second_opinion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "crypto/opendkim_library.h"

namespace signet {
namespace {

/// One record, whatever name is asked for.
class OneRecord final : public OpendkimKeys {
 public:
  explicit OneRecord(std::string_view record) : record_(record) {}
  std::string_view key_record(std::string_view /*selector*/,
                              std::string_view /*domain*/) const override {
    return record_;
  }

 private:
  std::string_view record_;
};

SecondOpinion no_opinion(std::string_view why) { return {false, std::string(why)}; }

bool feed_message(DKIM* dkim, const std::vector<HeaderField>& fields, std::string_view body) {
  // As in front of every message that the library gets: a field that no signature names.
  if (feed_field(dkim, {"X-Signet-Probe", " -"}) != DKIM_STAT_OK) return false;
  for (const HeaderField& field : fields) {
    if (feed_field(dkim, field) != DKIM_STAT_OK) return false;
  }
  if (dkim_eoh(dkim) != DKIM_STAT_OK) return false;
  OpendkimBody fed_body(dkim);
  fed_body.update(body);
  return fed_body.finish() == DKIM_STAT_OK;
}

SecondOpinion judge(DKIM_SIGINFO* signature) {
  const int error = dkim_sig_geterror(signature);
  const bool passed = (dkim_sig_getflags(signature) & DKIM_SIGFLAG_PASSED) != 0;
  // Passed means all three; each of them alone has been seen without the others.
  if (error == DKIM_SIGERROR_OK && passed && dkim_sig_getbh(signature) == DKIM_SIGBH_MATCH) {
    return {true, {}};
  }
  const char* text = dkim_sig_geterrorstr(error);
  return no_opinion(text == nullptr || error == DKIM_SIGERROR_OK ? "no verdict" : text);
}

}  // namespace

bool can_ask_for_second_opinion(std::string_view key_record) {
  return key_record.size() <= kOpendkimKeyRecordOctets &&
         std::all_of(key_record.begin(), key_record.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

SecondOpinion second_opinion(const std::vector<HeaderField>& fields, std::string_view body,
                             std::string_view key_record) {
  DKIM_LIB* library = opendkim_library();
  if (library == nullptr) return no_opinion("libopendkim could not be set up");
  OneRecord keys(key_record);  // outlives the handle, which points to it
  DKIM_STAT status = DKIM_STAT_OK;
  const auto* id = reinterpret_cast<const unsigned char*>("-");
  const DkimHandle dkim(dkim_verify(library, id, nullptr, &status));
  if (!dkim) return no_opinion("libopendkim is out of memory");
  dkim_set_user_context(dkim.get(), static_cast<OpendkimKeys*>(&keys));
  if (!feed_message(dkim.get(), fields, body)) return no_opinion("it could not read the message");
  // What dkim_eom() returns says nothing about this signature.
  dkim_eom(dkim.get(), nullptr);
  DKIM_SIGINFO** signatures = nullptr;
  int count = 0;
  if (dkim_getsiglist(dkim.get(), &signatures, &count) != DKIM_STAT_OK || count != 1) {
    return no_opinion("it does not see one signature");
  }
  return judge(signatures[0]);
}

std::vector<DkimVerdict> second_opinion(const std::vector<HeaderField>& fields,
                                        std::string_view body, const std::optional<Name>& author,
                                        DkimVerifyOptions options, Resolver& resolver,
                                        std::shared_ptr<LookupBudget> budget,
                                        std::chrono::sys_seconds now) {
  options.maximum_library_octets = SIZE_MAX;  // nobody else's opinion is asked for
  const auto verifier =
      make_dkim_verifier(DkimEngine::libopendkim, options, resolver, std::move(budget));
  for (const HeaderField& field : fields) verifier->header(field);
  verifier->end_of_headers(author);
  verifier->body(body);
  return verifier->finish(now);
}

}  // namespace signet
