// SPDX-License-Identifier: MIT
#include "storage/sealed/slot_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

#include "storage/sealed/local_slot_key.h"
#include "storage/sealed/public_slot_key.h"
#include "storage/sealed/sealed_header.h"
#include "testing/fake_key_wrapper.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

class SlotKeyTest : public testing::Test {
 protected:
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }

  ManualClock clock_;
  const Secret data_key_ = Secret::CopyOf(std::string(kDataKeyBytes, 'd'));
  const SlotBinding binding_ = {FileId{1, 2, 3}, {{"p", "q"}}};
};

TEST_F(SlotKeyTest, AKmsSlotOpensWithItsContextOnly) {
  FakeKeyWrapper kms;
  KmsSlotKey key(kms);
  const auto slot = key.Seal(data_key_, binding_, Soon());
  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->name, "alias/fake");
  EXPECT_THAT(slot->maker, HasSubstr("arn:aws:kms"));
  EXPECT_TRUE(key.Owns(*slot) && key.IsCurrent(*slot));
  EXPECT_EQ(kms.calls("Unwrap"), 1) << "it was opened again";
  EXPECT_TRUE(key.Open(*slot, binding_, Soon())->Equals(data_key_));
  const SlotBinding other = {binding_.file_id, {{"p", "x"}}};
  EXPECT_EQ(key.Open(*slot, other, Soon()).status().code(),
            StatusCode::kCorrupt);
  KeySlot own = *slot;
  PutPairs(own.parameters, binding_.context);
  EXPECT_TRUE(key.Open(own, other, Soon())) << "bound to its own pairs";
  EXPECT_FALSE(key.IsCurrent(own));
}

TEST_F(SlotKeyTest, AKmsKeyKnowsItsSlotsByNameAndByArn) {
  FakeKeyWrapper kms;
  const KeySlot slot = *KmsSlotKey(kms).Seal(data_key_, binding_, Soon());
  EXPECT_TRUE(KmsSlotKey(kms).Owns(slot));
  EXPECT_FALSE(KmsSlotKey(kms, "alias/fake@eu-west-1").IsCurrent(slot));
  kms.SetCurrentKey(slot.maker);
  EXPECT_TRUE(KmsSlotKey(kms).Owns(slot));
  EXPECT_FALSE(KmsSlotKey(kms).IsCurrent(slot)) << "its name is to change";
  kms.SetCurrentKey("alias/other");
  EXPECT_FALSE(KmsSlotKey(kms).Owns(slot));
}

TEST_F(SlotKeyTest, AGeneratedDataKeyHasBeenOpened) {
  FakeKeyWrapper kms;
  const auto made = KmsSlotKey(kms).Generate(binding_, Soon());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->data_key.size(), kDataKeyBytes);
  EXPECT_EQ(kms.calls("Unwrap"), 1);
}

TEST_F(SlotKeyTest, AKeyOfAnotherSizeIsRefused) {
  FakeKeyWrapper kms;
  KmsSlotKey key(kms);
  const auto slot =
      key.Seal(Secret::CopyOf(std::string("short")), binding_, Soon());
  EXPECT_EQ(key.Open(*slot, binding_, Soon()).status().code(),
            StatusCode::kCorrupt);
}

