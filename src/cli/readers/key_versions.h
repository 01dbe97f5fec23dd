// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_READERS_KEY_VERSIONS_H_
#define OPENKEYRING_CLI_READERS_KEY_VERSIONS_H_

#include <map>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/secret.h"
#include "cli/product_options.h"
#include "keyring/key.h"
#include "keyring/versioned_backend.h"

// MariaDB's keys with their values, for tools that copy them.
namespace openkeyring {

using VersionedSecrets = std::map<KeyVersion, Secret>;

// All that aws_key_management has in a directory, key files or a key set, read
// as a program that is not the server does it: without a change, and every
// version that was made, or an error. `options` may name another directory than
// the configured one.
Result<VersionedSecrets> ReadKeyVersions(const KeyFilesOptions& options,
                                         KmsAccess& kms, Log& log);
// Of key files alone.
Result<VersionedSecrets> ReadKeyFileVersions(const KeyFilesOptions& options,
                                             const std::string& directory,
                                             const std::string& data_directory,
                                             KmsAccess& kms, Log& log);

// A version as a key of a KeyringStore: its data id is "ID.VERSION".
KeyName NameOfVersion(KeyVersion key);
// Nothing for another name.
std::optional<KeyVersion> VersionOfName(const KeyName& name);
constexpr char kVersionType[] = "AES";

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_READERS_KEY_VERSIONS_H_
