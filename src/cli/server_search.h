// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SERVER_SEARCH_H_
#define OPENKEYRING_CLI_SERVER_SEARCH_H_

#include <string>
#include <vector>

#include "base/log.h"
#include "cli/installation.h"
#include "os/file_system.h"
#include "os/process.h"

namespace openkeyring {

// Finds the database servers of this machine, without talking to one. Starts a
// server's program with --print-defaults only, which prints and ends.
class ServerSearch {
 public:
  // All borrowed.
  ServerSearch(FileSystem& files, ProcessRunner& processes, Log& log)
      : files_(files), processes_(processes), log_(log) {}

  // The servers that run, of whatever user, with the options that they were
  // started with.
  std::vector<DatabaseServer> Running();
  // The servers that are installed, with the options that they would be started
  // with; of `defaults_file` unless it is "". A machine with option files and
  // no program gives one server without a program.
  std::vector<DatabaseServer> Installed(const std::string& defaults_file);

  // Where the server looks for plugins; "" when that is not known.
  std::string PluginDirectory(const DatabaseServer& server);
  // The products that this server loads, by its manifest and its options.
  std::vector<Product> ProductsOf(const DatabaseServer& server);
  // The manifest that names components, for messages: the one beside the
  // program, or the one in the data directory. "" when there is none.
  std::string ManifestOf(const DatabaseServer& server);

 private:
  std::vector<std::string> CommandLineOf(const std::string& pid);
  // `start`: the words that start it, itself the last.
  DatabaseServer Inspect(const std::string& program,
                         const std::vector<std::string>& start,
                         const std::vector<std::string>& defaults_options);
  bool IsMariaDb(const std::string& program);

  FileSystem& files_;
  ProcessRunner& processes_;
  Log& log_;
};

// For /bin/sh.
std::string ShellQuoted(const std::string& word);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SERVER_SEARCH_H_
