// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KEY_SLOT_OPTIONS_H_
#define OPENKEYRING_PRODUCT_KEY_SLOT_OPTIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "aws/settings.h"
#include "crypto/rsa_oaep.h"
#include "json/json_options.h"
#include "os/file_system.h"

// What opens a sealed file besides one KMS key: the options of its key slots,
// for the products that have some. Threads: all functions may be called
// concurrently.
namespace openkeyring {

// One KMS key of the list, with what differs from the options for all keys.
// Empty means "not said".
struct KmsKeyOptions {
  std::string key;  // An id, alias or ARN, as the configuration has it.
  std::string region;
  std::string endpoint_url;
  std::string profile;
  std::string role_arn;
  std::string external_id;

  // Whether it says more than the key.
  bool HasSettings() const;
  // The region that the entry itself names: the option's, else the ARN's; ""
  // for neither.
  std::string Region() const;
  // How messages, status and the file's header call it: the key, and behind it
  // the region where that does not follow from the key: "alias/k@eu-west-1".
  std::string Name() const;
};

struct KeySlotOptions {
  std::vector<KmsKeyOptions> kms_keys;  // In the order in which they are tried.
  std::vector<std::string> recovery_public_keys;  // Paths of PEM files.
  std::string local_unlock_file;  // Path; "" means none, which is the default.

  // Whether a file needs more than the one slot that format version 1 has.
  bool NeedsSlots() const {
    return kms_keys.size() > 1 || !recovery_public_keys.empty() ||
           !local_unlock_file.empty();
  }
};

// Takes `kms_key` (a string: one key; or a list of strings and objects),
// `recovery_public_key` (a string or a list) and `local_unlock_file`, and
// complains about all that is wrong with them, except what only the files can
// tell.
KeySlotOptions ReadKeySlotOptions(JsonOptions& options);

// The keys of one string: separated by commas, or, where it starts with "[", a
// JSON list as above; none for an empty string. kMisconfigured, with all that
// is wrong.
Result<std::vector<KmsKeyOptions>> ParseKmsKeyList(std::string_view text);

// The options for one key: a region of the entry beats that of the ARN, which
// beats the one for all keys; an entry with a profile takes neither access keys
// nor a role from the options for all keys, an entry with a role no other role.
AwsOptions AwsOptionsOfKey(const KmsKeyOptions& key, const AwsOptions& common);

// Whether several keys would be asked for at one endpoint, `common_url`, which
// is that of one region: then the slots of the others could never be made.
bool ShareEndpoint(const std::vector<KmsKeyOptions>& keys,
                   const std::string& common_url);

// A public key that a slot is encrypted to.
struct RecoveryKey {
  std::string path;
  RsaPublicKey key;
};

// The paths of a list as a server's option has it: separated by commas.
std::vector<std::string> SplitPaths(const std::string& list);

// Reads them. `problems` gets what is wrong with each: unreadable, not a public
// key of kLeastRsaBits (RsaPublicKey::FromPem), or the same key twice.
std::vector<RecoveryKey> ReadRecoveryKeys(FileSystem& files,
                                          const std::vector<std::string>& paths,
                                          std::vector<std::string>& problems);

constexpr size_t kLocalUnlockBytes = 32;

// Whether the local unlock file may be one; does not read it. kMisconfigured
// when it lies in or below one of `directories` (the data directory and the
// keyring's), by any path, a second mount of the directory or a hard link, so
// that whoever copies these gets both; when others may access it; when it is
// not a regular file of kLocalUnlockBytes. kNotFound when it is missing: no
// reason not to serve.
Status CheckLocalUnlockFile(FileSystem& files, const std::string& path,
                            const std::vector<std::string>& directories);

// The secret in it. Errors: those of CheckLocalUnlockFile, which is asked
// again, and of reading.
Result<Secret> ReadLocalUnlockFile(FileSystem& files, const std::string& path,
                                   const std::vector<std::string>& directories);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KEY_SLOT_OPTIONS_H_
