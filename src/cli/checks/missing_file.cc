// SPDX-License-Identifier: MIT
// A keyring file that is not there: before the first start of a server there is
// none, and that start makes one. Later the same is a loss.
#include <algorithm>

#include "cli/checks/check.h"
#include "os/process.h"
#include "product/component_keyring_kms/sealed_note.h"
#include "product/encrypted_data.h"

namespace openkeyring {
namespace {

constexpr char kRestore[] =
    "do not start the server: correct the option, mount its directory, or "
    "restore the file from a backup";

// A start makes a file in this directory only.
std::string WhyNoneIsMade(CheckRun& run, const std::string& path) {
  const Status missing = run.files.Stat(path).status();
  if (missing.code() != StatusCode::kNotFound) {
    return path + " cannot be reached: " + missing.message();
  }
  const auto names = run.files.List(DirectoryName(path));
  if (!names) {
    return path +
           " does not exist or cannot be reached: " + names.error().message();
  }
  for (const std::string& name : *names) {
    if (name == BaseName(path)) {
      return path + " is a symbolic link to a file that does not exist";
    }
    if (name == BaseName(path) + ".backup") {
      return path + " does not exist, and a crash has left " + path + ".backup";
    }
  }
  return "";
}

// What shows that there was a keyring, or why that cannot be told; "" for a
// server that has not needed a key yet.
std::string WhyItIsLost(CheckRun& run) {
  const std::string& data = run.installation.data_directory;
  if (data.empty()) {
    return "without the server's data directory (--datadir) it cannot be told "
           "whether data need its keys";
  }
  const Result<FileInfo> info = run.files.Stat(data);
  // Perhaps it is not mounted, or --datadir is wrong.
  if (info.status().code() == StatusCode::kNotFound) {
    return "the data directory " + data +
           " does not exist, so that it cannot be told whether data need its "
           "keys";
  }
  if (!info) return info.error().message();
  // What another user may not read would look like data without encryption.
  const uid_t user = EffectiveUser();
  if (user != 0 && user != info->owner.user) {
    return "only the owner of " + data +
           " and root can tell whether data need its keys";
  }
  const std::string note = JoinPath(data, kSealedNote);
  const Status noted = run.files.Stat(note).status();
  if (noted.code() != StatusCode::kNotFound) {
    return noted.ok() ? note + " says that this server has had a keyring file"
                      : noted.message();
  }
  const auto encrypted = FindEncryptedFile(run.files, data);
  return encrypted ? *encrypted + " is encrypted and needs its key" : "";
}

}  // namespace

void CheckMissingFile(CheckRun& run, const std::string& path) {
  const Product product = run.installation.product;
  if (!run.installation.path.empty() ||
      (product != Product::kComponentKeyringKms &&
       product != Product::kKeyringAws)) {
    return run.Fail(path + " does not exist or cannot be reached", kRestore);
  }
  const std::string none_is_made = WhyNoneIsMade(run, path);
  if (!none_is_made.empty()) return run.Fail(none_is_made, kRestore);
  const std::string lost = WhyItIsLost(run);
  if (!lost.empty()) {
    return run.Fail("the keyring file " + path + " does not exist: " + lost,
                    kRestore);
  }
  run.no_keyring_yet = true;
  run.Warn("there is no keyring file " + path +
               " yet: the first start of the server makes a new one, without "
               "keys; no encrypted data were found in " +
               run.installation.data_directory,
           "expected before the first start; otherwise do not start the "
           "server: correct the option, mount its directory, or restore the "
           "file");
}

}  // namespace openkeyring
