// SPDX-License-Identifier: MIT
#include "cli/server_search.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace openkeyring {
namespace {

constexpr size_t kMaxCommandLine = 1 << 16, kMaxManifest = 1 << 16,
                 kMaxPrinted = 1 << 18;
constexpr Millis kPrintTimeout{10000};
constexpr const char* kPrograms[] = {
    "/usr/sbin/mysqld", "/usr/sbin/mariadbd", "/usr/libexec/mysqld",
    "/usr/libexec/mariadbd", "/usr/local/mysql/bin/mysqld"};
constexpr const char* kOptionFiles[] = {"/etc/my.cnf", "/etc/mysql/my.cnf"};
constexpr const char* kPluginDirectories[] = {
    "/usr/lib/mysql/plugin", "/usr/lib64/mysql/plugin",
    "/usr/lib64/mariadb/plugin", "/usr/lib/mariadb/plugin"};

bool IsServerName(const std::string& name) {
  return name == "mysqld" || name == "mariadbd";
}

// Which word of a command line is a server's program, its size for none: the
// first one, or an argument of a dynamic linker that starts it.
size_t ProgramWord(const std::vector<std::string>& words) {
  if (words.empty()) return 0;
  const bool is_linker = BaseName(words[0]).starts_with("ld-");
  const size_t last = is_linker ? words.size() : 1;
  for (size_t i = 0; i < last; ++i) {
    if (IsServerName(BaseName(words[i]))) return i;
  }
  return words.size();
}

bool IsDefaultsOption(const std::string& word) {
  return word.starts_with("--defaults-") || word == "--no-defaults";
}

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

bool LoadsPlugin(const ServerVariables& variables, const std::string& name) {
  for (const char* option :
       {"early_plugin_load", "plugin_load", "plugin_load_add"}) {
    if (Find(variables, option).find(name) != std::string::npos) return true;
  }
  const auto set = variables.lower_bound(name + "_");
  return set != variables.end() && set->first.starts_with(name + "_");
}

}  // namespace

std::string ShellQuoted(const std::string& word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::vector<std::string> ServerSearch::CommandLineOf(const std::string& pid) {
  const Result<Bytes> line =
      files_.ReadStart("/proc/" + pid + "/cmdline", kMaxCommandLine);
  std::vector<std::string> words;
  if (!line) return words;
  std::string_view rest = AsText(*line);
  while (!rest.empty()) {
    words.emplace_back(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(std::min(rest.size(), words.back().size() + 1));
  }
  return words;
}

// As the server decides it: the files and what they say depend on the program.
DatabaseServer ServerSearch::Inspect(
    const std::string& program, const std::vector<std::string>& start,
    const std::vector<std::string>& defaults_options) {
  DatabaseServer server;
  server.program = program;
  server.is_mariadb = IsMariaDb(program);
  std::string command;
  for (const auto& words : {start, defaults_options}) {
    for (const std::string& word : words) command += ShellQuoted(word) + " ";
  }
  const Result<Secret> printed =
      processes_.Run(command + "--print-defaults 2>/dev/null", kPrintTimeout,
                     kMaxPrinted, nullptr);
  if (printed) {
    server.variables = ParsePrintedDefaults(printed->RevealText());
    server.options_from = program + " --print-defaults";
  } else {
    log_.Write(LogLevel::kNote,
               program + " --print-defaults: " + printed.error().message());
  }
  return server;
}

bool ServerSearch::IsMariaDb(const std::string& program) {
  const Result<std::string> target = files_.ResolveLink(program);
  return BaseName(program) == "mariadbd" ||
         (target && BaseName(*target) == "mariadbd");
}

std::vector<DatabaseServer> ServerSearch::Running() {
  std::vector<DatabaseServer> servers;
  const auto names = files_.List("/proc");
  if (!names) return servers;
  for (const std::string& name : *names) {
    int pid = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const std::vector<std::string> words = CommandLineOf(name);
    const size_t at = ProgramWord(words);
    if (at == words.size()) continue;
    // It looks for its manifest beside the name that it was called by.
    std::string program = words[at];
    if (!program.starts_with('/')) {
      program = files_.ResolveLink("/proc/" + name + "/exe").value_or("");
    }
    std::vector<std::string> defaults;
    std::ranges::copy_if(words, std::back_inserter(defaults), IsDefaultsOption);
    std::vector<std::string> start(words.begin(),
                                   words.begin() + static_cast<ptrdiff_t>(at));
    start.push_back(program);
    DatabaseServer server = Inspect(program, start, defaults);
    server.pid = pid;
    for (size_t i = at + 1; i < words.size(); ++i) {
      AddServerOption(words[i], server.variables);
    }
    server.options_from += (server.options_from.empty() ? "" : ", ") +
                           ("arguments of process " + name);
    servers.push_back(std::move(server));
  }
  return servers;
}

std::vector<DatabaseServer> ServerSearch::Installed(
    const std::string& defaults_file) {
  std::vector<DatabaseServer> servers;
  std::vector<std::string> defaults, seen;
  if (!defaults_file.empty()) {
    defaults.push_back("--defaults-file=" + defaults_file);
  }
  for (const char* program : kPrograms) {
    const Result<std::string> target = files_.ResolveLink(program);
    if (!target || !files_.Stat(program)) continue;
    if (std::ranges::find(seen, *target) != seen.end()) continue;
    seen.push_back(*target);
    servers.push_back(Inspect(program, {program}, defaults));
  }
  if (!servers.empty()) return servers;
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
