// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SERVER_SEARCH_H_
#define OPENKEYRING_CLI_SERVER_SEARCH_H_

#include <string>
#include <vector>

#include "base/log.h"
#include "cli/installation.h"
#include "cli/server_process.h"
#include "os/file_system.h"
#include "os/process.h"

namespace openkeyring {

// Whether options of the server load this plugin of ours, or are the plugin's
// own.
bool LoadsPlugin(const ServerVariables& variables, const std::string& name);

// Neither root nor a user of services (a number up to 999, SYS_UID_MAX of
// login.defs), nor we.
bool IsOrdinaryUser(uid_t user);

// Finds the database servers of this machine, without talking to one. Starts a
// server's program with --print-defaults only, which prints and ends, and only
// one that nobody else could have put there (trusted_program.h).
class ServerSearch {
 public:
  // All borrowed.
  ServerSearch(FileSystem& files, ProcessRunner& processes, Log& log)
      : files_(files), processes_(processes), log_(log) {}

  // The servers that run, of whatever user, with the options that they were
  // started with. A program that cannot be trusted is not asked for those of
  // its option files, nor is that of an ordinary user, who could name a file
  // that never ends. Any process can be here: see IsBelieved.
  std::vector<DatabaseServer> Running();
  // Whether a running server is taken for what it says: a process of root, of
  // ours, or of the owner of its data directory.
  bool IsBelieved(const DatabaseServer& server);
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
  // Canonical paths.
  std::vector<std::string> InstalledPrograms();
  Status AskProgramOf(const ServerProcess& process, DatabaseServer& server);
  // `command`: the words that start it.
  Status AskProgram(std::vector<std::string> command,
                    const std::vector<std::string>& defaults,
                    DatabaseServer& server);
  DatabaseServer ServerOf(const ServerProcess& process);
  DatabaseServer OfOptionFiles(const std::string& defaults_file);
  bool IsMariaDb(const std::string& program);

  FileSystem& files_;
  ProcessRunner& processes_;
  Log& log_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SERVER_SEARCH_H_
