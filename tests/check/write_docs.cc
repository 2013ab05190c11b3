// SPDX-License-Identifier: BSD-2-Clause
//
// Prints the table of options into the documents: conf/signet.conf as a whole, and the part of
// man/signet.conf.5 between two marks. Built and run by the target `docs`; the tests only compare.

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "milter/config/config_options.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_docs SOURCE-DIRECTORY\n";
    return 64;
  }
  const std::string tree = argv[1];
  std::ofstream(tree + "/conf/signet.conf", std::ios::binary) << signet::sample_config();

  const std::string manual_path = tree + "/man/signet.conf.5";
  std::ifstream in(manual_path, std::ios::binary);
  std::string manual{std::istreambuf_iterator<char>(in), {}};
  const std::string mark = ".\\\" BEGIN OPTIONS: written by the target docs\n";
  const size_t begin = manual.find(mark);
  const size_t end = manual.find(".\\\" END OPTIONS\n");
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::cerr << manual_path << ": want the two OPTIONS marks\n";
    return 1;
  }
  manual.replace(begin + mark.size(), end - begin - mark.size(), signet::manual_options());
  std::ofstream(manual_path, std::ios::binary) << manual;
}
