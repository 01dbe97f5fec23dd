// SPDX-License-Identifier: MIT
#include "cli/mysql_keyring_use.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "cli/server_search.h"
#include "cli/server_use.h"
#include "os/process.h"
#include "product/component_file.h"

namespace openkeyring {
namespace {

constexpr char kComponentFile[] = "component_keyring_file";
constexpr char kPluginFile[] = "keyring_file";
constexpr char kPluginFileData[] = "keyring_file_data";

using Uses = std::function<bool(const DatabaseServer& server,
                                const ServerDirectories& directories)>;

// Where it works by what it was told, else by what it does: a server that is up
// works in its data directory.
std::string DataDirectoryOf(const DatabaseServer& server) {
  const bool told = server.variables.contains("datadir");
  return told || server.working_directory.empty() ? server.DataDirectory()
                                                  : server.working_directory;
}

bool HasDataDirectory(FileSystem& files, const DatabaseServer& server,
                      const std::string& directory) {
  return !directory.empty() &&
         (IsSameFor(files, server, DataDirectoryOf(server), directory) ||
          (!server.working_directory.empty() &&
           IsSameFor(files, server, server.working_directory, directory)));
}

Outcome CheckUnused(const std::string& what, const std::string& data_directory,
                    CommandContext& context, FileSystem& files,
                    const Uses& uses) {
  ServerSearch search(files, SystemProcessRunner(), context.out);
  for (const DatabaseServer& server : search.Running()) {
    const ServerDirectories directories = {
        PathSeenBy(files, server, search.PluginDirectory(server)),
        PathSeenBy(files, server, DataDirectoryOf(server))};
    if (HasDataDirectory(files, server, data_directory) ||
        uses(server, directories)) {
      return tl::unexpected(ServerRuns(server.pid));
    }
    if (!server.is_mariadb && !server.has_all_options &&
        !server.variables.contains("plugin_dir")) {
      context.out.Warn("process " + std::to_string(server.pid) + " (" +
                           server.program +
                           ") is a MySQL server whose option files were not "
                           "read: it may use " +
                           what,
                       "make sure that it has another keyring");
    }
  }
  return ExitCode::kOk;
}

bool ShareServer(const KmipComponentConfig& a, const KmipComponentConfig& b) {
  return std::ranges::any_of(a.kmip.servers, [&](const Endpoint& one) {
    return std::ranges::any_of(b.kmip.servers, [&](const Endpoint& other) {
      return one.Text() == other.Text();
    });
  });
}

// Whether it has the component in its memory, whatever became of its
// configuration since. Root can tell it of every process.
bool HasLoaded(FileSystem& files, const DatabaseServer& server,
               const std::string& component) {
  constexpr size_t kMaxMaps = 4 << 20;
  const Result<Bytes> maps = files.ReadStart(
      "/proc/" + std::to_string(server.pid) + "/maps", kMaxMaps);
  return maps &&
         AsText(*maps).find("/" + component + ".so") != std::string::npos;
}

std::string InDataDirectory(const DatabaseServer& server,
                            const std::string& path) {
  return path.starts_with('/') ? path : JoinPath(DataDirectoryOf(server), path);
}

}  // namespace

Outcome CheckGroupUnused(const Installation& installation,
                         CommandContext& context, FileSystem& files) {
  const Result<KmipComponentConfig> ours =
      KmipComponentOptions(installation, files, context.out);
  if (!ours) return Failed(ours.error());
  return CheckUnused(
      "the same object group", installation.data_directory, context, files,
      [&](const DatabaseServer& server, const ServerDirectories& directories) {
        Installation other;
        other.product = Product::kComponentKeyringKmip;
        other.server = server;
        other.is_configured = true;
        other.plugin_directory = directories.plugin;
        other.data_directory = directories.instance;
        NoLog quiet;
        const Result<KmipComponentConfig> theirs =
            KmipComponentOptions(other, files, quiet);
        if (!theirs) {
          return HasLoaded(files, server, ProductName(other.product));
        }
        return theirs->group.object_group == ours->group.object_group &&
               ShareServer(*theirs, *ours);
      });
}

Outcome CheckComponentFileUnused(const std::string& path,
                                 const std::string& data_directory,
                                 CommandContext& context, FileSystem& files) {
  return CheckUnused(
      path, data_directory, context, files,
      [&](const DatabaseServer& server, const ServerDirectories& directories) {
        NoLog quiet;
        Result<JsonOptions> options =
            ReadComponentFile(files, quiet, kComponentFile, directories, {});
        if (!options) return HasLoaded(files, server, kComponentFile);
        const std::string theirs = options->Text("path");
        return !theirs.empty() &&
               IsSameFor(files, server, InDataDirectory(server, theirs), path);
      });
}

Outcome CheckPluginFileUnused(const std::string& path,
                              const std::string& data_directory,
                              CommandContext& context, FileSystem& files) {
  return CheckUnused(
      path, data_directory, context, files,
      [&](const DatabaseServer& server, const ServerDirectories&) {
        if (!LoadsPlugin(server.variables, kPluginFile)) return false;
        const auto theirs = server.variables.find(kPluginFileData);
        // Where it is else depends on how the server was built.
        return theirs == server.variables.end() ||
               IsSameFor(files, server, InDataDirectory(server, theirs->second),
                         path);
      });
}

}  // namespace openkeyring
