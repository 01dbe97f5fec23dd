// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_KMIP_KEYRING_FIXTURE_H_
#define OPENKEYRING_TESTING_KMIP_KEYRING_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "emulators/kmip/lab.h"
#include "kmip/operations/activate.h"
#include "kmip/operations/register.h"
#include "kmip/operations/revoke.h"
#include "storage/kmip/kmip_keyring_backend.h"

namespace openkeyring {

using kmip_server::Behaviour;
using kmip_server::Fault;
using kmip_server::Lab;
using kmip_server::MakeFault;

inline Key MakeKey(std::string data_id, std::string auth_id, std::string type,
                   std::string_view data) {
  return {{std::move(data_id), std::move(auth_id)},
          std::move(type),
          Secret::CopyOf(data)};
}

inline Key Aes(std::string data_id, std::string auth_id = "") {
  return MakeKey(std::move(data_id), std::move(auth_id), "AES",
                 "0123456789abcdef0123456789abcdef");
}

class KmipKeyringBackendTest : public testing::Test {
 protected:
  KmipKeyringBackend KeyringBackend(KmipKeyringOptions options = {},
                                    std::string group = "") {
    return KmipKeyringBackend(client_, Group(std::move(group)), SystemClock(),
                              SystemRandom(), lab_.log, std::move(options));
  }
  KmipGroup& Group(std::string group = "") {
    KmipGroupOptions options;
    options.object_group = std::move(group);
    groups_.push_back(std::make_unique<KmipGroup>(client_, PosixFileSystem(),
                                                  SystemRandom(), lab_.log,
                                                  std::move(options)));
    return *groups_.back();
  }
  // What a fresh backend loads: "data_id|auth_id|type|data", sorted.
  std::vector<std::string> Loaded(KmipKeyringOptions options = {},
                                  std::string group = "") {
    KmipKeyringBackend backend =
        KeyringBackend(std::move(options), std::move(group));
    Result<std::vector<Key>> keys = backend.Load(Lab::Soon());
    EXPECT_TRUE(keys) << keys.error().ToString();
    return keys ? Texts(*keys) : std::vector<std::string>{"failed"};
  }
  static std::string Text(const Key& key) {
    return key.name.data_id + "|" + key.name.auth_id + "|" + key.type + "|" +
           std::string(key.data.RevealText());
  }
  static std::vector<std::string> Texts(const std::vector<Key>& keys) {
    std::vector<std::string> texts;
    for (const Key& key : keys) texts.push_back(Text(key));
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  Status LoadError(KmipKeyringOptions options = {}) {
    KmipKeyringBackend backend = KeyringBackend(std::move(options));
    return backend.Load(Lab::Soon()).status();
  }
  // As Percona's component registers it.
  std::string RegisterAsPercona(const std::string& name, KmipObjectType type,
                                std::string_view value, bool activate = true,
                                const std::string& group = "") {
    KmipObject object;
    object.type = type;
    object.value = Secret::CopyOf(value);
    KmipAttributes attributes;
    if (!name.empty()) attributes.names = {name};
    if (!group.empty()) attributes.object_groups = {group};
    attributes.usage_mask = 0x0C;
    if (type == KmipObjectType::kSymmetricKey) {
      object.algorithm = attributes.algorithm = KmipAlgorithm::kAes;
      object.length = attributes.length = static_cast<int>(value.size() * 8);
    } else {
      object.format = KmipKeyFormat::kOpaque;
    }
    return RegisterAs(object, attributes, activate);
  }
  std::string RegisterAs(const KmipObject& object,
                         const KmipAttributes& attributes,
                         bool activate = true) {
    const KmipChange change =
        client_.Change(MakeRegister(object, attributes), Lab::Soon());
    EXPECT_TRUE(change.status.ok()) << change.status.ToString();
    if (activate) Do(MakeActivate(change.id));
    return change.id;
  }
  void Do(const KmipCall& call) {
    const KmipChange change = client_.Change(call, Lab::Soon());
    EXPECT_TRUE(change.status.ok()) << change.status.ToString();
  }
  void Revoke(const std::string& id) {
    KmipRevokeRequest request;
    request.id = id;
    Do(MakeRevoke(request));
  }
  void Set(bool Behaviour::*member) {
    Behaviour behaviour;
    behaviour.*member = true;
    lab_.server().Set(behaviour);
  }

  Lab lab_;
  KmipClient& client_ = lab_.Client();
  KmipSession session_{client_};
  std::vector<std::unique_ptr<KmipGroup>> groups_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_KMIP_KEYRING_FIXTURE_H_
