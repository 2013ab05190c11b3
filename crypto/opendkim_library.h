// SPDX-License-Identifier: BSD-2-Clause
//
// What signing and verifying with libopendkim share: the library handle, the owner of a message's
// handle, and how fields and bodies are fed to it. This header and the two dkim_opendkim_* files
// are the only ones that know the library.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

// <opendkim/dkim.h> is C that says _Bool, a word that C++ lacks.
#define _Bool bool
#include <opendkim/dkim.h>
#undef _Bool

#include "crypto/dkim.h"
#include "crypto/message.h"

namespace signet {

/// One message's handle; dkim_free() on every path.
struct FreeDkim {
  void operator()(DKIM* dkim) const { dkim_free(dkim); }
};
using DkimHandle = std::unique_ptr<DKIM, FreeDkim>;

/// The library as it verifies, set up once for all threads and closed when the process ends; null
/// if it can't be set up. Any thread.
DKIM_LIB* opendkim_library();

/// The library as it signs with these options. The lists of fields and the lifetime of signatures
/// are options of the library as a whole, so there is one for each that differ in them. The few
/// that were asked for last are kept for who asks next; one in use lives as long as it is. Null if
/// the library can't be set up, and for lists that it would not read as names: it compares
/// patterns. Any thread.
std::shared_ptr<DKIM_LIB> opendkim_signing_library(const DkimSignOptions& options);

/// The answer to a key lookup inside libopendkim: `context` is what the message's owner gave to
/// dkim_set_user_context(). The text of the key record, or an empty one if there is none.
class OpendkimKeys {
 public:
  virtual ~OpendkimKeys() = default;
  virtual std::string_view key_record(std::string_view selector, std::string_view domain) const = 0;
};

/// Longest key record that the library's buffer takes.
inline constexpr size_t kOpendkimKeyRecordOctets = 1023;

/// dkim_header() for one field: `Name:value`, CRLF folding, no CRLF at its end.
DKIM_STAT feed_field(DKIM* dkim, const HeaderField& field);

/// Gives the library a body in pieces that it hashes the same way however the body arrived: of at
/// most 64 KiB, cut after a CRLF where there is one, the last one ending in CRLF. The library keeps
/// a word of the body in memory until it ends, so what follows a megabyte without white space is
/// not fed: the library's body hash is then wrong, and both who sign and who verify compare it with
/// ours.
class OpendkimBody {
 public:
  explicit OpendkimBody(DKIM* dkim) : dkim_(dkim) {}
  void update(std::string_view octets);
  /// The rest, completed with CRLF if it lacks one. The status is the first that was not OK.
  DKIM_STAT finish();

 private:
  void feed(size_t octets);
  void measure_word(std::string_view octets);

  DKIM* dkim_;
  std::string held_;
  size_t word_octets_ = 0;  ///< fed since the last white space
  DKIM_STAT status_ = DKIM_STAT_OK;
};

}  // namespace signet
