// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "cli/command_table.h"
#include "cli/confirmation.h"
#include "cli/discovery.h"
#include "cli/keyring_store.h"
#include "cli/server_search.h"
#include "cli/setup_files.h"
#include "os/durable.h"
#include "os/process.h"
#include "os/random.h"
#include "os/staged_directory.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxFile = 65536;
constexpr mode_t kFileMode = 0644, kDirectoryMode = 0750;
constexpr char kDefaultDirectory[] = "/var/lib/mysql-keyring";

SetupOptions OptionsOf(const Arguments& arguments) {
  SetupOptions options;
  options.keyring_directory = arguments.Has("--keyring-dir")
                                  ? arguments.Text("--keyring-dir")
                                  : kDefaultDirectory;
  options.kms_key = arguments.Text("--kms-key");
  options.region = arguments.Text("--region");
  options.endpoint_url = arguments.Text("--endpoint-url");
  options.servers = arguments.Text("--kmip-servers");
  options.server_ca = arguments.Text("--server-ca");
  options.client_cert = arguments.Text("--client-cert");
  options.client_key = arguments.Text("--client-key");
  options.object_group = arguments.Text("--object-group");
  options.option_directory = arguments.Text("--option-dir");
  return options;
}

class Setup {
 public:
  Setup(CommandContext& context, const Installation& installation)
      : context_(context),
        installation_(installation),
        options_(OptionsOf(context.arguments)) {}

  Outcome Run() {
    auto setup = SetupFilesOf(installation_, options_, files_);
    if (!setup) return tl::unexpected(setup.error());
    const Outcome planned = MakePlan(*setup);
    if (!planned) return planned;
    WarnOfMissingLibrary();
    if (!plan_.empty() || context_.arguments.Has("--dry-run")) {
      const auto ended = Confirm(
          context_, "init",
          std::string("Set up ") + ProductName(installation_.product) + "?",
          plan_);
      if (ended) return *ended;
      const Outcome written = WriteAll();
      if (!written) return written;
    }
    return Report();
  }

 private:
  // Nothing is written where another file is.
  Outcome MakePlan(std::vector<SetupFile>& setup) {
    if (NeedsKeyringDirectory(installation_.product)) {
      const std::string& directory = options_.keyring_directory;
      const Result<FileInfo> info = files_.Stat(directory);
      makes_directory_ = info.status().code() == StatusCode::kNotFound;
      if (!info && !makes_directory_) return FileFailed(info.error());
      if (makes_directory_) {
        plan_.push_back({"make directory", directory, "mode 0750"});
      }
      gives_directory_ = info && WasLeftByRoot(directory, *info);
      if (gives_directory_) {
        plan_.push_back({"set owner", directory, "that of the data directory"});
      }
    }
    for (SetupFile& file : setup) {
      const Result<Bytes> there = files_.Read(file.path, kMaxFile);
      if (there && AsText(*there) == file.content) continue;
      if (there) {
        return tl::unexpected(Failure(
            {StatusCode::kAlreadyExists,
             file.path + " is there and says something else; nothing was "
                         "changed"},
            ExitCode::kFailed,
            "edit it by hand; --dry-run with another --option-dir or "
            "--plugin-dir shows what is needed"));
      }
      if (there.error().code() != StatusCode::kNotFound) {
        return FileFailed(there.error());
      }
      plan_.push_back({"write", file.path, OneLine(file.content)});
      steps_.push_back(std::move(file));
    }
    return CheckNotConfiguredElsewhere();
  }

  // Two option files for one plugin: the last of them would win, in silence.
  Outcome CheckNotConfiguredElsewhere() {
    const std::string name = ProductName(installation_.product);
    if (steps_.empty() || IsComponent(installation_.product) ||
        !LoadsPlugin(installation_.server.variables, name)) {
      return ExitCode::kOk;
    }
    return tl::unexpected(Failure(
        {StatusCode::kAlreadyExists,
         "the options of the server have " + name + " already (" +
             installation_.server.options_from + "); nothing was changed"},
        ExitCode::kFailed,
        "edit the option file that has them, or comment them out there"));
  }

  // What this command leaves when it is killed before it says whose it is.
  bool WasLeftByRoot(const std::string& directory, const FileInfo& info) {
    const auto owner = OwnerOfData();
    if (EffectiveUser() != 0 || info.owner.user != 0 || !owner) return false;
    const auto names = files_.List(directory);
    return info.owner != *owner && names && names->empty();
  }

