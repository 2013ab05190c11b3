// SPDX-License-Identifier: BSD-2-Clause

#include "milter/signing/signing_rules.h"

#include <fmt/format.h>

#include "milter/config/config_values.h"
#include "milter/log.h"
#include "milter/signing/table_file.h"

namespace signet {
namespace {

constexpr std::string_view kPatternTable = "refile:";

/// Errors of several tables, gathered.
class AllErrors {
 public:
  /// What `result` holds; something empty in case of an error, which is kept.
  template <class T>
  T take(Result<T> result) {
    if (result) return *std::move(result);
    add(result.error());
    return T{};
  }
  void add(std::string_view error) {
    if (!text_.empty()) text_ += '\n';
    text_ += error;
  }
  bool empty() const { return text_.empty(); }
  Error error() && { return Error{std::move(text_)}; }

 private:
  std::string text_;
};

Result<std::vector<KeyTableLine>> read_key_table(const Config& config) {
  const Result<std::string> text = read_table(config, "KeyTable", config.key_table);
  if (!text) return Error{text.error()};
  return parse_key_table(*text, config.key_table);
}

Result<SigningTable> read_signing_table(const Config& config, const std::string& path,
                                        SigningTable::Kind kind) {
  const Result<std::string> text = read_table(config, "SigningTable", path);
  if (!text) return Error{text.error()};
  return SigningTable::parse(*text, path, kind);
}

Result<SenderLogins> read_sender_logins(const Config& config) {
  const Result<std::string> text = read_table(config, "SenderLogins", config.sender_logins);
  if (!text) return Error{text.error()};
  return SenderLogins::parse(*text, config.sender_logins);
}

/// Every key that `table` names must be there, or the wrong mail would go out unsigned.
void check_key_names(const SigningTable& table, const std::string& path,
                     const std::vector<KeyTableLine>& keys, AllErrors& errors) {
  std::set<std::string_view> names;
  for (const KeyTableLine& key : keys) names.insert(key.name);
  TableErrors missing(path);
  for (const SigningTableLine& line : table.lines()) {
    if (line.key_name == "%" || names.contains(line.key_name)) continue;
    missing.add(line.number, fmt::format("want the name of a key in KeyTable, got {}",
                                         log_quoted(line.key_name)));
  }
  if (!missing.empty()) errors.add(missing.error().text);
}

/// i= for mail from `author`; empty if it is not within d=.
std::string auid_for(const SigningTableLine& line, const Name& author, const Name& signer) {
  const std::string auid = replace_percent(line.auid, author.text());
  const Result<Name> domain = parse_domain(auid.substr(auid.rfind('@') + 1));
  // RFC 6376 3.5: i= "MUST be the same as, or a subdomain of, the value of the "d=" tag".
  return domain && domain->is_at_or_below(signer) ? auid : std::string();
}

SigningChoice choice(const std::vector<std::shared_ptr<const SigningKey>>& keys, std::string rule) {
  SigningChoice choice;
  for (const auto& key : keys) choice.signatures.push_back({key, {}});
  choice.rule = std::move(rule);
  return choice;
}

}  // namespace

Result<SigningRules> SigningRules::load(const Config& config, const SigningRules* previous) {
  SigningRules rules;
  rules.own_domain_ = config.domain;
  rules.sign_subdomains_ = config.sign_subdomains;
  AllErrors errors;
  std::vector<KeyTableLine> key_lines;
  if (!config.key_table.empty()) key_lines = errors.take(read_key_table(config));
  const bool keys_known = errors.empty();
  if (!config.signing_table.empty()) {
    const bool patterns = config.signing_table.starts_with(kPatternTable);
    rules.signing_table_path_ = config.signing_table.substr(patterns ? kPatternTable.size() : 0);
    rules.signing_table_ = errors.take(
        read_signing_table(config, rules.signing_table_path_,
                           patterns ? SigningTable::Kind::patterns : SigningTable::Kind::plain));
    if (keys_known) {
      check_key_names(*rules.signing_table_, rules.signing_table_path_, key_lines, errors);
    }
  }
  if (!config.sender_logins.empty()) {
    rules.sender_logins_ = errors.take(read_sender_logins(config));
  }
  if (!errors.empty()) return std::move(errors).error();

  rules.key_table_ = KeyTable::load(key_lines, config.key_table,
                                    previous == nullptr ? nullptr : &previous->key_table_);
  if (rules.signing_table_) {
    for (const SigningTableLine& line : rules.signing_table_->lines()) {
      const Name host = host_of_pattern(line.pattern);
      if (!host.is_root()) rules.key_table_.expect(line.key_name, host);
    }
  }
  for (const auto& key : rules.key_table_.keys()) rules.signers_.insert(key->domain());
  return rules;
}

SigningChoice SigningRules::choose(const KeyStore& keys, const Author& author) const {
  const Name& domain = author.domains.front();
  if (signing_table_) {
    const SigningTableLine* line = signing_table_->find(author.addresses.front(), domain);
    if (line != nullptr) return follow(*line, domain);
  }
  if (keys.holds(domain)) {
    const bool own = own_domain_ == domain;
    return choice(keys.keys_for(domain), (own ? "Domain " : "KeyDirectory ") + domain.text());
  }
  if (sign_subdomains_) {
    // No i= for the subdomain: RFC 6376 3.6.1, verifiers refuse it where the key record says t=s,
    // and nothing is gained by it.
    for (Name above = domain.parent(); !above.is_root(); above = above.parent()) {
      if (keys.holds(above)) return choice(keys.keys_for(above), "SignSubdomains " + above.text());
    }
  }
  return {{}, {}, describe_missing(author)};
}

SigningChoice SigningRules::follow(const SigningTableLine& line, const Name& author) const {
  SigningChoice choice;
  choice.rule =
      fmt::format("SigningTable {}:{} {}", signing_table_path_, line.number, line.pattern);
  const std::string& name = line.key_name == "%" ? author.text() : line.key_name;
  const Result<KeyTable::KeyPointer> key = key_table_.find(name, author);
  if (key) {
    choice.signatures.push_back({*key, auid_for(line, author, (*key)->domain())});
  } else {
    choice.unsigned_reason = key.error();
  }
  return choice;
}

std::string SigningRules::describe_missing(const Author& author) const {
  std::string text = "no key for " + author.domains.front().text();
  if (sign_subdomains_) text += " or a domain above it";
  if (signing_table_) text += "; SigningTable has no line for " + author.addresses.front();
  return text;
}

const Name* SigningRules::forbidden_domain(std::string_view login, const Author& author) const {
  if (!sender_logins_) return nullptr;
  for (const Name& domain : author.domains) {
    if (!sender_logins_->allows(login, domain)) return &domain;
  }
  return nullptr;
}

std::vector<std::string> SigningRules::warnings() const {
  return signing_table_ ? signing_table_->warnings() : std::vector<std::string>();
}

}  // namespace signet
