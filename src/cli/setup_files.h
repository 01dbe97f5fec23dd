// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SETUP_FILES_H_
#define OPENKEYRING_CLI_SETUP_FILES_H_

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/installation.h"
#include "os/file_system.h"

// What `init` writes and prints for a product. Contents only.
namespace openkeyring {

// What was given on the command line.
struct SetupOptions {
  std::string keyring_directory;
  std::string kms_key, region, endpoint_url;                // AWS.
  std::string servers, server_ca, client_cert, client_key;  // KMIP.
  std::string object_group;
  std::string option_directory;  // "": by what is there.
};

struct SetupFile {
  std::string path;
  std::string content;
};

// The files, in the order in which they are written: what makes the server load
// the product is the last. kUsage names every option that the product needs
// and that is missing.
tl::expected<std::vector<SetupFile>, Failure> SetupFilesOf(
    const Installation& installation, const SetupOptions& options,
    FileSystem& files);

// Whether the product keeps its keys in a directory of its own.
bool NeedsKeyringDirectory(Product product);

// Rules of AppArmor that a profile lacks: for the manifest and the
// configuration of a component, which the profiles of distributions do not
// have. `profile` is its text with local additions. None for a plugin.
std::vector<std::string> MissingRules(const Installation& installation,
                                      const std::string& profile);

// Lines for people: rules of AppArmor and SELinux that the server needs on this
// machine to use the directory and to reach the key server.
std::vector<std::string> AccessRules(const Installation& installation,
                                     const SetupOptions& options,
                                     FileSystem& files);

// Lines for people: a drop-in for the server's systemd unit, as the packaged
// examples have it. Without TimeoutStartSec where the unit waits long enough;
// credentials are comments.
std::vector<std::string> DropInLines(const Installation& installation,
                                     const SetupOptions& options,
                                     FileSystem& files);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SETUP_FILES_H_
