// SPDX-License-Identifier: MIT
#include "cli/running_server.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr char kServer[] = "server", kStatus[] = "status", kPlugin[] = "plugin",
               kKey[] = "key", kSpace[] = "space", kDigest[] = "digest",
               kEnd[] = "end";

std::string MySqlStatements() {
  return "SELECT 'server', HEX(@@datadir), HEX(@@version), "
         "HEX(CURRENT_USER()), @@performance_schema;"
         "SELECT 'plugin', HEX(PLUGIN_STATUS) FROM information_schema.PLUGINS "
         "WHERE PLUGIN_NAME = 'keyring_aws';"
         "SELECT 'status', HEX(STATUS_KEY), HEX(STATUS_VALUE) FROM "
         "performance_schema.keyring_component_status;"
         "SELECT 'key', HEX(KEY_ID), HEX(KEY_OWNER) FROM "
         "performance_schema.keyring_keys;"
         "SELECT 'end'";
}

std::string MariaDbStatements(const std::string& product) {
  return "SELECT 'server', HEX(@@datadir), HEX(@@version), "
         "HEX(CURRENT_USER()), 1;"
         "SELECT 'plugin', HEX(PLUGIN_STATUS) FROM information_schema.PLUGINS "
         "WHERE PLUGIN_NAME = '" +
         product +
         "';"
         "SELECT 'status', HEX(VARIABLE_NAME), HEX(VARIABLE_VALUE) FROM "
         "information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME LIKE '" +
         product +
         "%';"
         "SELECT 'space', HEX(NAME), CURRENT_KEY_ID, MIN_KEY_VERSION, "
         "CURRENT_KEY_VERSION FROM "
         "information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE "
         "ENCRYPTION_SCHEME = 1;"
         "SELECT 'end'";
}

Status Unreadable() {
  return {StatusCode::kCorrupt,
          "the server's client gave an answer that is not complete"};
}

uint32_t NumberOf(const std::string& field) {
  uint32_t number = 0;
  (void)std::from_chars(field.data(), field.data() + field.size(), number);
  return number;
}

// Fields of a row from the second one on: those that HEX() made, decoded.
class RowReader {
 public:
  explicit RowReader(const SqlRow& row) : row_(row) {}
  std::string Text(size_t field) {
    if (field >= row_.size()) {
      status_ = Unreadable();
      return "";
    }
    const Result<std::string> text = TextOfHex(row_[field]);
    if (!text) status_ = text.error();
    return text.value_or("");
  }
  uint32_t Number(size_t field) const {
    return field < row_.size() ? NumberOf(row_[field]) : 0;
  }
  const Status& status() const { return status_; }

 private:
  const SqlRow& row_;
  Status status_;
};

// "AWS_KEY_MANAGEMENT_KEYS" -> "keys".
std::string StatusName(std::string name, const std::string& product) {
  const std::string lower = AsciiLower(name);
  if (!lower.starts_with(product + "_")) return name;
  return lower.substr(product.size() + 1);
}

Status AddRow(const SqlRow& row, const std::string& product,
              RunningServer& server) {
  RowReader fields(row);
  const std::string& tag = row.front();
  if (tag == kServer) {
    server.data_directory = fields.Text(1);
    server.version = fields.Text(2);
    server.user = fields.Text(3);
    server.performance_schema = fields.Number(4) == 1;
  } else if (tag == kPlugin) {
    server.plugin_state = fields.Text(1);
  } else if (tag == kStatus) {
    server.status[StatusName(fields.Text(1), product)] = fields.Text(2);
  } else if (tag == kKey) {
    server.keys.insert({fields.Text(1), fields.Text(2)});
  } else if (tag == kSpace) {
    server.spaces.push_back(
        {fields.Text(1), fields.Number(2), fields.Number(3), fields.Number(4)});
  }
  return fields.status();
}

std::string NameOf(const KeyVersion& key) {
  return "version " + std::to_string(key.version) + " of key " +
         std::to_string(key.id);
}

bool IsStored(const StoredKey& key) {
  return key.state != "unfinished" && key.state != "missing" &&
         key.state != "damaged" && key.state != "unreadable";
}

