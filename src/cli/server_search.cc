// SPDX-License-Identifier: MIT
#include "cli/server_search.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/trusted_program.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxManifest = 1 << 16, kMaxPrinted = 1 << 18;
constexpr Millis kPrintTimeout{10000};
constexpr const char* kPrograms[] = {
    "/usr/sbin/mysqld", "/usr/sbin/mariadbd", "/usr/libexec/mysqld",
    "/usr/libexec/mariadbd", "/usr/local/mysql/bin/mysqld"};
constexpr const char* kOptionFiles[] = {"/etc/my.cnf", "/etc/mysql/my.cnf"};
constexpr const char* kPluginDirectories[] = {
    "/usr/lib/mysql/plugin", "/usr/lib64/mysql/plugin",
    "/usr/lib64/mariadb/plugin", "/usr/lib/mariadb/plugin"};

std::string Find(const ServerVariables& variables, const std::string& name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

struct Manifest {
  std::string components;
  bool read_local = false;
};

// Nothing for what is not a manifest.
std::optional<Manifest> ReadManifest(FileSystem& files,
                                     const std::string& path) {
  const Result<Bytes> content = files.Read(path, kMaxManifest);
  if (!content) return std::nullopt;
  const auto json = nlohmann::json::parse(AsText(*content), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  Manifest manifest;
  const auto components = json.find("components");
  if (components != json.end() && components->is_string()) {
    manifest.components = components->get<std::string>();
  }
  const auto local = json.find("read_local_manifest");
  manifest.read_local =
      local != json.end() &&
      (*local == nlohmann::json(true) || *local == nlohmann::json("true"));
  return manifest;
}

}  // namespace

bool LoadsPlugin(const ServerVariables& variables, const std::string& name) {
  for (const char* option :
       {"early_plugin_load", "plugin_load", "plugin_load_add"}) {
    if (Find(variables, option).find(name) != std::string::npos) return true;
  }
  const auto set = variables.lower_bound(name + "_");
  return set != variables.end() && set->first.starts_with(name + "_");
}

bool IsOrdinaryUser(uid_t user) {
  constexpr uid_t kLastSystemUser = 999;
  return user > kLastSystemUser && user != EffectiveUser();
}

std::vector<std::string> ServerSearch::InstalledPrograms() {
  std::vector<std::string> programs;
  for (const char* program : kPrograms) {
    const Result<std::string> target = files_.CanonicalPath(program);
    if (target) programs.push_back(*target);
  }
  return programs;
}

// As the server decides it: the files and what they say depend on the program.
Status ServerSearch::AskProgram(std::vector<std::string> command,
                                const std::vector<std::string>& defaults,
                                DatabaseServer& server) {
  command.insert(command.end(), defaults.begin(), defaults.end());
  command.emplace_back("--print-defaults");
  const Result<Secret> printed =
      processes_.RunProgram(command, kPrintTimeout, kMaxPrinted);
  if (!printed) return printed.error();
  server.variables = ParsePrintedDefaults(printed->RevealText());
  server.options_from = server.program + " --print-defaults";
  return Status::Ok();
}

Status ServerSearch::AskProgramOf(const ServerProcess& process,
                                  DatabaseServer& server) {
  if (IsOrdinaryUser(process.user)) {
    return {StatusCode::kDenied,
            "user " + std::to_string(process.user) + " is an ordinary user"};
  }
  const auto defaults = DefaultsOptions(process.arguments);
  if (!defaults) return defaults.error();
  auto command = TrustedCommand(files_, process, InstalledPrograms());
  if (!command) return command.error();
  return AskProgram(std::move(*command), *defaults, server);
}

bool ServerSearch::IsMariaDb(const std::string& program) {
  const Result<std::string> target = files_.ResolveLink(program);
  return BaseName(program) == "mariadbd" ||
         (target && BaseName(*target) == "mariadbd");
}

DatabaseServer ServerSearch::ServerOf(const ServerProcess& process) {
  DatabaseServer server;
  server.program = process.program;
  server.is_mariadb = IsMariaDb(process.program);
  server.pid = process.pid;
  server.user = process.user;
  server.working_directory = process.directory;
  const bool reads_files =
      process.arguments.empty() || process.arguments[0] != "--no-defaults";
  if (reads_files) {
    const Status status = AskProgramOf(process, server);
    if (!status.ok()) {
      log_.Write(LogLevel::kNote, "process " + std::to_string(process.pid) +
                                      ": only its arguments are used, its "
                                      "option files are not: " +
                                      status.message());
    }
    server.has_all_options = status.ok();
  }
  for (const std::string& word : process.arguments) {
    AddServerOption(word, server.variables);
  }
  server.options_from +=
      (server.options_from.empty() ? "" : ", ") +
      ("arguments of process " + std::to_string(process.pid));
  return server;
}

std::vector<DatabaseServer> ServerSearch::Running() {
  std::vector<DatabaseServer> servers;
  for (const ServerProcess& process : ServerProcesses(files_)) {
    servers.push_back(ServerOf(process));
  }
  return servers;
}

bool ServerSearch::IsBelieved(const DatabaseServer& server) {
  if (server.user == 0 || server.user == EffectiveUser()) return true;
  const Result<FileInfo> info = files_.Stat(server.DataDirectory());
  return info && info->owner.user == server.user;
}

DatabaseServer ServerSearch::OfOptionFiles(const std::string& defaults_file) {
  DatabaseServer server;
  std::vector<std::string> paths = {defaults_file};
  if (defaults_file.empty()) {
    paths.assign(std::begin(kOptionFiles), std::end(kOptionFiles));
  }
  for (const std::string& path : paths) {
    const auto words = ReadOptionFile(
        files_, path, {"mysqld", "server", "mariadb", "mariadbd"});
    if (!words) continue;
    for (const std::string& word : *words) {
      AddServerOption(word, server.variables);
    }
    server.options_from += (server.options_from.empty() ? "" : ", ") + path;
  }
  return server;
}

std::vector<DatabaseServer> ServerSearch::Installed(
    const std::string& defaults_file) {
  std::vector<DatabaseServer> servers;
  std::vector<std::string> defaults, seen;
  if (!defaults_file.empty()) {
    defaults.push_back("--defaults-file=" + defaults_file);
  }
  for (const char* program : kPrograms) {
    const Result<std::string> target = files_.CanonicalPath(program);
    if (!target || std::ranges::find(seen, *target) != seen.end()) continue;
    seen.push_back(*target);
    DatabaseServer server;
    server.program = program;
    const Result<std::string> trusted = TrustedFile(files_, program);
    const Status status =
        trusted ? AskProgram({*trusted}, defaults, server) : trusted.error();
    if (!status.ok()) {
      log_.Write(LogLevel::kNote,
                 std::string(program) +
                     ": its option files are read here: " + status.message());
      server = OfOptionFiles(defaults_file);
      server.program = program;
    }
    server.is_mariadb = IsMariaDb(program);
    servers.push_back(std::move(server));
  }
  if (!servers.empty()) return servers;
  DatabaseServer server = OfOptionFiles(defaults_file);
  if (!server.options_from.empty()) servers.push_back(std::move(server));
  return servers;
}

std::string ServerSearch::PluginDirectory(const DatabaseServer& server) {
  const std::string set = Find(server.variables, "plugin_dir");
  if (!set.empty()) return set;
  std::vector<std::string> candidates;
  std::string base = Find(server.variables, "basedir");
  if (base.empty() && !server.program.empty()) {
    base = DirectoryName(DirectoryName(server.program));
  }
  if (!base.empty()) {
    for (const char* below :
         {"lib/mysql/plugin", "lib64/mysql/plugin", "lib/plugin"}) {
      candidates.push_back(JoinPath(base, below));
    }
  }
  candidates.insert(candidates.end(), std::begin(kPluginDirectories),
                    std::end(kPluginDirectories));
  for (const std::string& candidate : candidates) {
    const Result<FileInfo> info = files_.Stat(candidate);
    if (info && info->is_directory) return candidate;
  }
  return "";
}

std::string ServerSearch::ManifestOf(const DatabaseServer& server) {
  if (server.program.empty() || server.is_mariadb) return "";
  const std::string beside =
      JoinPath(DirectoryName(server.program), "mysqld.my");
  const std::optional<Manifest> manifest = ReadManifest(files_, beside);
  if (!manifest) return "";
  return manifest->read_local ? JoinPath(server.DataDirectory(), "mysqld.my")
                              : beside;
}

std::vector<Product> ServerSearch::ProductsOf(const DatabaseServer& server) {
  std::vector<Product> products;
  const std::string path = ManifestOf(server);
  const std::optional<Manifest> manifest =
      path.empty() ? std::nullopt : ReadManifest(files_, path);
  for (const Product product : kAllProducts) {
    const std::string name = ProductName(product);
    const bool found =
        IsComponent(product)
            ? manifest && manifest->components.find(name) != std::string::npos
            : LoadsPlugin(server.variables, name);
    if (found) products.push_back(product);
  }
  return products;
}

}  // namespace openkeyring
