// SPDX-License-Identifier: BSD-2-Clause
//
// Other people's DKIM verifiers as witnesses: dkimpy (dkim_witness.py) and Mail::DKIM
// (dkim_witness.pl). Each runs as a process of its own over a stream of messages while the test
// goes on; nobody asks the DNS.

#pragma once

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace signet {

struct CloseFile {
  void operator()(FILE* file) const { (void)std::fclose(file); }
};

/// Messages one after the other in a file that has no name.
class MessageStream {
 public:
  /// Throws std::runtime_error if there is no room.
  MessageStream();
  void add(std::string_view wire_text);
  size_t count() const { return count_; }
  FILE* file() const { return file_.get(); }

 private:
  std::unique_ptr<FILE, CloseFile> file_;
  size_t count_ = 0;
};

/// By the name of the record: "rsa._domainkey.example.com".
using KeyRecords = std::map<std::string, std::string>;

enum class WitnessProgram { dkimpy, mail_dkim };

/// One run of a witness over a stream.
class DkimWitness {
 public:
  /// Starts the program. All of `stream` must be there; it may go away at once.
  DkimWitness(WitnessProgram program, const KeyRecords& keys, const MessageStream& stream);
  ~DkimWitness();
  DkimWitness(const DkimWitness&) = delete;
  DkimWitness& operator=(const DkimWitness&) = delete;

  /// Waits for the end. For each message the verdicts on its signatures from the top: "pass", or
  /// "fail" and why. Throws std::runtime_error if the program failed or left messages out.
  std::vector<std::vector<std::string>> finish();

 private:
  int wait_for_end();

  size_t count_;
  std::unique_ptr<FILE, CloseFile> output_;
  pid_t process_ = -1;
};

}  // namespace signet
