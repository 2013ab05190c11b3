// SPDX-License-Identifier: BSD-2-Clause
//
// Sets libopendkim up: options, field lists and the key lookup, which never asks the DNS but hands
// over what the message's owner fetched before.

#include "crypto/opendkim_library.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "crypto/dkim.h"
#include "crypto/signed_fields.h"

namespace signet {
namespace {

/// With the CRLF that finish() may add, a piece has at most 64 KiB.
constexpr size_t kMaxBodyPiece = 64 * 1024 - 2;
constexpr size_t kMaxWordOctets = 1024 * 1024;
constexpr unsigned int kMinimumKeyBits = 1024;  // RFC 8301 3.2

/// The library compares t= and x= with the system's clock. Verdicts here depend on the time they
/// are asked for, and crypto/dkim_signature.h has judged that; so the library's own tolerance is
/// put out of the way: 10^9 seconds, the most that keeps every t= since 2001 from underflowing.
constexpr uint64_t kClockDrift = 1'000'000'000;

/// Libraries kept for signing. A running program needs one; a reload may bring another.
constexpr size_t kKeptLibraries = 4;

/// The library makes one pattern of a list, which has room for 1,016 octets.
constexpr size_t kMaxListOctets = 900;

/// What makes one library for signing differ from another.
struct SigningSetup {
  std::chrono::seconds signature_ttl{0};
  std::vector<std::string> sign;
  std::vector<std::string> oversign;
  friend bool operator==(const SigningSetup&, const SigningSetup&) = default;
};

template <class T>
bool set_option(DKIM_LIB* library, dkim_opts_t option, T value) {
  return dkim_options(library, DKIM_OP_SETOPT, option, &value, sizeof value) == DKIM_STAT_OK;
}

bool set_names(DKIM_LIB* library, dkim_opts_t option, const std::vector<std::string>& names) {
  std::vector<const char*> list;
  for (const std::string& name : names) list.push_back(name.c_str());
  list.push_back(nullptr);
  // The library copies the list; it only forgot to say const.
  return dkim_options(library, DKIM_OP_SETOPT, option, const_cast<char**>(list.data()),
                      sizeof(char**)) == DKIM_STAT_OK;
}

std::string_view text_of(const unsigned char* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

/// Called from inside dkim_eom(). Only CONTINUE, NOTFOUND or TRYAGAIN; no exception may pass.
DKIM_CBSTAT look_up_key(DKIM* dkim, DKIM_SIGINFO* signature, unsigned char* buffer,
                        size_t size) noexcept try {
  const auto* keys = static_cast<const OpendkimKeys*>(dkim_get_user_context(dkim));
  if (keys == nullptr || size == 0) return DKIM_CBSTAT_TRYAGAIN;
  const std::string_view record = keys->key_record(text_of(dkim_sig_getselector(signature)),
                                                   text_of(dkim_sig_getdomain(signature)));
  if (record.empty()) return DKIM_CBSTAT_NOTFOUND;
  const size_t copied = std::min(record.size(), size - 1);
  std::memcpy(buffer, record.data(), copied);
  buffer[copied] = '\0';
  return DKIM_CBSTAT_CONTINUE;
} catch (...) {
  return DKIM_CBSTAT_TRYAGAIN;
}

/// Null if it can't be set up. It is closed with its last owner.
std::shared_ptr<DKIM_LIB> make_library() {
  std::shared_ptr<DKIM_LIB> library(dkim_init(nullptr, nullptr), [](DKIM_LIB* opened) {
    if (opened != nullptr) dkim_close(opened);
  });
  if (!library) return nullptr;
  const unsigned int flags = DKIM_LIBFLAGS_BADSIGHANDLES | DKIM_LIBFLAGS_DELAYSIGPROC;
  const bool good = set_option(library.get(), DKIM_OPTS_FLAGS, flags) &&
                    set_option(library.get(), DKIM_OPTS_CLOCKDRIFT, kClockDrift) &&
                    set_option(library.get(), DKIM_OPTS_MINKEYBITS, kMinimumKeyBits) &&
                    dkim_set_key_lookup(library.get(), look_up_key) == DKIM_STAT_OK;
  if (!good) library.reset();
  return library;
}

/// True if the library reads the name as itself, not as a pattern of names.
bool is_plain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_';
  });
}

bool can_take(const std::vector<std::string>& names) {
  size_t octets = 0;
  for (const std::string& name : names) octets += name.size() + 1;
  return octets <= kMaxListOctets && std::all_of(names.begin(), names.end(), is_plain);
}

