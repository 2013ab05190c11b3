// SPDX-License-Identifier: BSD-2-Clause
//
// Feeds any octets to parse_domain() and parse_query_name(). Whatever becomes a Name must be within
// RFC 1035's limits, come back unchanged when parsed again, and step to the root label by label.

#include <algorithm>
#include <cstdint>

#include "dns/name.h"
#include "tests/fuzz/require.h"

namespace {

using signet::require;

void check_steps(const signet::Name& name) {
  require(name.text().size() <= 253);
  require(name.label_count() <= 127);
  signet::Name above = name;
  for (int labels = name.label_count(); labels > 0; --labels) {
    require(above.label_count() == labels);
    require(above == name.last_labels(labels));
    require(name.is_at_or_below(above));
    require(above.text().find('.') != 0 &&
            above.text().substr(0, above.text().find('.')).size() <= 63);
    above = above.parent();
  }
  require(above.is_root());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto domain = signet::parse_domain(text)) {
    check_steps(*domain);
    require(domain->label_count() > 0);
    require(std::all_of(domain->text().begin(), domain->text().end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    }));
    require(*signet::parse_domain(domain->text()) == *domain);
    require(*signet::parse_query_name(domain->text()) == *domain);
  }
  if (const auto name = signet::parse_query_name(text)) {
    check_steps(*name);
    require(*signet::parse_query_name(name->text() + ".") == *name);
    const auto below = signet::prepend_labels("_dmarc", *name);
    require(!below || (below->parent() == *name && below->text().starts_with("_dmarc")));
  }
  return 0;
}
