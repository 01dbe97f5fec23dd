// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_RUNNING_SERVER_H_
#define OPENKEYRING_CLI_RUNNING_SERVER_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/server_login.h"
#include "cli/stored_keyring.h"
#include "crypto/digest.h"
#include "keyring/key.h"
#include "keyring/versioned_backend.h"

// What a server that runs says about its keys, without a value of one, and the
// comparison with what is stored.
namespace openkeyring {

// What a tablespace of MariaDB is encrypted with.
struct EncryptedSpace {
  std::string name;
  uint32_t key_id = 0;
  uint32_t oldest_version = 0, newest_version = 0;  // 0: none.
};

struct RunningServer {
  std::string data_directory, version;
  std::string user;                 // The login, as the owner of a key.
  bool performance_schema = false;  // MySQL; off: its keys are not shown.
  std::string plugin_state;         // "ACTIVE"; "" for none. Of plugins.
  // MySQL: performance_schema.keyring_component_status. MariaDB: the plugin's
  // status variables, in lower case, without the plugin's name.
  std::map<std::string, std::string> status;
  std::set<KeyName> keys;              // MySQL.
  std::vector<EncryptedSpace> spaces;  // MariaDB.
};

// Asks the server of this installation. Errors: AskServer.
Result<RunningServer> AskRunningServer(const Installation& installation,
                                       const ServerLogin& login,
                                       FileSystem& files,
                                       ProcessRunner& processes);

// SHA-256 of a salt and a key: says whether two keys are equal, and, with a
// salt that is used once, nothing to whoever sees it later.
using KeyDigests = std::map<std::string, Digest256>;  // By data id.

// Of the keys that belong to the login: the functions of keyring_udf give a key
// to its owner, and the server makes the digest, so that no value leaves it.
// kNotFound when it does not have the functions.
Result<KeyDigests> AskOwnDigests(const Installation& installation,
                                 const ServerLogin& login, ByteView salt,
                                 FileSystem& files, ProcessRunner& processes);
Result<Digest256> SaltedDigest(ByteView salt, const Secret& key);

// Names as people and JSON have them.
struct ServerComparison {
  size_t served = 0, stored = 0;
  std::vector<std::string> not_stored;  // Would be missing at the next start.
  std::vector<std::string> not_served;
  std::vector<std::string> different;  // By digest.
  size_t digests_compared = 0;

  bool agrees() const {
    return not_stored.empty() && not_served.empty() && different.empty();
  }
};

// MySQL: every key of both.
ServerComparison CompareServedKeys(const RunningServer& server,
                                   const StoredKeyring& stored);
// MariaDB names no key: the versions that tablespaces need, and how many are
// loaded. `served` is the plugin's number.
ServerComparison CompareServedVersions(const RunningServer& server,
                                       const StoredKeyring& stored);
// What both say: the server may have made a key between two looks.
ServerComparison Both(const ServerComparison& first,
                      const ServerComparison& second);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_RUNNING_SERVER_H_
