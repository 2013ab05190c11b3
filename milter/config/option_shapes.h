// SPDX-License-Identifier: BSD-2-Clause
//
// Constructors of rows for the table in config_options.cc, one for each shape of value. Each makes
// of a keyword, a member of Config and what may stand there a ConfigOption that parses and prints.

#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "milter/config/config_options.h"
#include "milter/config/config_values.h"

namespace signet {

/// `member` is a pointer to a member of Config or the result of in().
template <class Member, class Parse, class Print>
ConfigOption option(std::string_view keyword, std::string value, Member member, Parse parse,
                    Print print, std::string_view help) {
  return {.group = {},
          .keyword = keyword,
          .value = std::move(value),
          .help = help,
          .set = [=](Config& config, std::string_view text) -> Result<bool> {
            auto parsed = parse(text);
            if (!parsed) return Error{parsed.error()};
            std::invoke(member, config) = *std::move(parsed);
            return true;
          },
          .get = [=](const Config& config) -> std::string {
            return print(std::invoke(member, config));
          }};
}

/// A member of a struct inside Config.
template <class Struct, class Value>
auto in(Struct Config::*outer, Value Struct::*inner) {
  return [=](auto& config) -> auto& { return config.*outer.*inner; };
}

inline std::string as_it_is(const std::string& text) { return text; }

inline ConfigOption text_option(std::string_view keyword, std::string_view value,
                                std::string Config::*member,
                                Result<std::string> (*parse)(std::string_view),
                                std::string_view help) {
  return option(keyword, std::string{value}, member, parse, as_it_is, help);
}

inline ConfigOption path_option(std::string_view keyword, std::string_view value,
                                std::string Config::*member, std::string_view help) {
  return text_option(keyword, value, member, parse_path, help);
}

template <class Member>
ConfigOption seconds_option(std::string_view keyword, Member member,
                            Range<std::chrono::milliseconds> range, std::string_view help) {
  const auto parse = [=](std::string_view text) { return parse_seconds(text, range); };
  return option(keyword, "TIME", member, parse, print_duration, help);
}

template <class Member>
ConfigOption time_option(std::string_view keyword, Member member,
                         Range<std::chrono::milliseconds> range, std::string_view help) {
  const auto parse = [=](std::string_view text) { return parse_duration(text, range); };
  return option(keyword, "TIME", member, parse, print_duration, help);
}

template <class Member>
ConfigOption number_option(std::string_view keyword, Member member, Range<int> range,
                           std::string_view help) {
  const auto parse = [=](std::string_view text) { return parse_integer(text, range); };
  return option(
      keyword, "NUMBER", member, parse, [](int n) { return std::to_string(n); }, help);
}

template <class Member, class T, size_t N>
ConfigOption choice_option(std::string_view keyword, Member member,
                           const std::array<Choice<T>, N>& choices, std::string_view help) {
  const std::string words = words_of(std::span<const Choice<T>>{choices});
  const auto parse = [choices, words](std::string_view text) -> Result<T> {
    for (const Choice<T>& choice : choices) {
      if (equals_ignoring_case(choice.word, text)) return choice.value;
    }
    return unwanted(words, text);
  };
  const auto print = [choices](T value) -> std::string {
    for (const Choice<T>& choice : choices) {
      if (choice.value == value) return std::string{choice.word};
    }
    return {};
  };
  return option(keyword, words, member, parse, print, help);
}

/// A list whose shape ends in "none" can be emptied by that word.
template <class T, class Member>
ConfigOption list_option(std::string_view keyword, std::string_view value, Member member,
                         Result<T> (*parse_entry)(std::string_view),
                         std::string (*print_entry)(const T&), std::string_view help) {
  const bool may_be_none = value.ends_with("none");
  const auto parse = [=](std::string_view text) -> Result<std::vector<T>> {
    std::vector<T> list;
    if (may_be_none && equals_ignoring_case(text, "none")) return list;
    const Result<bool> read = for_each_entry(text, [&](std::string_view entry) -> Result<bool> {
      Result<T> one = parse_entry(entry);
      if (!one) return Error{one.error()};
      list.push_back(*std::move(one));
      return true;
    });
    if (!read) return Error{read.error()};
    return list;
  };
  const auto print = [=](const std::vector<T>& list) {
    std::string text;
    for (const T& entry : list) text += (text.empty() ? "" : ", ") + print_entry(entry);
    return text.empty() && may_be_none ? std::string{"none"} : text;
  };
  return option(keyword, std::string{value}, member, parse, print, help);
}

}  // namespace signet
