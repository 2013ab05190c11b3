// SPDX-License-Identifier: BSD-2-Clause
//
// A key file may stand in many lines, for as many domains; it is read once.

#include "milter/signing/key_table.h"

#include <fmt/format.h>

#include "dns/dkim_record.h"
#include "milter/config/config_values.h"
#include "milter/log.h"
#include "milter/signing/key_path.h"
#include "milter/signing/table_file.h"

namespace signet {
namespace {

constexpr std::string_view kShape = "want NAME DOMAIN:SELECTOR:KEYFILE";

/// What follows the name. Of what stands behind the second colon an Error says nothing: it may be
/// a key.
Result<KeyTableLine> parse_value(std::string_view value) {
  const size_t first = value.find(':');
  const size_t second = first == value.npos ? first : value.find(':', first + 1);
  if (second == value.npos) return Error{fmt::format("{}; a colon is missing", kShape)};
  const std::string_view domain = value.substr(0, first);
  const std::string_view path = value.substr(second + 1);

  KeyTableLine line;
  const Result<std::string> selector = parse_selector(value.substr(first + 1, second - first - 1));
  if (!selector) return Error{selector.error()};
  line.selector = *selector;
  if (domain != "%") {
    const Result<Name> name = parse_domain(domain);
    if (!name) return unwanted("a domain or % before the first colon", domain);
    if (const auto record = dkim_record_name(line.selector, *name); !record) {
      return Error{record.error()};
    }
    line.domain = *name;
  }
  if (!path.starts_with('/')) {
    return Error{
        "want the absolute path of a key file after the second colon; a key that stands in the "
        "table itself belongs into a file of its own, with mode 0600"};
  }
  line.path = path;
  return line;
}

}  // namespace

Result<std::vector<KeyTableLine>> parse_key_table(std::string_view text,
                                                  const std::string& source) {
  std::vector<KeyTableLine> lines;
  TableErrors errors(source);
  for_each_table_line(text, errors, [&](const TableLine& table_line) {
    if (table_line.value.empty()) {
      return errors.add(table_line.number, fmt::format("{}, got one word", kShape));
    }
    Result<KeyTableLine> line = parse_value(table_line.value);
    if (!line) return errors.add(table_line.number, line.error());
    line->number = table_line.number;
    line->name = table_line.word;
    lines.push_back(*std::move(line));
  });
  if (!errors.empty()) return errors.error();
  return lines;
}

KeyTable KeyTable::load(const std::vector<KeyTableLine>& lines, const std::string& source,
                        const KeyTable* previous) {
  KeyTable table;
  table.source_ = source;
  for (const KeyTableLine& line : lines) {
    const auto [entry, is_new] = table.entries_.try_emplace(line.name, Entry{line, nullptr, {}});
    if (is_new) {
      table.load_entry(entry->second, previous);
    } else {
      table.problems_.push_back(fmt::format("{}: {} stands on line {} already, which counts",
                                            table.place(line), log_quoted(line.name),
                                            entry->second.line.number));
    }
  }
  return table;
}

void KeyTable::load_entry(Entry& entry, const KeyTable* previous) {
  const KeyTableLine& line = entry.line;
  if (line.path.find('%') != std::string::npos) return load_author_keys(entry, previous);
  entry.key = key_under(line.path, entry, line.domain.value_or(Name()), previous);
}

/// The path holds a %: a key for each author there is a file for.
void KeyTable::load_author_keys(Entry& entry, const KeyTable* previous) {
  const KeyTableLine& line = entry.line;
  const Result<std::vector<AuthorKeyPath>> found = find_author_key_paths(line.path);
  if (!found) {
    const Entry* old = previous == nullptr ? nullptr : previous->entry(line.name);
    const bool keeps = old != nullptr && old->line.path == line.path;
    if (keeps) entry.by_author = old->by_author;
    (keeps ? stale_ : problems_).push_back(fmt::format("{}: {}", place(line), found.error()));
    return;
  }
  for (const AuthorKeyPath& file : *found) {
    KeyPointer key = key_under(file.path, entry, line.domain.value_or(file.author), previous);
    if (key) entry.by_author.emplace(file.author, std::move(key));
  }
}

/// The key in a file, or null. `domain` is the root if it comes with the message.
KeyTable::KeyPointer KeyTable::key_under(const std::string& path, const Entry& entry,
                                         const Name& domain, const KeyTable* previous) {
  const auto [file, is_new] = files_.try_emplace(path, nullptr);
  if (is_new) file->second = load_file(path, entry, domain, previous);
  if (!file->second) return nullptr;
  Result<KeyPointer> named = file->second->under(domain, entry.line.selector);
  if (named) return *std::move(named);
  problems_.push_back(fmt::format("{}: {}", place(entry.line), named.error()));
  return nullptr;
}

KeyTable::KeyPointer KeyTable::load_file(const std::string& path, const Entry& entry,
                                         const Name& domain, const KeyTable* previous) {
  Result<KeyPointer> loaded = SigningKey::load(path, domain, entry.line.selector);
  if (loaded) return *std::move(loaded);
  KeyPointer old;
  if (previous != nullptr && key_file_may_exist(path)) {
    const auto file = previous->files_.find(path);
    if (file != previous->files_.end()) old = file->second;
  }
  (old ? stale_ : problems_).push_back(fmt::format("{}: {}", place(entry.line), loaded.error()));
  return old;
}

std::string KeyTable::place(const KeyTableLine& line) const {
  return fmt::format("{}:{}", source_, line.number);
}

const KeyTable::Entry* KeyTable::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

Result<KeyTable::KeyPointer> KeyTable::find(std::string_view name, const Name& author) const {
  const Entry* const found = entry(name);
  if (found == nullptr) return Error{fmt::format("KeyTable has no key {}", name)};
  if (const auto own = found->by_author.find(author); own != found->by_author.end()) {
    return own->second;
  }
  if (!found->key) {
    return Error{fmt::format("KeyTable {} has no usable key file", place(found->line))};
  }
  if (found->line.domain) return found->key;
  return found->key->for_domain(author);
}

void KeyTable::expect(std::string_view name, const Name& author) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !found->second.key || found->second.line.domain) return;
  Result<KeyPointer> key = found->second.key->for_domain(author);
  if (key) found->second.by_author.emplace(author, *std::move(key));
}

std::vector<KeyTable::KeyPointer> KeyTable::keys() const {
  std::vector<KeyPointer> keys;
  for (const auto& [name, entry] : entries_) {
    if (entry.key && entry.line.domain) keys.push_back(entry.key);
    for (const auto& [author, key] : entry.by_author) keys.push_back(key);
  }
  return keys;
}

}  // namespace signet
