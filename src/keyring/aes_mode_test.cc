// SPDX-License-Identifier: MIT
#include "keyring/aes_mode.h"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <array>
#include <memory>
#include <string>

namespace openkeyring {
namespace {

const char* const kModes[] = {"cbc", "cfb1", "cfb8", "cfb128", "ofb"};
constexpr std::array<uint8_t, 16> kIv = {0, 1, 2,  3,  4,  5,  6,  7,
                                         8, 9, 10, 11, 12, 13, 14, 15};

Key MakeKey(std::string_view bytes, std::string type = "AES") {
  return {{"id", "owner"}, std::move(type), Secret::CopyOf(bytes)};
}

Bytes TextOf(size_t size) {
  Bytes text(size);
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<uint8_t>(i * 37 + 5);
  return text;
}

// OpenSSL asked by the cipher's name: empty when it refuses.
Bytes Reference(const std::string& mode, bool encrypt, std::string_view key,
                bool padding, ByteView text) {
  uint8_t hashed[32];
  SHA256(reinterpret_cast<const uint8_t*>(key.data()), key.size(), hashed);
  const std::unique_ptr<EVP_CIPHER, void (*)(EVP_CIPHER*)> cipher(
      EVP_CIPHER_fetch(nullptr,
                       ("AES-256-" + (mode == "cfb128" ? "cfb" : mode)).c_str(),
                       nullptr),
      EVP_CIPHER_free);
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(
      EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  Bytes out(text.size() + 32);
  int size = 0, last = 0;
  EXPECT_TRUE(EVP_CipherInit_ex2(context.get(), cipher.get(), hashed,
                                 kIv.data(), encrypt, nullptr));
  EVP_CIPHER_CTX_set_padding(context.get(), padding);
  if (!EVP_CipherUpdate(context.get(), out.data(), &size, text.data(),
                        static_cast<int>(text.size())) ||
      !EVP_CipherFinal_ex(context.get(), out.data() + size, &last)) {
    return {};
  }
  out.resize(static_cast<size_t>(size + last));
  return out;
}

Result<Bytes> Encrypt(const std::string& mode, const Key& key, bool padding,
                      ByteView text) {
  const Result<AesMode> aes = AesMode::Find(mode, 256);
  Bytes out(aes->EncryptedSize(text.size()));
  const auto size = aes->Encrypt(key, kIv.data(), padding, text, out);
  if (!size) return size.error();
  out.resize(*size);
  return out;
}

Result<Bytes> Decrypt(const std::string& mode, const Key& key, bool padding,
                      ByteView text) {
  Bytes out(text.size());  // As small as is allowed.
  const auto size =
      AesMode::Find(mode, 256)->Decrypt(key, kIv.data(), padding, text, out);
  if (!size) return size.error();
  out.resize(*size);
  return out;
}

TEST(AesMode, TheFiveModesExistWith256BitsAndInLowerCaseOnly) {
  for (const char* mode : kModes) {
    EXPECT_TRUE(AesMode::Find(mode, 256)) << mode;
    for (const size_t bits : {0, 32, 128, 192, 255, 257, 512}) {
      EXPECT_EQ(AesMode::Find(mode, bits).status().code(),
                StatusCode::kInvalidArgument);
    }
  }
  for (const char* mode : {"", "CBC", "ecb", "ctr", "gcm", "cfb", "cbc "}) {
    EXPECT_EQ(AesMode::Find(mode, 256).status().code(),
              StatusCode::kInvalidArgument)
        << mode;
  }
}

TEST(AesMode, BlockModesNeedOneMoreBlockAndStreamModesNothing) {
  const AesMode cbc = *AesMode::Find("cbc", 256);
  EXPECT_EQ(cbc.EncryptedSize(0), 16u);
  EXPECT_EQ(cbc.EncryptedSize(15), 16u);
  EXPECT_EQ(cbc.EncryptedSize(16), 32u);
  EXPECT_EQ(cbc.EncryptedSize(17), 32u);
  for (const char* mode : {"cfb1", "cfb8", "cfb128", "ofb"}) {
    for (const size_t size : {0, 1, 16, 17}) {
      EXPECT_EQ(AesMode::Find(mode, 256)->EncryptedSize(size), size);
    }
  }
}

TEST(AesMode, EncryptsAsOpenSslDoesWithTheHashOfTheKey) {
  const std::string long_key(1000, 'k');
  for (const std::string& bytes : {std::string("k"), std::string(16, 'x'),
                                   std::string(32, '\0'), long_key}) {
    const Key key = MakeKey(bytes);
    for (const std::string mode : kModes) {
      for (size_t size = 0; size <= 40; ++size) {
        const Bytes text = TextOf(size);
        const auto encrypted = Encrypt(mode, key, true, text);
        ASSERT_TRUE(encrypted) << mode << size;
        EXPECT_EQ(*encrypted, Reference(mode, true, bytes, true, text));
        const auto decrypted = Decrypt(mode, key, true, *encrypted);
        ASSERT_TRUE(decrypted) << decrypted.status().ToString();
        EXPECT_EQ(*decrypted, text) << mode << size;
      }
    }
  }
}

TEST(AesMode, WithoutPaddingBlockModesTakeWholeBlocksOnly) {
  const Key key = MakeKey("key");
  for (const std::string mode : kModes) {
    for (size_t size = 0; size <= 40; ++size) {
      const Bytes text = TextOf(size);
      const auto encrypted = Encrypt(mode, key, false, text);
      if (mode == "cbc" && size % 16 != 0) {
        EXPECT_EQ(encrypted.status().code(), StatusCode::kCorrupt);
        EXPECT_EQ(Decrypt(mode, key, false, text).status().code(),
                  StatusCode::kCorrupt);
        continue;
      }
      ASSERT_TRUE(encrypted) << mode << size;
      EXPECT_EQ(encrypted->size(), size);
      EXPECT_EQ(*encrypted, Reference(mode, true, "key", false, text));
      EXPECT_EQ(*Decrypt(mode, key, false, *encrypted), text);
    }
  }
}

TEST(AesMode, DecryptsAsOpenSslDoesWhateverTheBytes) {
  const Key key = MakeKey("key");
  for (const std::string mode : kModes) {
    for (const bool padding : {false, true}) {
      for (size_t size = 1; size <= 40; ++size) {
        const Bytes text = TextOf(size);
        const Bytes expected = Reference(mode, false, "key", padding, text);
        const auto decrypted = Decrypt(mode, key, padding, text);
        EXPECT_EQ(decrypted.value_or(Bytes()), expected) << mode << size;
        if (!decrypted) {
          EXPECT_EQ(decrypted.error().code(), StatusCode::kCorrupt);
        }
      }
    }
  }
}

TEST(AesMode, WrongPaddingIsCorrupt) {
  const Key key = MakeKey("key");
  // Encrypted without padding, this ends in a byte that no padding has.
  Bytes text(16, 0xff);
  const Bytes encrypted = *Encrypt("cbc", key, false, text);
  EXPECT_EQ(Decrypt("cbc", key, true, encrypted).status().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(Decrypt("cbc", key, true, {}).status().code(),
            StatusCode::kCorrupt);
}

TEST(AesMode, AnotherKeyOrIvGivesAnotherText) {
  const Bytes text = TextOf(32);
  for (const std::string mode : kModes) {
    const Bytes encrypted = *Encrypt(mode, MakeKey("key"), false, text);
    EXPECT_NE(encrypted, *Encrypt(mode, MakeKey("kez"), false, text));
    auto iv = kIv;
    iv[15] ^= 1;
    Bytes out(48);
    const auto size = AesMode::Find(mode, 256)->Encrypt(
        MakeKey("key"), iv.data(), false, text, out);
    ASSERT_TRUE(size);
    out.resize(*size);
    EXPECT_NE(encrypted, out) << mode;
  }
}

TEST(AesMode, KeysOfTypeAesInAnyCaseOnly) {
  const Bytes text = TextOf(5);
  for (const char* type : {"AES", "aes", "Aes", "aEs"}) {
    EXPECT_TRUE(Encrypt("cbc", MakeKey("key", type), true, text)) << type;
  }
  for (const char* type : {"", "SECRET", "AES ", "AES256", "RSA"}) {
    const Key key = MakeKey("s3cret", type);
    const Status status = Encrypt("cbc", key, true, text).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << type;
    EXPECT_EQ(status.message().find("s3cret"), std::string::npos);
    EXPECT_EQ(Decrypt("cbc", key, true, text).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(AesMode, NeedsAnIv) {
  const AesMode aes = *AesMode::Find("ofb", 256);
  Bytes out(16);
  EXPECT_EQ(aes.Encrypt(MakeKey("k"), nullptr, true, out, out).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(aes.Decrypt(MakeKey("k"), nullptr, true, out, out).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(AesMode, ABufferThatIsTooSmallStaysAsItWas) {
  const Key key = MakeKey("key");
  for (const std::string mode : kModes) {
    const AesMode aes = *AesMode::Find(mode, 256);
    for (const size_t size : {1, 16, 17}) {
      const Bytes text = TextOf(size);
      for (const bool encrypt : {true, false}) {
        const size_t needed = encrypt ? aes.EncryptedSize(size) : size;
        Bytes out(needed - 1, 0xaa);
        const auto written =
            encrypt ? aes.Encrypt(key, kIv.data(), false, text, out)
                    : aes.Decrypt(key, kIv.data(), false, text, out);
        EXPECT_EQ(written.status().code(), StatusCode::kInvalidArgument);
        EXPECT_EQ(out, Bytes(needed - 1, 0xaa)) << mode;
      }
    }
  }
}

}  // namespace
}  // namespace openkeyring
