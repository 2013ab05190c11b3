// SPDX-License-Identifier: BSD-2-Clause

#include "tests/bench/load/mail_pool.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace signet {
namespace {

/// The value behind `key=`, to the next space.
std::string value_of(std::string_view line, std::string_view key) {
  std::istringstream words{std::string(line)};
  for (std::string word; words >> word;) {
    if (word.starts_with(key) && word.substr(key.size()).starts_with('=')) {
      return word.substr(key.size() + 1);
    }
  }
  throw std::runtime_error(fmt::format("no {}= in the line `{}`", key, line));
}

PoolMessage read_message(const std::string& line, std::istream& file) {
  PoolMessage message{value_of(line, "client"),
                      value_of(line, "helo"),
                      value_of(line, "from"),
                      value_of(line, "login"),
                      {}};
  const std::string octets = value_of(line, "octets");
  size_t size = 0;
  std::from_chars(octets.data(), octets.data() + octets.size(), size);
  message.text.resize(size);
  if (!file.read(message.text.data(), static_cast<std::streamsize>(size))) {
    throw std::runtime_error("a message is cut off");
  }
  return message;
}

}  // namespace

void write_pool(const std::string& path, const std::vector<PoolMessage>& messages) {
  std::ofstream file(path, std::ios::binary);
  for (const PoolMessage& message : messages) {
    file << fmt::format("client={} helo={} from={} login={} octets={}\n", message.client,
                        message.helo, message.from, message.login, message.text.size())
         << message.text;
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::vector<PoolMessage> read_pool(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<PoolMessage> messages;
  try {
    for (std::string line; std::getline(file, line);) {
      messages.push_back(read_message(line, file));
    }
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("{}: {}", path, error.what()));
  }
  if (messages.empty()) throw std::runtime_error("no messages in " + path);
  return messages;
}

}  // namespace signet
