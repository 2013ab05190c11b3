// SPDX-License-Identifier: BSD-2-Clause
//
// KeyTable: OpenDKIM's table that gives keys names for the SigningTable (opendkim.conf(5),
// KeyTable). Lines of `NAME DOMAIN:SELECTOR:KEYFILE`. `%` as the DOMAIN is that of the From field,
// and so is each `%` in the KEYFILE; the files such a path stands for are looked for when the table
// is loaded, like all others, so a key for one more domain takes a reload. Of two lines with one
// name the first counts.
//
// Deviates: OpenDKIM takes a key in place of its path, too. Here a key has a file of its own,
// whose owner and mode are checked.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key.h"
#include "dns/name.h"
#include "dns/result.h"

namespace signet {

/// One line, read but without its key.
struct KeyTableLine {
  int number = 0;
  std::string name;
  std::optional<Name> domain;  ///< d=; absent: that of the From field
  std::string selector;
  std::string path;  ///< absolute; `%`: the From domain
};

/// The lines of a table. The Error lists all that is wrong, `SOURCE:LINE: ...` each, and quotes
/// nothing that may be a key.
Result<std::vector<KeyTableLine>> parse_key_table(std::string_view text, const std::string& source);

/// The table with its keys. Any thread, once loaded and told what to expect.
class KeyTable {
 public:
  using KeyPointer = std::shared_ptr<const SigningKey>;

  KeyTable() = default;

  /// Reads the key files. One that cannot be used stops its key alone (problems()), and if
  /// `previous` has that file's key, it stays in use (stale()).
  static KeyTable load(const std::vector<KeyTableLine>& lines, const std::string& source,
                       const KeyTable* previous = nullptr);

  bool has(std::string_view name) const { return entry(name) != nullptr; }
  /// The key of that name for mail from `author`. The Error says why there is none.
  Result<KeyPointer> find(std::string_view name, const Name& author) const;
  /// `author`'s mail is signed with that key: makes it one of keys() even if its domain is %.
  void expect(std::string_view name, const Name& author);
  /// Every key whose domain is known.
  std::vector<KeyPointer> keys() const;

  /// One line for each file or line that could not be used, `TABLE:LINE: ` and the reason.
  const std::vector<std::string>& problems() const { return problems_; }
  /// One such line for each file and directory whose old keys stay in use instead.
  const std::vector<std::string>& stale() const { return stale_; }

 private:
  struct Entry {
    KeyTableLine line;
    KeyPointer key;                        ///< null if there is none, or one for each author
    std::map<Name, KeyPointer> by_author;  ///< those for a From domain known beforehand
  };

  const Entry* entry(std::string_view name) const;
  void load_entry(Entry& entry, const KeyTable* previous);
  void load_author_keys(Entry& entry, const KeyTable* previous);
  KeyPointer key_under(const std::string& path, const Entry& entry, const Name& domain,
                       const KeyTable* previous);
  KeyPointer load_file(const std::string& path, const Entry& entry, const Name& domain,
                       const KeyTable* previous);
  std::string place(const KeyTableLine& line) const;

  std::string source_;
  std::map<std::string, Entry, std::less<>> entries_;
  /// What each file gave; null: nothing that can be used.
  std::map<std::string, KeyPointer> files_;
  std::vector<std::string> problems_;
  std::vector<std::string> stale_;
};

}  // namespace signet
