// SPDX-License-Identifier: MIT
// What this machine decides: configuration, files, memory.
#include <algorithm>
#include <charconv>

#include "cli/checks/check.h"
#include "cli/keyring_store.h"
#include "cli/setup_files.h"
#include "cli/systemd_unit.h"
#include "os/permissions_cure.h"

namespace openkeyring {
namespace {

constexpr mode_t kWorldReadable = 0004, kWorldWritable = 0002;

constexpr char kCorrectOptions[] =
    "correct the options that the message names; docs/";

// A server starts with an unknown option; who has the file checked wants to
// know of it.
Status StatusOf(CheckRun& run, const ComponentWarnings& warnings) {
  for (const std::string& open : warnings.permissions) {
    run.Warn(open, "run the commands of the message as root");
  }
  if (warnings.unknown_options.empty()) return Status::Ok();
  run.Fail(ToString(ComponentWarnings{warnings.unknown_options, {}}),
           kCorrectOptions + NameOf(run) + ".md has all of them",
           ExitCode::kUsage);
  return Status::Ok();
}

Status KeyFilesStatus(CheckRun& run) {
  const Result<KeyFilesOptions> options = KeyFilesOptionsOf(run.installation);
  if (!options) return options.error();
  AwsDynamicOptions dynamic;
  dynamic.SetMasterKeyId(options->master_key_id);
  NoLog quiet;  // The same is said when the keys are opened.
  return AwsKeyManagement::CheckOptions(options->startup, dynamic, quiet);
}

Status ConfigurationStatus(CheckRun& run) {
  switch (run.installation.product) {
    case Product::kComponentKeyringKms: {
      const auto config =
          KmsComponentOptions(run.installation, run.files, run.out);
      return config ? StatusOf(run, config->warnings) : config.status();
    }
    case Product::kComponentKeyringKmip: {
      const auto config =
          KmipComponentOptions(run.installation, run.files, run.out);
      return config ? StatusOf(run, config->warnings) : config.status();
    }
    case Product::kKeyringAws:
      return KeyringAwsOptionsOf(run.installation).status();
    case Product::kAwsKeyManagement:
      return KeyFilesStatus(run);
    case Product::kKmipKeyManagement:
      return KmipVersionsOptionsOf(run.installation).status();
  }
  return Status::Ok();
}

std::string OwnerText(const FileOwner& owner) {
  return "user " + std::to_string(owner.user) + ", group " +
         std::to_string(owner.group);
}

// What crashes left, or put aside, beside a keyring.
void CheckLeftovers(CheckRun& run, const std::string& directory,
                    const std::string& own) {
  const auto names = run.files.List(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string found = JoinPath(directory, name);
    if (name.ends_with(".tmp") && name.starts_with(".")) {
      run.Warn(found + " was left unfinished by a crash",
               "the next start removes it");
    }
    for (const char* label :
         {".torn-", ".damaged-", ".backup", ".rewrapped-"}) {
      if (own.empty() || !name.starts_with(own + label)) continue;
      run.Warn(found + " was put aside or left by a crash",
               "docs/file_formats.md says what it is; remove it once a start "
               "has found all keys");
    }
  }
}

void FailToList(CheckRun& run) {
  if (run.reader() == nullptr) return run.Skip("the keyring cannot be opened");
  const auto listed = run.reader()->List();
  if (listed) return;
  run.Fail(listed.error().status.message(),
           listed.error().hint.empty()
               ? "restore it from a backup of this server"
               : listed.error().hint,
           listed.error().code);
}

}  // namespace

std::string StoragePath(CheckRun& run) {
  if (!run.installation.path.empty()) return run.installation.path;
  switch (run.installation.product) {
    case Product::kComponentKeyringKms: {
      const auto config =
          KmsComponentOptions(run.installation, run.files, run.out);
      return config ? config->path : "";
    }
    case Product::kKeyringAws: {
      const auto options = KeyringAwsOptionsOf(run.installation);
      return options ? options->data_file : "";
    }
    case Product::kAwsKeyManagement: {
      const auto options = KeyFilesOptionsOf(run.installation);
      return options ? options->directory : "";
    }
    default:
      return "";
  }
}

void CheckConfiguration(CheckRun& run) {
  Status status = ConfigurationStatus(run);
  if (status.ok()) status = run.kms_status();
  if (!status.ok()) {
    return run.FailStart(status.message(),
                         kCorrectOptions + NameOf(run) + ".md has all of them",
                         ExitCode::kUsage);
  }
  if (run.HasFailed()) return;
  run.Ok(IsComponent(run.installation.product)
             ? (run.installation.config.empty()
                    ? JoinPath(run.installation.plugin_directory,
                               NameOf(run) + ".cnf")
                    : run.installation.config) +
                   " is complete and has no unknown option"
             : "the server's options are complete and none is unknown");
}

void CheckPermissions(CheckRun& run) {
  CheckServerAccess(run);
  if (run.HasFailed()) return;
  const std::string path = StoragePath(run);
  if (path.empty()) return run.Skip("keys are not in a file");
  const auto data = StatOf(run.files, run.installation.data_directory);
  const auto info = StatOf(run.files, path);
  const std::string directory =
      info && info->is_directory ? path : DirectoryName(path);
  const auto parent = StatOf(run.files, directory);
  if (!parent) {
    return run.Fail(directory + " does not exist, or may not be looked at",
                    "install -d -o mysql -g mysql -m 750 " + directory +
                        "; or mount it, or correct the option");
  }
  if (data && parent->owner.user != data->owner.user &&
      (parent->permissions & kWorldWritable) == 0) {
    run.Warn(directory + " belongs to " + OwnerText(parent->owner) +
                 ", and the data directory to " + OwnerText(data->owner) +
                 ": the server may not be able to store keys",
             "chown it to the server's user, or check its group's rights");
  }
  if ((parent->permissions & kWorldWritable) != 0) {
    run.Warn(directory + " is world-writable: anybody can replace the keyring",
             "chmod o-w " + directory);
  }
  if (!info) return run.Skip(path + " does not exist yet");
  if (data && info->is_regular && info->owner.user != data->owner.user) {
    run.Warn(path + " belongs to " + OwnerText(info->owner) +
                 ", and the data directory to " + OwnerText(data->owner),
             "chown the file to the server's user");
  }
  if (info->is_regular && (info->permissions & kWorldReadable) != 0) {
    run.Warn(path + " is world-readable", PermissionsCure(path));
  }
  run.Ok(path + " can be reached");
}

void CheckLockedMemory(CheckRun& run) {
  const int pid = run.installation.server.pid;
  if (pid == 0) return run.Skip("the server does not run");
  const std::string limits =
      TextOf(run.files, "/proc/" + std::to_string(pid) + "/limits");
  const size_t at = limits.find("Max locked memory");
  if (at == std::string::npos) return run.Skip("its limits cannot be read");
  const std::string_view line = std::string_view(limits).substr(at);
  const size_t start = line.find_first_of("0123456789u");
  if (line.substr(start).starts_with("unlimited")) {
    return run.Ok("unlimited");
  }
  uint64_t limit = 0;
  (void)std::from_chars(line.data() + start, line.data() + line.size(), limit);
  constexpr uint64_t kEnough = 65536;
  if (limit >= kEnough) return run.Ok(std::to_string(limit) + " bytes");
  run.Warn("the server may lock " + std::to_string(limit) +
               " bytes of memory, so that keys can reach the swap space",
           std::string(kLimitMemlock) + " in its systemd unit");
}

void CheckFiles(CheckRun& run) {
  const std::string path = StoragePath(run);
  if (path.empty()) return run.Skip("keys are not in files");
  const auto info = StatOf(run.files, path);
  if (!info) return CheckMissingFile(run, path);
  CheckLeftovers(run, info->is_directory ? path : DirectoryName(path),
                 info->is_directory ? "" : BaseName(path));
  if (run.keyring() == nullptr) return FailToList(run);
  for (const StoredKey& key : run.keyring()->keys) {
    if (key.state == "missing" || key.state == "damaged" ||
        key.state == "unreadable") {
      run.Fail("the file of key " + IdText(key) + " is " + key.state,
               "restore " + key.place + " from a backup of this server");
    }
  }
  run.Ok(run.keyring()->format + ", " +
         Counted(run.keyring()->keys.size(), "key") + " in " + path +
         (run.keyring()->lock_holder.empty()
              ? ""
              : ", in use by " + run.keyring()->lock_holder));
}

void CheckKeys(CheckRun& run) {
  if (run.no_keyring_yet) return run.Skip("there is no keyring file yet");
  KeyringReader* reader = run.reader();
  if (reader == nullptr) return run.Skip("the keyring cannot be opened");
  const auto found = reader->Verify([&](size_t done, size_t total) {
    run.out.Progress("opening keys", done, total);
    return !run.interruption.requested();
  });
  run.out.EndProgress();
  if (!found) {
    run.keys_failed = true;
    return run.Fail(found.error().status.message(), found.error().hint,
                    found.error().code);
  }
  run.readable_keys = found->keys;
  for (const KeyProblem& problem : found->problems) {
    run.keys_failed = true;
    run.Fail(problem.what + ": " + problem.status.message(),
             "restore it from a backup of this server", ExitCode::kProblems);
  }
  if (found->by_local_file && !run.keys_failed) {
    run.by_local_file = true;
    return run.Warn(Counted(found->keys, "key") +
                        " can be read, but by local_unlock_file only: no KMS "
                        "key opens the keyring",
                    "a start tries the KMS keys until its deadline, and uses "
                    "the file then: fix a KMS key, and rely on the file no "
                    "longer than that takes");
  }
  run.Ok(Counted(found->keys, "key") + " can be read");
}

void CheckStart(CheckRun& run) {
  if (run.keys_failed || run.start_fails) {
    return run.Fail("no: see the checks above",
                    "fix what failed first, from the top");
  }
  if (run.no_keyring_yet) {
    return run.Ok("there are none yet: a start makes a new keyring");
  }
  if (!run.readable_keys) return run.Skip("the keys were not opened");
  if (*run.readable_keys == 0) {
    return run.Warn("the keyring has no keys",
                    "expected before the first encrypted table; otherwise the "
                    "configuration looks in the wrong place");
  }
  const std::string keys =
      Counted(*run.readable_keys, "key") +
      (run.left_out.empty() ? "" : " (not judged: " + run.left_out + ")");
  if (run.by_local_file) {
    return run.Warn(
        "yes, by local_unlock_file after the startup deadline: " + keys,
        "no KMS key opens the keyring: see the checks above");
  }
  run.Ok("yes: " + keys);
}

}  // namespace openkeyring
