// SPDX-License-Identifier: MIT
// Whether the server loads the keyring: manifest, options and library.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/checks/check.h"

namespace openkeyring {
namespace {

constexpr mode_t kWorldWritable = 0002;

std::string Variable(const Installation& installation, const char* name) {
  const auto found = installation.server.variables.find(name);
  return found == installation.server.variables.end() ? "" : found->second;
}

// "file://a,file://b"
std::vector<std::string> ComponentsIn(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    names.emplace_back(Trim(text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

// Of several keyrings the server loads the first, which must be this one.
void CheckComponents(CheckRun& run, const std::string& path,
                     const std::string& components, const std::string& hint) {
  const std::string own = "file://" + NameOf(run);
  std::vector<std::string> names = ComponentsIn(components);
  if (std::ranges::find(names, own) == names.end()) {
    const bool is_misspelled = components.find(own) != std::string::npos;
    run.FailStart(
        path + (is_misspelled ? " names the component with a path or with .so"
                              : " does not name " + NameOf(run)),
        hint);
    return;
  }
  const auto first = std::ranges::find_if(names, [](const auto& name) {
    return name.starts_with("file://component_keyring_");
  });
  if (*first != own) {
    run.FailStart(path + " names " + *first +
                      " first, and the server loads the first keyring only",
                  hint);
    return;
  }
  if (names.size() > 1) {
    run.Warn(path + " names more than one component: " + components,
             "load one keyring only");
  }
}

void CheckManifest(CheckRun& run, const std::string& path) {
  const std::string text = TextOf(run.files, path);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const std::string hint =
      "write { \"components\": \"file://" + NameOf(run) + "\" } to " + path;
  if (text.empty()) {
    return run.FailStart(path +
                             " does not exist or cannot be read, so that the "
                             "server loads no keyring",
                         hint);
  }
  if (!json.is_object())
    return run.FailStart(path + " is not a JSON object", hint);
  if (json.contains("read_local_manifest") &&
      (json["read_local_manifest"] == true ||
       json["read_local_manifest"] == "true")) {
    const std::string local =
        JoinPath(run.installation.data_directory, "mysqld.my");
    if (local != path) return CheckManifest(run, local);
  }
  const std::string components =
      json.contains("components") && json["components"].is_string()
          ? json["components"].get<std::string>()
          : "";
  CheckComponents(run, path, components, hint);
  if (run.HasFailed()) return;
  const auto info = StatOf(run.files, path);
  const auto data = StatOf(run.files, run.installation.data_directory);
  if (info && !MayRead(*info, data)) {
    return run.FailStart(path + " cannot be read by the server's user",
                         "chmod 0644 " + path);
  }
  if (info && (info->permissions & kWorldWritable) != 0) {
    run.Warn(
        path + " is world-writable: anybody can choose what the server loads",
        "chmod 0644 " + path);
  }
  run.Ok(path + " names it");
}

// MariaDB starts without a plugin that does not load, and makes tables in clear
// then.
void CheckInsisted(CheckRun& run) {
  const std::string name = NameOf(run);
  const std::string set = AsciiLower(Variable(run.installation, name.c_str()));
  if (set == "force" || set == "force_plus_permanent") return;
  run.Warn(name +
               "=FORCE_PLUS_PERMANENT is not set: the server also starts when "
               "the plugin cannot be loaded",
           "set it beside the option that loads the plugin");
}

void CheckPluginOption(CheckRun& run) {
  const std::string name = NameOf(run);
  for (const char* option :
       {"early_plugin_load", "plugin_load", "plugin_load_add"}) {
    if (Variable(run.installation, option).find(name) == std::string::npos) {
      continue;
    }
    const bool early = std::string_view(option) == "early_plugin_load";
    if (run.installation.product == Product::kKeyringAws && !early) {
      return run.FailStart(std::string("the server loads keyring_aws by ") +
                               option + ", after InnoDB has asked for its keys",
                           "early-plugin-load=keyring_aws.so in [mysqld]");
    }
    run.Ok(std::string(option) + " names it");
    return CheckInsisted(run);
  }
  const bool early = run.installation.product == Product::kKeyringAws;
  run.FailStart("no option of the server loads " + name,
                std::string(early ? "early-plugin-load=" : "plugin_load_add=") +
                    name + (early ? ".so in [mysqld]" : " in [mariadb]"));
}

}  // namespace

void CheckLoading(CheckRun& run) {
  const Installation& installation = run.installation;
  if (!installation.config.empty()) return run.Skip("--config was given");
  if (!IsComponent(installation.product)) return CheckPluginOption(run);
  if (Variable(installation, "early_plugin_load").find(NameOf(run)) !=
      std::string::npos) {
    run.Warn("early-plugin-load names " + NameOf(run) +
                 ", which is a component and not a plugin",
             "remove the option; the manifest mysqld.my loads components");
  }
  if (installation.server.program.empty()) {
    return run.Skip("the server's program was not found");
  }
  CheckManifest(
      run, JoinPath(DirectoryName(installation.server.program), "mysqld.my"));
}

void CheckLibrary(CheckRun& run) {
  const std::string& directory = run.installation.plugin_directory;
  if (!run.installation.config.empty() || directory.empty()) {
    return run.Skip("the server's plugin directory is not known");
  }
  const std::string path = JoinPath(directory, NameOf(run) + ".so");
  const auto info = StatOf(run.files, path);
  if (!info) {
    return run.FailStart(
        path + " does not exist, or its directory cannot be read",
        "install the package of OpenKeyring for this server, or "
        "name the directory with --plugin-dir");
  }
  if (!MayRead(*info, StatOf(run.files, run.installation.data_directory))) {
    return run.FailStart(path + " cannot be read by the server's user",
                         "chmod 0644 " + path);
  }
  run.Ok(path);
}

}  // namespace openkeyring