std::shared_ptr<DKIM_LIB> make_signing_library(const SigningSetup& setup) {
  // Every name that is signed once more is also in the list of those that are signed.
  if (!can_take(setup.sign)) return nullptr;
  auto library = make_library();
  if (!library) return nullptr;
  const auto ttl = static_cast<uint64_t>(setup.signature_ttl.count());
  const bool good = set_option(library.get(), DKIM_OPTS_SIGNATURETTL, ttl) &&
                    set_names(library.get(), DKIM_OPTS_SIGNHDRS, setup.sign) &&
                    set_names(library.get(), DKIM_OPTS_OVERSIGNHDRS, setup.oversign);
  if (!good) library.reset();
  return library;
}

/// The libraries for signing that were asked for last, the last one first.
class SigningLibraries {
 public:
  std::shared_ptr<DKIM_LIB> get(SigningSetup setup) {
    const std::scoped_lock lock(mutex_);
    const auto kept =
        std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.setup == setup; });
    if (kept != kept_.end()) {
      std::rotate(kept_.begin(), kept, kept + 1);
      return kept_.front().library;
    }
    if (kept_.size() == kKeptLibraries) kept_.pop_back();
    auto library = make_signing_library(setup);
    kept_.insert(kept_.begin(), Kept{std::move(setup), library});
    return library;
  }

 private:
  struct Kept {
    SigningSetup setup;
    std::shared_ptr<DKIM_LIB> library;
  };
  std::mutex mutex_;
  std::vector<Kept> kept_;
};

}  // namespace

DKIM_LIB* opendkim_library() {
  static const std::shared_ptr<DKIM_LIB> kLibrary = make_library();
  return kLibrary.get();
}

std::shared_ptr<DKIM_LIB> opendkim_signing_library(const DkimSignOptions& options) {
  static SigningLibraries libraries;
  return libraries.get({options.signature_ttl, names_to_sign(options), names_to_oversign(options)});
}

DKIM_STAT feed_field(DKIM* dkim, const HeaderField& field) {
  std::string text = field.name + ":" + field.value;
  return dkim_header(dkim, reinterpret_cast<unsigned char*>(text.data()), text.size());
}

void OpendkimBody::update(std::string_view octets) {
  while (!octets.empty()) {
    const size_t taken = std::min(octets.size(), kMaxBodyPiece - held_.size());
    held_ += octets.substr(0, taken);
    octets.remove_prefix(taken);
    if (held_.size() < kMaxBodyPiece) return;
    // A line longer than a piece is cut where the piece ends, but never between CR and LF.
    const size_t line_end = held_.rfind("\r\n");
    const size_t cut = line_end != std::string::npos ? line_end + 2 : held_.size();
    feed(held_.ends_with('\r') && cut == held_.size() ? cut - 1 : cut);
  }
}

DKIM_STAT OpendkimBody::finish() {
  if (word_octets_ > kMaxWordOctets) {
    held_ = "\r\n";
    word_octets_ = 0;
  }
  if (!held_.empty()) {
    if (!held_.ends_with("\r\n")) held_ += "\r\n";
    feed(held_.size());
  }
  return status_;
}

void OpendkimBody::feed(size_t octets) {
  measure_word(std::string_view(held_).substr(0, octets));
  if (word_octets_ <= kMaxWordOctets) {
    const DKIM_STAT status =
        dkim_body(dkim_, reinterpret_cast<unsigned char*>(held_.data()), octets);
    if (status_ == DKIM_STAT_OK) status_ = status;
  }
  held_.erase(0, octets);
}

/// Once over the limit it stays there.
void OpendkimBody::measure_word(std::string_view octets) {
  if (word_octets_ > kMaxWordOctets) return;
  const size_t blank = octets.find_last_of(" \t");
  const size_t line_end = octets.rfind("\r\n");
  const size_t after_blank = blank == std::string_view::npos ? 0 : blank + 1;
  const size_t after_line = line_end == std::string_view::npos ? 0 : line_end + 2;
  const size_t start = std::max(after_blank, after_line);
  word_octets_ = start == 0 ? word_octets_ + octets.size() : octets.size() - start;
}

std::string dkim_library_versions() {
  const uint32_t version = dkim_libversion();
  return fmt::format("libopendkim {}.{}.{}\n{}", version >> 24, version >> 16 & 0xff,
                     version >> 8 & 0xff, OpenSSL_version(OPENSSL_VERSION));
}

}  // namespace signet
