// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_MYSQL_KEY_IDENTITY_H_
#define OPENKEYRING_STORAGE_KMIP_MYSQL_KEY_IDENTITY_H_

#include <optional>
#include <string>

#include "base/result.h"
#include "keyring/key.h"
#include "kmip/attributes.h"
#include "kmip/object.h"

namespace openkeyring {

// Which MySQL key an object of a KMIP server is (docs/file_formats.md, "KMIP
// objects"). Percona's component says it by the object's name alone, and loses
// the owner; ours puts all of it into Application Specific Information.
struct MysqlKeyIdentity {
  KeyName name;
  std::string type;
  // Of one attempt to store it, so that its object can be told from any other
  // of that name. Empty for objects with a name alone, as Percona's.
  std::string nonce;

  bool is_ours() const { return !nonce.empty(); }
  bool operator==(const MysqlKeyIdentity&) const = default;
};

// The Name attribute: the data id alone for keys without an owner, as Percona's
// component has it, and else one that also differs by owner.
std::string MysqlKeyObjectName(const KeyName& name);
// A name that only this attempt has, for servers on which names are unique and
// the one above is taken by another group, or by what was destroyed.
std::string MysqlKeyUniqueName(const MysqlKeyIdentity& identity);
// Whether the name and the kind of object say all about a key, as they do for
// keys without an owner that Percona's component can store.
bool IsMysqlNameEnough(const Key& key);

// What an object is registered with. `value` decides between a symmetric key
// (AES of 16, 24 or 32 bytes) and secret data: servers check lengths.
KmipAttributes MysqlKeyAttributes(const MysqlKeyIdentity& identity,
                                  const std::string& object_group,
                                  KmipObjectType type, size_t bytes);
KmipObject MysqlKeyObject(const Key& key);

// By an object's attributes, which must have type, names and application
// specific information as the server gave them. Nothing for objects that are
// not MySQL keys: without a name, of another algorithm than AES, or of another
// product of ours. kCorrupt for what is marked as ours and cannot be read.
Result<std::optional<MysqlKeyIdentity>> ReadMysqlKeyIdentity(
    const KmipAttributes& attributes);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_MYSQL_KEY_IDENTITY_H_
