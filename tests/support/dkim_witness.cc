// SPDX-License-Identifier: BSD-2-Clause
//
// Both directions go through unlinked files: neither side ever waits for the other to read.

#include "tests/support/dkim_witness.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace signet {
namespace {

std::unique_ptr<FILE, CloseFile> unnamed_file() {
  std::unique_ptr<FILE, CloseFile> file(std::tmpfile());
  if (!file) throw std::runtime_error("no temporary file can be made");
  return file;
}

/// The interpreters that Debian's packages are made for, not others in PATH.
std::vector<std::string> command_of(WitnessProgram program, const KeyRecords& keys) {
  const std::string folder = SIGNET_SOURCE_DIR "/tests/support/";
  std::vector<std::string> words =
      program == WitnessProgram::dkimpy
          ? std::vector<std::string>{"/usr/bin/python3", folder + "dkim_witness.py"}
          : std::vector<std::string>{"/usr/bin/perl", folder + "dkim_witness.pl"};
  for (const auto& [name, record] : keys) words.push_back(fmt::format("{}={}", name, record));
  return words;
}

/// Its standard input is opened anew, so that several can read one file at their own pace.
pid_t start(std::vector<std::string> words, FILE* input, FILE* output) {
  const std::string input_path = "/proc/self/fd/" + std::to_string(fileno(input));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input_path.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = -1;
  const int error =
      posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(words[0] + " can't be started");
  return process;
}

std::string contents(FILE* file) {
  std::rewind(file);
  std::string text;
  std::array<char, 65536> buffer{};
  while (const size_t size = std::fread(buffer.data(), 1, buffer.size(), file)) {
    text.append(buffer.data(), size);
  }
  return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

MessageStream::MessageStream() : file_(unnamed_file()) {}

void MessageStream::add(std::string_view wire_text) {
  const std::string size = std::to_string(wire_text.size()) + "\n";
  const bool written =
      std::fwrite(size.data(), 1, size.size(), file()) == size.size() &&
      std::fwrite(wire_text.data(), 1, wire_text.size(), file()) == wire_text.size() &&
      std::fflush(file()) == 0;
  if (!written) throw std::runtime_error("the messages can't be written");
  ++count_;
}

DkimWitness::DkimWitness(WitnessProgram program, const KeyRecords& keys,
                         const MessageStream& stream)
    : count_(stream.count()), output_(unnamed_file()) {
  process_ = start(command_of(program, keys), stream.file(), output_.get());
}

DkimWitness::~DkimWitness() {
  if (process_ > 0) wait_for_end();
}

int DkimWitness::wait_for_end() {
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  return status;
}

std::vector<std::vector<std::string>> DkimWitness::finish() {
  const int status = wait_for_end();
  const std::string output = contents(output_.get());
  if (status != 0) throw std::runtime_error("a witness failed; what it said:\n" + output);
  std::vector<std::vector<std::string>> verdicts;
  for (const std::string& line : split(output, '\n')) verdicts.push_back(split(line, '\t'));
  if (verdicts.size() != count_) throw std::runtime_error("a witness left messages out");
  return verdicts;
}

}  // namespace signet
