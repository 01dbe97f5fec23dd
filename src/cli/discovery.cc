// SPDX-License-Identifier: MIT
#include "cli/discovery.h"

#include <algorithm>

#include "cli/server_search.h"
#include "cli/server_use.h"
#include "storage/key_names.h"
#include "storage/mariadb_files/key_file_format.h"
#include "storage/sealed/sealed_header.h"

namespace openkeyring {
namespace {

using Found = tl::expected<Installation, Failure>;

constexpr size_t kStart = 4096;
constexpr std::string_view kAwsDataFileMagic("\x89OKRA\r\n\x1a", 8);

// The option files of servers that are meant, by what was given.
class Search {
 public:
  Search(CommandContext& context, FileSystem& files, ProcessRunner& processes)
      : arguments_(context.arguments),
        out_(context.out),
        files_(files),
        servers_(files, processes, context.out) {}

  Found Run(Needs needs) {
    Installation base;
    base.path = arguments_.Text("--path");
    std::optional<Product> product = ProductNamed(arguments_.Text("--product"));
    if (product) {
      out_.AddSource("product", ProductName(*product), "--product");
    }
    if (!base.path.empty()) {
      base.path = KeySetDirectory(base.path);
      out_.AddSource("keyring", base.path, "--path");
      if (!product) {
        const auto of_path = ProductOfPath(files_, base.path);
        if (!of_path) return FileFailed(of_path.error());
        if (!*of_path) return UnknownFormat(base.path);
        product = *of_path;
        out_.AddSource("product", ProductName(*product), "bytes of the file");
      }
    }
    if (arguments_.Has("--config")) return FromConfig(base, product);
    const bool server_is_given =
        arguments_.Has("--defaults-file") || arguments_.Has("--datadir");
    if (!base.path.empty() && !server_is_given && needs == Needs::kPath) {
      base.product = *product;
      return base;
    }
    return FromServers(base, product);
  }

 private:
  // A key set is read where its marks are: in its directory. Any other path is
  // returned as it is.
  std::string KeySetDirectory(const std::string& path) {
    if (BaseName(path) != kKeySetFileName) return path;
    const Result<FileInfo> info = files_.Stat(path);
    return info && !info->is_directory ? DirectoryName(path) : path;
  }

  static Found UnknownFormat(const std::string& path) {
    return UsageFailure(path + " is not a keyring that this tool knows",
                        "--product says which product wrote it");
  }

  Found FromConfig(Installation found, std::optional<Product> product) {
    found.config = arguments_.Text("--config");
    const std::string name = BaseName(found.config);
    std::optional<Product> of_name;
    if (name.ends_with(".cnf")) {
      of_name = ProductNamed(name.substr(0, name.size() - 4));
    }
    if (!of_name || !IsComponent(*of_name)) {
      return UsageFailure(
          found.config + " is not named as a component's configuration file is",
          "the server reads component_keyring_kms.cnf or "
          "component_keyring_kmip.cnf; option files are for --defaults-file");
    }
    if (product && *product != *of_name) {
      return UsageFailure(found.config + " is not a configuration of " +
                          ProductName(*product));
    }
    found.product = *of_name;
    found.is_configured = true;
    found.plugin_directory = DirectoryName(found.config);
    found.data_directory = arguments_.Text("--datadir");
    out_.AddSource("configuration", found.config, "--config");
    out_.AddSource("product", ProductName(found.product), "--config");
    return found;
  }

  std::vector<DatabaseServer> Candidates() {
    const std::string defaults_file = arguments_.Text("--defaults-file");
    const std::string data_directory = arguments_.Text("--datadir");
    std::vector<DatabaseServer> servers = servers_.Running();
    std::erase_if(servers, [&](const DatabaseServer& server) {
      return !servers_.IsBelieved(server) ||
             (data_directory.empty() && Skips(server));
    });
    std::erase_if(servers, [&](const DatabaseServer& server) {
      // What a relative one is relative to, nobody knows.
      const auto file = server.variables.find("defaults_file");
      const bool same_file =
          defaults_file.empty() ||
          (file != server.variables.end() && file->second.starts_with('/') &&
           IsSamePath(files_, file->second, defaults_file));
      return !same_file ||
             (!data_directory.empty() && !Has(server, data_directory));
    });
    if (!servers.empty()) return servers;
    servers = servers_.Installed(defaults_file);
    if (!data_directory.empty()) {
      if (servers.empty()) servers.emplace_back();
      for (DatabaseServer& server : servers) {
        server.variables["datadir"] = data_directory;
      }
    }
    return servers;
  }

  // A container has its own directories under the same names.
  bool Has(const DatabaseServer& server, const std::string& directory) {
    const std::string theirs = server.DataDirectory();
    return IsSamePath(files_, theirs, directory) &&
           IsSameFor(files_, server, theirs, directory);
  }

  // Such a user would choose where root reads and writes keys.
  bool Skips(const DatabaseServer& server) {
    if (!IsOrdinaryUser(server.user)) return false;
    skipped_ += (skipped_.empty() ? "process " : ", process ") +
                std::to_string(server.pid) + " (" + server.program +
                ") of user " + std::to_string(server.user);
    return true;
  }

  Installation Make(const Installation& base, const DatabaseServer& server,
                    Product product) {
    Installation found = base;
    found.product = product;
    found.server = server;
    found.is_configured = true;
    found.data_directory = server.DataDirectory();
    found.plugin_directory = arguments_.Has("--plugin-dir")
                                 ? arguments_.Text("--plugin-dir")
                                 : servers_.PluginDirectory(server);
    return found;
  }

