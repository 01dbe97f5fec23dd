// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/backup_set.h"
#include "cli/command_table.h"
#include "cli/commands/keyring_command.h"
#include "cli/confirmation.h"
#include "cli/keyring_store.h"
#include "crypto/digest.h"
#include "os/random.h"
#include "os/staged_directory.h"

namespace openkeyring {
namespace {

constexpr mode_t kDirectoryMode = 0700, kManifestMode = 0600;

bool IsOnKmip(Product product) {
  return product == Product::kComponentKeyringKmip ||
         product == Product::kKmipKeyManagement;
}

// What is not in the backup, and what copies it anyway.
std::vector<std::string> Advice(const BackupManifest& manifest) {
  switch (manifest.product) {
    case Product::kComponentKeyringKms:
      return {
          "the component's configuration, credentials and the KMS key are "
          "not in the backup",
          "XtraBackup and CLONE do not copy the keyring file"};
    case Product::kKeyringAws:
      return {
          "the server's options, keyring_aws_conf_file and the KMS key are "
          "not in the backup",
          "XtraBackup and CLONE do not copy the data file"};
    case Product::kAwsKeyManagement:
      return {
          "the server's options, credentials and the KMS key are not in "
          "the backup",
          "mariadb-backup copies key files that lie in the data directory, "
          "and none of another directory"};
    default:
      return {
          "the keys are on the KMIP server and not in the backup, which "
          "only has their names: back up the server by its own means",
          "the configuration, certificates and their private keys are not "
          "in the backup"};
  }
}

BackupManifest ManifestOf(Product product, const StoredKeyring& keyring,
                          const std::string& place,
                          const std::vector<KeyringPart>& parts) {
  BackupManifest manifest;
  manifest.product = product;
  manifest.created = UtcText(SystemClock().Now(), "%Y-%m-%dT%H:%M:%SZ");
  manifest.format = keyring.format;
  manifest.name = product == Product::kAwsKeyManagement ? "" : BaseName(place);
  manifest.wrapping_keys = keyring.wrapping_keys;
  for (const auto& [name, value] : keyring.facts) manifest.facts[name] = value;
  for (const KeyringPart& part : parts) manifest.files.push_back(part.about);
  manifest.keys = KeysOf(keyring);
  return manifest;
}

Status WriteAll(const BackupManifest& manifest,
                const std::vector<KeyringPart>& parts,
                StagedDirectory& staged) {
  Status status;
  for (const KeyringPart& part : parts) {
    if (status.ok()) {
      status = staged.Add(part.about.name, part.content,
                          part.about.mode & kManifestMode);
    }
  }
  const std::string text = WriteManifest(manifest);
  const Result<Digest256> digest = Sha256(AsBytes(text));
  if (!digest) return digest.error();
  const std::string sum = HexEncode(*digest) + "  " + kManifestName + "\n";
  if (status.ok()) {
    status = staged.Add(kManifestName, AsBytes(text), kManifestMode);
  }
  if (status.ok()) {
    status = staged.Add(kManifestSumName, AsBytes(sum), kManifestMode);
  }
  return status;
}

// What the copies hold, and not what the keyring holds by now.
tl::expected<StoredKeyring, Failure> ListCopies(
    const Installation& installation, const std::string& directory,
    const std::string& place, Log& log) {
  Installation copy = installation;
  if (!IsOnKmip(installation.product)) {
    copy.path = installation.product == Product::kAwsKeyManagement
                    ? directory
                    : JoinPath(directory, BaseName(place));
  }
  auto reader = OpenForReading(copy, PosixFileSystem(), log);
  if (!reader) return tl::unexpected(reader.error());
  return (*reader)->List();
}

Outcome Report(CommandContext& context, const BackupManifest& manifest,
               const std::string& directory) {
  const std::vector<std::string> advice = Advice(manifest);
  if (context.out.json()) {
    context.out.PrintJson("backup", {{"dry_run", false},
                                     {"changed", true},
                                     {"directory", directory},
                                     {"product", ProductName(manifest.product)},
                                     {"files", manifest.files.size()},
                                     {"keys", manifest.keys.size()},
                                     {"notes", advice}});
    return ExitCode::kOk;
  }
  context.out.Line("backed up " + std::to_string(manifest.files.size()) +
                   " files with " + std::to_string(manifest.keys.size()) +
                   " keys to " + directory);
  for (const std::string& line : advice) context.out.Line("note: " + line);
  return ExitCode::kOk;
}

tl::expected<std::vector<KeyringPart>, Failure> ReadKeyring(
    const Installation& installation, const std::string& place) {
  auto parts = ReadParts(PosixFileSystem(), installation.product, place);
  if (!parts) return FileFailed(parts.error());
  if (parts->empty() && !IsOnKmip(installation.product)) {
    return UsageFailure("there is no keyring at " + place);
  }
  return std::move(*parts);
}

Outcome MakeBackup(CommandContext& context, const Installation& installation,
                   const std::string& place, const std::string& directory) {
  FileSystem& files = PosixFileSystem();
  const auto parts = ReadKeyring(installation, place);
  if (!parts) return tl::unexpected(parts.error());
  auto staged =
      StagedDirectory::Begin(files, SystemRandom(), directory, kDirectoryMode);
  if (!staged) return FileFailed(staged.error());
  // Once without a manifest, to be read as a keyring is.
  for (const KeyringPart& part : *parts) {
    const Status status = (*staged)->Add(part.about.name, part.content,
                                         part.about.mode & kManifestMode);
    if (!status.ok()) return FileFailed(status);
  }
  const auto keyring =
      ListCopies(installation, (*staged)->path(), place, context.out);
  if (!keyring) return tl::unexpected(keyring.error());
  if (context.interruption.requested()) return Interrupted();
  const BackupManifest manifest =
      ManifestOf(installation.product, *keyring, place, *parts);
  Status status = WriteAll(manifest, {}, **staged);
  if (status.ok()) status = CheckBackup(files, (*staged)->path()).status();
  if (status.ok()) status = (*staged)->Publish();
  if (!status.ok()) return FileFailed(status);
  return Report(context, manifest, directory);
}

Outcome RunBackup(CommandContext& context) {
  const auto installation = FindInstallation(
      context, PosixFileSystem(), SystemProcessRunner(), Needs::kPath);
  if (!installation) return tl::unexpected(installation.error());
  const auto place = PlaceOf(*installation, PosixFileSystem(), context.out);
  if (!place) return tl::unexpected(place.error());
  const std::string directory = context.arguments.Text("DIR");
  const Outcome is_new = CheckNewPlace(PosixFileSystem(), directory);
  if (!is_new) return is_new;
  const auto parts = ReadKeyring(*installation, *place);
  if (!parts) return tl::unexpected(parts.error());
  const std::string what =
      IsOnKmip(installation->product) ? "the names of the keys" : *place;
  const auto ended =
      Confirm(context, "backup", "Back up " + what + " to " + directory + "?",
              {{"create", directory, "a backup of " + what}});
  if (ended) return *ended;
  return MakeBackup(context, *installation, *place, directory);
}

}  // namespace

CommandSpec BackupCommand() {
  return {"backup",
          "copy the keyring files, with checksums",
          "Copies what a backup of the data needs to be read again: the "
          "keyring file or key files, as they are, still encrypted. DIR is "
          "made; it must not exist. manifest.json says what is in it, with "
          "SHA-256 checksums. The server may run meanwhile.\n\n"
          "Take it after the backup of the data, which may need the newest "
          "key. Neither the configuration nor credentials are copied. Keys on "
          "a KMIP server stay there: the backup has their names and the note "
          "of the object group.",
          {{"DIR", "The new directory of the backup"}},
          {},
          {{"keyringctl backup /backup/keys-2026-11-29 --yes",
            "After a backup of the data, from cron."}},
          Effect::kChanges,
          Scope::kKeyring,
          RunBackup};
}

}  // namespace openkeyring