  static std::string OneLine(std::string text) {
    std::string line;
    for (const char c : text) {
      if (c == '\n') {
        if (!line.empty() && line.back() != ' ') line += ' ';
      } else if (c != ' ' || (!line.empty() && line.back() != ' ')) {
        line += c;
      }
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return line;
  }

  void WarnOfMissingLibrary() {
    const std::string& directory = installation_.plugin_directory;
    if (directory.empty()) return;
    const std::string library = JoinPath(
        directory, std::string(ProductName(installation_.product)) + ".so");
    if (!files_.Stat(library)) {
      context_.out.Warn(library + " is missing",
                        "install the package of the product");
    }
  }

  std::optional<FileOwner> OwnerOfData() {
    const Result<FileInfo> info = files_.Stat(installation_.data_directory);
    if (!info) return std::nullopt;
    return info->owner;
  }

  // It is there with its owner and mode, or not at all.
  Status MakeDirectory() {
    const auto made = StagedDirectory::Begin(files_, SystemRandom(),
                                             options_.keyring_directory,
                                             kDirectoryMode, OwnerOfData());
    if (!made) return made.error();
    Status status = (*made)->Publish();
    if (status.ok()) GiveDirectory();
    return status;
  }

  void GiveDirectory() {
    const std::string& directory = options_.keyring_directory;
    changed_.push_back(directory);
    const auto owner = OwnerOfData();
    if (!owner) return;
    const Status status = files_.SetDirectoryOwner(directory, *owner);
    if (status.ok()) return;
    context_.out.Warn(directory + " does not belong to the server's user: " +
                          status.message(),
                      "run the command as root, or use chown");
  }

  Outcome WriteAll() {
    Status status = makes_directory_ ? MakeDirectory() : Status::Ok();
    if (gives_directory_) GiveDirectory();
    for (const SetupFile& file : steps_) {
      if (!status.ok()) break;
      if (context_.interruption.requested()) return Interrupted();
      status = CreateDurably(files_, SystemRandom(), DirectoryName(file.path),
                             BaseName(file.path), AsBytes(file.content),
                             kFileMode, OwnerForNewFile(files_, file.path));
      if (status.ok()) changed_.push_back(file.path);
    }
    if (status.ok()) return ExitCode::kOk;
    Failure failure(status, FileExitCodeOf(status));
    failure.changed = changed_;
    failure.hint = "run the command again: it goes on where it was";
    return tl::unexpected(std::move(failure));
  }

  Outcome Report() {
    const std::vector<std::string> rules =
        AccessRules(installation_, options_, files_);
    const std::vector<std::string> drop_in =
        DropInLines(installation_, options_, files_);
    if (context_.out.json()) {
      context_.out.PrintJson("init",
                             {{"dry_run", false},
                              {"changed", !changed_.empty()},
                              {"product", ProductName(installation_.product)},
                              {"written", changed_},
                              {"access_rules", rules},
                              {"systemd_drop_in", drop_in}});
      return ExitCode::kOk;
    }
    for (const std::string& path : changed_) {
      context_.out.Line("wrote " + path);
    }
    if (changed_.empty()) context_.out.Line("everything is there already");
    for (const std::string& rule : rules) context_.out.Line(rule);
    for (const std::string& line : drop_in) context_.out.Line(line);
    context_.out.Line(
        "nothing is encrypted by that alone: restart the server, run "
        "keyringctl check, and take the settings from "
        "docs/encrypt_everything.md");
    return ExitCode::kOk;
  }

  CommandContext& context_;
  const Installation& installation_;
  const SetupOptions options_;
  FileSystem& files_ = PosixFileSystem();
  bool makes_directory_ = false, gives_directory_ = false;
  std::vector<SetupFile> steps_;
  Plan plan_;
  std::vector<std::string> changed_;
};

Outcome RunInit(CommandContext& context) {
  Arguments arguments;
  arguments.Add("--product", context.arguments.Text("PRODUCT"));
  for (const char* name : {"--datadir", "--plugin-dir", "--defaults-file"}) {
    if (context.arguments.Has(name)) {
      arguments.Add(name, context.arguments.Text(name));
    }
  }
  CommandContext inner{arguments, context.out, context.interruption};
  const auto installation = FindInstallation(
      inner, PosixFileSystem(), SystemProcessRunner(), Needs::kConfiguration);
  if (!installation) return tl::unexpected(installation.error());
  return Setup(context, *installation).Run();
}

std::vector<OptionSpec> InitOptions() {
  using Completes = OptionSpec::Completes;
  return {
      {"--kms-key", "KEY", "AWS: the KMS key: id, alias or ARN"},
      {"--region", "REGION", "AWS: the region of the KMS key"},
      {"--endpoint-url", "URL", "AWS: another endpoint than the region's"},
      {"--keyring-dir",
       "DIR",
       "The directory of the keyring file; /var/lib/mysql-keyring by default",
       {},
       Completes::kDirectory},
      {"--kmip-servers", "HOST:PORT", "KMIP: the server; for MariaDB a list"},
      {"--server-ca", "FILE", "KMIP: the server's CA", {}, Completes::kFile},
      {"--client-cert", "FILE", "KMIP: our certificate", {}, Completes::kFile},
      {"--client-key", "FILE", "KMIP: its private key", {}, Completes::kFile},
      {"--object-group", "NAME", "KMIP: the object group of the keys"},
      {"--option-dir",
       "DIR",
       "Where the option file of a plugin is written; found by default",
       {},
       Completes::kDirectory},
      {"--datadir",
       "DIR",
       "The server's data directory",
       {},
       Completes::kDirectory},
      {"--plugin-dir",
       "DIR",
       "The server's plugin directory",
       {},
       Completes::kDirectory},
      {"--defaults-file",
       "FILE",
       "The server's option file",
       {},
       Completes::kFile},
  };
}

}  // namespace

CommandSpec InitCommand() {
  return {"init",
          "set up a product for the server on this machine",
          "Writes what a server needs to load PRODUCT: a component's manifest "
          "and configuration, or an option file for a plugin, and the "
          "directory of the keyring, which belongs to the owner of the data "
          "directory. Prints the rules of AppArmor or SELinux that the server "
          "needs, and a drop-in for its systemd unit. Nothing is overwritten; "
          "what is there already is skipped. No "
          "credentials are written: the product finds them as the AWS tools "
          "do. Run keyringctl check afterwards.",
          {{"PRODUCT",
            "What to set up",
            true,
            false,
            {"component_keyring_kms", "component_keyring_kmip", "keyring_aws",
             "aws_key_management", "kmip_key_management"}}},
          InitOptions(),
          {{"keyringctl init component_keyring_kms --kms-key alias/mysql "
            "--region eu-central-1 --dry-run",
            "What would be written for MySQL with AWS KMS."}},
          Effect::kChanges,
          Scope::kNone,
          RunInit};
}

}  // namespace openkeyring
