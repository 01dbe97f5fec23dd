// SPDX-License-Identifier: MIT
// The functions of keyring_aws.so that the server's keyring service calls.
#include <string.h>

#include <vector>

#include "server/guard.h"
#include "server/mysql/keyring_aws/keyring_aws_plugin.h"
#include "server/mysql/keyring_aws/shortened_owner.h"

namespace openkeyring {
namespace {

constexpr bool kOk = false, kFailed = true;

std::string Text(const char* text) { return text == nullptr ? "" : text; }

KeyName KeyNameFrom(const char* id, const char* owner) {
  return {Text(id), Text(owner)};
}

// Calls work(keyring); its error goes to the log.
template <typename Work>
bool WithKeyring(Work work) {
  PluginInUse plugin;
  if (!plugin) return kFailed;
  return Guarded(plugin->log(), kFailed, [&] {
    const Status status = work(*plugin->keyring());
    if (status.ok()) return kOk;
    plugin->Report(status);
    return kFailed;
  });
}

bool Store(const char* id, const char* type, const char* owner, const void* key,
           size_t length) {
  return WithKeyring([&](KeyringAws& keyring) {
    if (key == nullptr) {
      return Status(StatusCode::kInvalidArgument, "there is no key to store");
    }
    const auto* bytes = static_cast<const uint8_t*>(key);
    return keyring.Store({KeyNameFrom(id, owner), Text(type),
                          Secret::CopyOf(ByteView(bytes, length))});
  });
}

// The server frees both.
Status HandOver(const Key& key, char** type, void** data, size_t* length) {
  const MallocService& memory = ServerMemory();
  const ByteView bytes = key.data.RevealBytes();
  void* copy = memory.duplicate(0, bytes.data(), bytes.size(), 0);
  char* name = memory.duplicate_text(0, key.type.c_str(), 0);
  if (copy == nullptr || name == nullptr) {
    memory.free(copy);
    memory.free(name);
    return {StatusCode::kUnavailable, "the server has no memory for a key"};
  }
  *data = copy;
  *type = name;
  *length = bytes.size();
  return Status::Ok();
}

// Ok when there is really no such key, and not one whose owner the iterator
// has shortened to this.
Status CheckNotShortened(KeyringAws& keyring, const KeyName& name) {
  if (!MayBeShortenedOwner(name.auth_id)) return Status::Ok();
  for (const KeyName& other : keyring.keyring().List()) {
    if (other.data_id != name.data_id ||
        other.auth_id.size() <= kMaxMigratedOwner ||
        ShortenedOwner(other.auth_id) != name.auth_id) {
      continue;
    }
    return {StatusCode::kReadOnly,
            ToString(other) +
                " cannot be migrated: mysqld has room for an "
                "owner of " +
                std::to_string(kMaxMigratedOwner) +
                " bytes only; store it under another owner and remove it"};
  }
  return Status::Ok();
}

bool Fetch(const char* id, char** type, const char* owner, void** key,
           size_t* length) {
  *key = nullptr;
  *type = nullptr;
  *length = 0;
  return WithKeyring([&](KeyringAws& keyring) {
    const KeyName name = KeyNameFrom(id, owner);
    const Result<EncryptedKeyring::KeyPointer> found = keyring.Fetch(name);
    if (!found) return found.error();
    if (*found == nullptr) return CheckNotShortened(keyring, name);
    return HandOver(**found, type, key, length);
  });
}

bool Remove(const char* id, const char* owner) {
  return WithKeyring([&](KeyringAws& keyring) {
    return keyring.Remove(KeyNameFrom(id, owner));
  });
}

bool Generate(const char* id, const char* type, const char* owner,
              size_t length) {
  return WithKeyring([&](KeyringAws& keyring) {
    return keyring.Generate(KeyNameFrom(id, owner), Text(type), length);
  });
}

struct Iterator {
  std::vector<KeyName> names;
  size_t next = 0;
};

void IteratorInit(void** iterator) {
  *iterator = nullptr;
  (void)WithKeyring([&](KeyringAws& keyring) {
    *iterator = new Iterator{keyring.keyring().List()};
    return Status::Ok();
  });
}

void IteratorDeinit(void* iterator) { delete static_cast<Iterator*>(iterator); }

bool IteratorNext(void* iterator, char* id, char* owner) {
  auto* keys = static_cast<Iterator*>(iterator);
  if (keys == nullptr || keys->next == keys->names.size()) return kFailed;
  const KeyName& name = keys->names[keys->next++];
  const std::string fitting = ShortenedOwner(name.auth_id);
  memcpy(id, name.data_id.c_str(), name.data_id.size() + 1);
  memcpy(owner, fitting.c_str(), fitting.size() + 1);
  return kOk;
}

static_assert(kMaxAwsKeyName < 1025, "the server's smallest buffer for an id");

}  // namespace

KeyringPlugin keyring_aws_interface = {kKeyringInterfaceVersion,
                                       Store,
                                       Fetch,
                                       Remove,
                                       Generate,
                                       IteratorInit,
                                       IteratorDeinit,
                                       IteratorNext};

}  // namespace openkeyring
