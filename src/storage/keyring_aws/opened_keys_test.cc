// SPDX-License-Identifier: MIT
#include "storage/keyring_aws/opened_keys.h"

#include <gtest/gtest.h>

#include "testing/fakes.h"

namespace openkeyring {
namespace {

class FailingRandom : public Random {
 public:
  Status Fill(std::span<uint8_t>) override {
    return {StatusCode::kInternal, "no random bytes"};
  }
  double Fraction() override { return 0; }
};

EncryptedKeyPointer Encrypted() {
  return std::make_shared<const EncryptedKey>(EncryptedKey{"AES", {{1}, ""}});
}
OpenedKeys::KeyPointer Plain(std::string_view text) {
  return std::make_shared<const Key>(
      Key{{"a", ""}, "AES", Secret::CopyOf(text)});
}

TEST(OpenedKeys, TellsWhetherACiphertextOpenedAsThis) {
  FakeRandom random;
  const auto opened = *OpenedKeys::Make(random, false);
  const EncryptedKeyPointer one = Encrypted(), two = Encrypted();
  EXPECT_FALSE(opened->FingerprintOf(one));
  opened->Add(one, Plain("x"));
  EXPECT_EQ(opened->FingerprintOf(one),
            *opened->Fingerprint(Secret::CopyOf("x")));
  EXPECT_NE(opened->FingerprintOf(one),
            *opened->Fingerprint(Secret::CopyOf("y")));
  EXPECT_FALSE(opened->FingerprintOf(two));
  opened->Forget(one);
  EXPECT_FALSE(opened->FingerprintOf(one));
}

// It says nothing to who does not have this object.
TEST(OpenedKeys, AFingerprintIsNoDigestOfTheKeyAlone) {
  FakeRandom random;
  const Secret key = Secret::CopyOf("x");
  const auto first = *OpenedKeys::Make(random, false);
  const auto second = *OpenedKeys::Make(random, false);
  EXPECT_NE(*first->Fingerprint(key), *second->Fingerprint(key));
  EXPECT_NE(*first->Fingerprint(key), *Sha256(key.RevealBytes()));
}

TEST(OpenedKeys, KeepsPlaintextOnlyWhenTold) {
  FakeRandom random;
  const EncryptedKeyPointer one = Encrypted();
  for (const bool keep : {false, true}) {
    const auto opened = *OpenedKeys::Make(random, keep);
    const std::weak_ptr<const Key> plain = [&] {
      const OpenedKeys::KeyPointer key = Plain("x");
      opened->Add(one, key);
      return key;
    }();
    EXPECT_EQ(plain.expired(), !keep);
    EXPECT_EQ(opened->Find(one) != nullptr, keep);
    opened->Retain([](const EncryptedKeyPointer&) { return false; });
    EXPECT_TRUE(plain.expired());
    EXPECT_FALSE(opened->FingerprintOf(one));
  }
}

TEST(OpenedKeys, NeedsRandomBytes) {
  FailingRandom random;
  EXPECT_FALSE(OpenedKeys::Make(random, false));
}

}  // namespace
}  // namespace openkeyring