std::vector<std::string> Common(std::vector<std::string> a,
                                const std::vector<std::string>& b) {
  std::erase_if(a, [&](const std::string& name) {
    return std::ranges::find(b, name) == b.end();
  });
  return a;
}

}  // namespace

Result<RunningServer> AskRunningServer(const Installation& installation,
                                       const ServerLogin& login,
                                       FileSystem& files,
                                       ProcessRunner& processes) {
  const std::string product = ProductName(installation.product);
  const auto rows =
      AskServer(installation.server, login,
                {kServer, kPlugin, kStatus, kKey, kSpace, kEnd},
                IsForMariaDb(installation.product) ? MariaDbStatements(product)
                                                   : MySqlStatements(),
                files, processes);
  if (!rows) return rows.error();
  if (rows->empty() || rows->back().front() != kEnd) return Unreadable();
  RunningServer server;
  for (const SqlRow& row : *rows) {
    const Status status = AddRow(row, product, server);
    if (!status.ok()) return status;
  }
  return server;
}

Result<KeyDigests> AskOwnDigests(const Installation& installation,
                                 const ServerLogin& login, ByteView salt,
                                 FileSystem& files, ProcessRunner& processes) {
  const std::string statements =
      "SELECT 'digest', HEX(KEY_ID), SHA2(CONCAT(UNHEX('" + HexEncode(salt) +
      "'), CAST(keyring_key_fetch(KEY_ID) AS BINARY)), 256) FROM "
      "performance_schema.keyring_keys WHERE KEY_OWNER = CURRENT_USER();"
      "SELECT 'end'";
  const auto rows = AskServer(installation.server, login, {kDigest, kEnd},
                              statements, files, processes);
  if (!rows) return rows.error();
  if (rows->empty() || rows->back().front() != kEnd) return Unreadable();
  KeyDigests digests;
  for (const SqlRow& row : *rows) {
    if (row.front() != kDigest || row.size() < 3) continue;
    const Result<std::string> id = TextOfHex(row[1]);
    const Result<Bytes> digest = HexDecode(row[2]);
    Digest256 value{};
    if (!id || !digest || digest->size() != value.size()) continue;
    std::ranges::copy(*digest, value.begin());
    digests[*id] = value;
  }
  return digests;
}

Result<Digest256> SaltedDigest(ByteView salt, const Secret& key) {
  Secret both = Secret::CopyOf(salt);
  both.Append(key.RevealBytes());
  return Sha256(both.RevealBytes());
}

ServerComparison CompareServedKeys(const RunningServer& server,
                                   const StoredKeyring& stored) {
  std::set<KeyName> there;
  for (const StoredKey& key : stored.keys) {
    if (IsStored(key)) there.insert({key.id, key.owner});
  }
  ServerComparison found;
  found.served = server.keys.size();
  found.stored = there.size();
  for (const KeyName& name : server.keys) {
    if (!there.contains(name)) found.not_stored.push_back(ToString(name));
  }
  for (const KeyName& name : there) {
    if (!server.keys.contains(name)) found.not_served.push_back(ToString(name));
  }
  return found;
}

ServerComparison CompareServedVersions(const RunningServer& server,
                                       const StoredKeyring& stored) {
  std::set<KeyVersion> there, needed;
  for (const StoredKey& key : stored.keys) {
    if (!IsStored(key)) continue;
    there.insert({NumberOf(key.id), key.version.value_or(0)});
  }
  for (const EncryptedSpace& space : server.spaces) {
    for (const uint32_t version :
         {space.oldest_version, space.newest_version}) {
      if (version == 0 || version > kMaxKeyVersion) continue;
      needed.insert({space.key_id, version});
    }
  }
  ServerComparison found;
  const auto loaded = server.status.find("versions_loaded");
  found.served = loaded == server.status.end() ? 0 : NumberOf(loaded->second);
  found.stored = there.size();
  for (const KeyVersion key : needed) {
    if (!there.contains(key)) found.not_stored.push_back(NameOf(key));
  }
  return found;
}

ServerComparison Both(const ServerComparison& first,
                      const ServerComparison& second) {
  ServerComparison found = second;
  found.not_stored = Common(second.not_stored, first.not_stored);
  found.not_served = Common(second.not_served, first.not_served);
  found.different = Common(second.different, first.different);
  return found;
}

}  // namespace openkeyring
