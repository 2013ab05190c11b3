// SPDX-License-Identifier: BSD-2-Clause
//
// The keywords of the limits. A test compares them with the table of options.

#include "dns/limit.h"

#include <cassert>

namespace signet {

std::string_view to_string(Limit limit) {
  switch (limit) {
    case Limit::message_time:
      return "MessageTimeout";
    case Limit::dns_questions:
      return "MaximumDNSQuestions";
    case Limit::spf_terms:
      return "MaximumSPFTerms";
    case Limit::spf_void_lookups:
      return "MaximumSPFVoidLookups";
    case Limit::spf_mx_hosts:
      return "MaximumSPFMXHosts";
    case Limit::spf_ptr_names:
      return "MaximumSPFPTRNames";
    case Limit::dmarc_queries:
      return "MaximumDMARCQueries";
    case Limit::tag_list_octets:
      return "MaximumTagListOctets";
    case Limit::header_fields:
      return "MaximumHeaderFields";
    case Limit::header_octets:
      return "MaximumHeaderOctets";
    case Limit::signatures_present:
      return "MaximumSignaturesPresent";
    case Limit::signatures:
      return "MaximumSignatures";
    case Limit::signed_fields:
      return "MaximumSignedFields";
    case Limit::body_hashes:
      return "MaximumBodyHashes";
    case Limit::least_key_bits:
      return "MinimumKeyBits";
    case Limit::most_key_bits:
      return "MaximumKeyBits";
  }
  assert(false);
  return "";
}

}  // namespace signet