  Found FromServers(const Installation& base, std::optional<Product> product) {
    const std::vector<DatabaseServer> servers = Candidates();
    std::vector<Installation> found;
    for (const DatabaseServer& server : servers) {
      for (const Product loaded : servers_.ProductsOf(server)) {
        if (product && loaded != *product) continue;
        found.push_back(Make(base, server, loaded));
      }
    }
    // A product that is not enabled yet has a configuration all the same.
    if (found.empty() && product) {
      for (const DatabaseServer& server : servers) {
        if (server.is_mariadb == IsForMariaDb(*product)) {
          found.push_back(Make(base, server, *product));
        }
      }
    }
    if (found.empty()) return None(servers, base, product);
    if (found.size() > 1) return Several(found);
    Say(found.front());
    return found.front();
  }

  Found None(const std::vector<DatabaseServer>& servers,
             const Installation& base, std::optional<Product> product) {
    if (!skipped_.empty()) {
      out_.Warn(skipped_ + " is not taken for the server of this machine",
                "if it is meant, name its data directory with --datadir");
    }
    if (!base.path.empty() && product) {  // A backup on another machine.
      Installation found = base;
      found.product = *product;
      return found;
    }
    if (servers.empty()) {
      return UsageFailure(
          "no database server was found on this machine",
          "install the server first, or name the configuration with --config "
          "or --defaults-file, or a keyring file with --path");
    }
    std::string names;
    for (const DatabaseServer& server : servers) {
      names += (names.empty() ? "" : ", ") +
               (server.program.empty() ? server.options_from : server.program) +
               " with data directory " + server.DataDirectory();
    }
    if (product) {
      return UsageFailure(
          std::string(IsForMariaDb(*product) ? "no MariaDB" : "no MySQL") +
              " server for " + ProductName(*product) +
              " was found on this machine, only " + names,
          "install the server first, or name another one with --datadir or "
          "--defaults-file");
    }
    return UsageFailure(
        "no product of OpenKeyring is configured for " + names,
        "--product says which one is meant; keyringctl help discovery");
  }

  static Found Several(const std::vector<Installation>& found) {
    std::string names;
    for (const Installation& one : found) {
      names += (names.empty() ? "" : ", ") + std::string("--product ") +
               ProductName(one.product) + " --datadir " + one.data_directory;
    }
    return UsageFailure("more than one keyring was found: " + names,
                        "choose one with these options");
  }

  void Say(const Installation& found) {
    const DatabaseServer& server = found.server;
    if (!server.program.empty()) {
      out_.AddSource("server", server.program,
                     server.pid == 0 ? "installed"
                                     : "process " + std::to_string(server.pid));
    }
    const bool given = arguments_.Has("--datadir");
    out_.AddSource("data directory", found.data_directory,
                   given                         ? "--datadir"
                   : server.options_from.empty() ? "default"
                                                 : server.options_from);
    if (!found.plugin_directory.empty()) {
      out_.AddSource(
          "plugin directory", found.plugin_directory,
          arguments_.Has("--plugin-dir") ? "--plugin-dir" : "server");
    }
    const std::string manifest = servers_.ManifestOf(server);
    if (IsComponent(found.product) && !manifest.empty()) {
      out_.AddSource("manifest", manifest, "beside the server's program");
    }
    if (!arguments_.Has("--product")) {
      out_.AddSource("product", ProductName(found.product),
                     IsComponent(found.product) ? "manifest" : "options");
    }
  }

  const Arguments& arguments_;
  Output& out_;
  FileSystem& files_;
  ServerSearch servers_;
  std::string skipped_;  // Servers of ordinary users, for a message.
};

Result<std::optional<Product>> ProductOfDirectory(FileSystem& files,
                                                  const std::string& path) {
  const auto names = files.List(path);
  if (!names) return names.error();
  const bool has_keys = std::ranges::any_of(
      *names, [](const auto& name) { return name.starts_with(kFamilyPrefix); });
  if (!has_keys) return std::optional<Product>();
  return std::optional(Product::kAwsKeyManagement);
}

}  // namespace

Result<std::optional<Product>> ProductOfPath(FileSystem& files,
                                             const std::string& path) {
  const Result<FileInfo> info = files.Stat(path);
  if (!info) return info.error();
  if (info->is_directory) return ProductOfDirectory(files, path);
  const Result<Bytes> start = files.ReadStart(path, kStart);
  if (!start) return start.error();
  const std::string_view text = AsText(*start);
  if (start->size() >= kAwsDataFileMagic.size() &&
      text.starts_with(kAwsDataFileMagic)) {
    return std::optional(Product::kKeyringAws);
  }
  if (LooksSealed(*start) && !start->empty()) {
    return std::optional(Product::kComponentKeyringKms);
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') {
    return std::optional(Product::kComponentKeyringKms);
  }
  return std::optional<Product>();
}

Found FindInstallation(CommandContext& context, FileSystem& files,
                       ProcessRunner& processes, Needs needs) {
  Found found = Search(context, files, processes).Run(needs);
  if (!found) return found;
  found->progress = [&out = context.out](size_t done, size_t total) {
    out.Progress("reading keys", done, total);
  };
  found->progress(0, 1);  // The time until a key server answers counts.
  return found;
}

}  // namespace openkeyring
