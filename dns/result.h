// SPDX-License-Identifier: BSD-2-Clause
//
// Result<T>: a value, or an Error that says in one line what went wrong and what was expected.
//
// It is for failures that a caller must deal with: a file that cannot be read, a record that does
// not parse. What a protocol defines as an outcome (SpfResult::permerror) is a plain value instead,
// and a broken invariant is an assert. Any thread; a Result is an ordinary value.

#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace signet {

/// Why something could not be done: one line for a person, without a final full stop.
struct Error {
  std::string text;

  friend bool operator==(const Error&, const Error&) = default;
};

/// Either a T or an Error. Test with ok() or `if (result)`, then read with `*`, `->` or error().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}        // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}    // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  const T& operator*() const& { return *checked(); }
  T& operator*() & { return *const_cast<T*>(checked()); }
  T&& operator*() && { return std::move(*const_cast<T*>(checked())); }
  const T* operator->() const { return checked(); }
  T* operator->() { return const_cast<T*>(checked()); }

  /// The reason; only when !ok().
  const std::string& error() const {
    assert(!ok());
    return std::get<1>(state_).text;
  }

 private:
  const T* checked() const {
    assert(ok());
    return &std::get<0>(state_);
  }

  std::variant<T, Error> state_;
};

}  // namespace signet
