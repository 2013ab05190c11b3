// SPDX-License-Identifier: BSD-2-Clause
//
// null_milter SOCKET: a filter that looks at nothing and adds one header field. What it costs is
// what libmilter costs at least: the row of the table that no filter on this library can get below.
// It negotiates what signet-milter does: replies at MAIL and at the end only, no steps it does not
// need.

#include <libmilter/mfapi.h>

#include <cstdio>
#include <string>

namespace {

constexpr unsigned long kProtocol = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_EOH |
                                    SMFIP_NR_BODY | SMFIP_NORCPT | SMFIP_NODATA | SMFIP_NOUNKNOWN |
                                    SMFIP_HDR_LEADSPC;

// A constant, so that there is no state: the MTAs that matter here offer all of it.
constexpr sfsistat kGoOn = SMFIS_NOREPLY;

sfsistat on_negotiate(SMFICTX* /*context*/, unsigned long /*actions*/, unsigned long protocol,
                      unsigned long /*unused*/, unsigned long /*unused*/, unsigned long* actions,
                      unsigned long* our_protocol, unsigned long* unused2, unsigned long* unused3) {
  if ((protocol & kProtocol) != kProtocol) return SMFIS_REJECT;
  *actions = SMFIF_ADDHDRS;
  *our_protocol = kProtocol;
  *unused2 = *unused3 = 0;
  return SMFIS_CONTINUE;
}
sfsistat on_connect(SMFICTX* /*context*/, char* /*name*/, _SOCK_ADDR* /*address*/) { return kGoOn; }
sfsistat on_helo(SMFICTX* /*context*/, char* /*name*/) { return kGoOn; }
sfsistat on_mail(SMFICTX* /*context*/, char** /*arguments*/) { return SMFIS_CONTINUE; }
sfsistat on_header(SMFICTX* /*context*/, char* /*name*/, char* /*value*/) { return kGoOn; }
sfsistat on_end_of_headers(SMFICTX* /*context*/) { return kGoOn; }
sfsistat on_body(SMFICTX* /*context*/, unsigned char* /*octets*/, size_t /*size*/) { return kGoOn; }

sfsistat on_end_of_message(SMFICTX* context) {
  std::string name = "X-Null";
  std::string value = " 1";
  return smfi_insheader(context, 0, name.data(), value.data()) == MI_SUCCESS ? SMFIS_CONTINUE
                                                                             : SMFIS_TEMPFAIL;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: null_milter SOCKET\n", stderr);
    return 64;
  }
  std::string name = "null";
  smfiDesc description{};
  description.xxfi_name = name.data();
  description.xxfi_version = SMFI_VERSION;
  description.xxfi_flags = SMFIF_ADDHDRS;
  description.xxfi_connect = on_connect;
  description.xxfi_helo = on_helo;
  description.xxfi_envfrom = on_mail;
  description.xxfi_header = on_header;
  description.xxfi_eoh = on_end_of_headers;
  description.xxfi_body = on_body;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_negotiate = on_negotiate;
  if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS) return 1;
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}