std::string Pem(EVP_PKEY* key, bool is_private) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()),
                                                      BIO_free);
  if (is_private) {
    PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr,
                             nullptr);
  } else {
    PEM_write_bio_PUBKEY(out.get(), key);
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

TEST_F(SlotKeyTest, OnlyThePrivateKeyOpensASlotOfThePublicOne) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> rsa(
      EVP_RSA_gen(3072), EVP_PKEY_free);
  PublicKeySlotKey public_key(*RsaPublicKey::FromPem(Pem(rsa.get(), false)),
                              "/safe.pem");
  PrivateKeySlotKey private_key(
      std::move(*RsaPrivateKey::FromPem(Secret::CopyOf(Pem(rsa.get(), true)),
                                        Secret())),
      "usb");
  const auto slot = public_key.Seal(data_key_, binding_, Soon());
  ASSERT_TRUE(slot);
  EXPECT_EQ(slot->name, "/safe.pem");
  EXPECT_THAT(slot->maker, HasSubstr("SHA256:"));
  EXPECT_TRUE(public_key.Owns(*slot) && private_key.Owns(*slot));
  EXPECT_FALSE(public_key.CanOpen());
  EXPECT_EQ(public_key.Open(*slot, binding_, Soon()).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_TRUE(private_key.Open(*slot, binding_, Soon())->Equals(data_key_));
  EXPECT_EQ(private_key.Seal(data_key_, binding_, Soon()).status().code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(public_key.Generate(binding_, Soon()).status().code(),
            StatusCode::kMisconfigured);
  KeySlot damaged = *slot;
  damaged.blob[7] ^= 1;
  EXPECT_EQ(private_key.Open(damaged, binding_, Soon()).status().code(),
            StatusCode::kCorrupt);
  damaged.maker = "SHA256:00";
  EXPECT_FALSE(public_key.Owns(damaged) || private_key.Owns(damaged));
}

class LocalSlotKeyTest : public SlotKeyTest {
 protected:
  LocalFileSlotKey Key() {
    return {[this]() -> Result<Secret> {
              if (!error_.ok()) return error_;
              return secret_.Clone();
            },
            "/run/secret", SystemRandom()};
  }
  Secret secret_ = Secret::CopyOf(std::string(kLocalSecretBytes, 's'));
  Status error_;
};

TEST_F(LocalSlotKeyTest, OpensWithItsSecretForItsFileOnly) {
  LocalFileSlotKey key = Key();
  const auto slot = key.Seal(data_key_, binding_, Soon());
  ASSERT_TRUE(slot) << slot.error().message();
  EXPECT_TRUE(key.IsLastResort());
  EXPECT_TRUE(key.Owns(*slot));
  EXPECT_TRUE(key.Open(*slot, binding_, Soon())->Equals(data_key_));
  EXPECT_FALSE(key.Open(*slot, {FileId{9}, {}}, Soon()));
  for (size_t bit = 0; bit < 8 * slot->blob.size(); ++bit) {
    KeySlot damaged = *slot;
    damaged.blob[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_EQ(key.Open(damaged, binding_, Soon()).status().code(),
              StatusCode::kCorrupt);
  }
  secret_ = Secret::CopyOf(std::string(kLocalSecretBytes, 't'));
  EXPECT_FALSE(key.Owns(*slot));
  EXPECT_EQ(key.Open(*slot, binding_, Soon()).status().code(),
            StatusCode::kCorrupt);
}

TEST_F(LocalSlotKeyTest, NoTwoSlotsAreAlike) {
  LocalFileSlotKey key = Key();
  const KeySlot one = *key.Seal(data_key_, binding_, Soon());
  const KeySlot two = *key.Seal(data_key_, binding_, Soon());
  EXPECT_NE(one.parameters, two.parameters);
  EXPECT_NE(one.maker, two.maker) << "files do not show a common secret";
  EXPECT_NE(one.blob, two.blob);
}

TEST_F(LocalSlotKeyTest, ASecretThatCannotBeReadIsNoAnswerAboutKeys) {
  LocalFileSlotKey key = Key();
  const KeySlot slot = *key.Seal(data_key_, binding_, Soon());
  error_ = {StatusCode::kNotFound, "it is missing"};
  EXPECT_TRUE(key.Owns(slot)) << "by its name";
  EXPECT_EQ(key.Open(slot, binding_, Soon()).status().code(),
            StatusCode::kUnavailable);
  error_ = Status::Ok();
  secret_ = Secret::CopyOf(std::string("short"));
  EXPECT_EQ(key.Seal(data_key_, binding_, Soon()).status().code(),
            StatusCode::kMisconfigured);
}

}  // namespace
}  // namespace openkeyring
