// SPDX-License-Identifier: MIT
#include "crypto/rsa_oaep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "os/process.h"
#include "os/random.h"
#include "testing/temporary_directory.h"

namespace openkeyring {
namespace {

using testing::HasSubstr;

// Keys and ciphertexts of the openssl program, which is the other side.
class RsaOaep : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new TemporaryDirectory;
    Generate("key.pem", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072");
    PublicHalf("key.pem", "public.pem");
  }
  static void TearDownTestSuite() { delete directory_; }
  void SetUp() override { ERR_clear_error(); }  // What other tests left.

  // What the command prints, in the directory.
  static std::string OpenSsl(const std::string& arguments) {
    const Result<Secret> output = SystemProcessRunner().Run(
        "cd " + directory_->path() + " && openssl " + arguments, Millis(60000),
        1 << 20, nullptr);
    EXPECT_TRUE(output) << arguments << ": " << output.status().ToString();
    return output ? std::string(output->RevealText()) : "";
  }
  static void Generate(const std::string& file, const std::string& arguments) {
    OpenSsl("genpkey -quiet -out " + file + " " + arguments + " 2>&1");
  }
  static void PublicHalf(const std::string& file, const std::string& out) {
    OpenSsl("pkey -in " + file + " -pubout -out " + out);
  }
  static std::string File(const std::string& name) {
    return directory_->ReadBack(name);
  }
  static RsaPublicKey Public() {
    Result<RsaPublicKey> key = RsaPublicKey::FromPem(File("public.pem"));
    EXPECT_TRUE(key) << key.status().ToString();
    return std::move(*key);
  }
  static RsaPrivateKey Private(const std::string& name = "key.pem") {
    Result<RsaPrivateKey> key =
        RsaPrivateKey::FromPem(Secret::CopyOf(File(name)), Secret());
    EXPECT_TRUE(key) << key.status().ToString();
    return std::move(*key);
  }
  static Secret DataKey() {
    Secret key(32);
    EXPECT_TRUE(SystemRandom().Fill(key.RevealMutable()).ok());
    return key;
  }
  static std::string Refusal(const std::string& pem) {
    const Status status = RsaPublicKey::FromPem(pem).status();
    EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
    EXPECT_EQ(ERR_peek_error(), 0u);
    return status.message();
  }

  static TemporaryDirectory* directory_;
};
TemporaryDirectory* RsaOaep::directory_ = nullptr;

TEST_F(RsaOaep, WhatThePublicKeyEncryptsThePrivateKeyDecrypts) {
  const Secret key = DataKey();
  const Result<Bytes> first = Public().Encrypt(key);
  const Result<Bytes> second = Public().Encrypt(key);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->size(), 384u);
  EXPECT_NE(*first, *second);
  const Result<Secret> opened = Private().Decrypt(*first);
  ASSERT_TRUE(opened) << opened.status().ToString();
  EXPECT_TRUE(opened->Equals(key));
}

TEST_F(RsaOaep, TheOpensslProgramOpensIt) {
  const Secret key = DataKey();
  const Result<Bytes> ciphertext = Public().Encrypt(key);
  ASSERT_TRUE(ciphertext);
  directory_->Write("slot.bin", AsText(*ciphertext));
  EXPECT_TRUE(OpenSsl("pkeyutl -decrypt -inkey key.pem -in slot.bin -pkeyopt "
                      "rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256") ==
              key.RevealText());
}

TEST_F(RsaOaep, OpensWhatTheOpensslProgramEncrypted) {
  directory_->Write("plain.bin", "a data key of thirty-two bytes!!");
  const std::string ciphertext = OpenSsl(
      "pkeyutl -encrypt -pubin -inkey public.pem -in plain.bin "
      "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256");
  const Result<Secret> opened = Private().Decrypt(AsBytes(ciphertext));
  ASSERT_TRUE(opened) << opened.status().ToString();
  EXPECT_EQ(opened->RevealText(), "a data key of thirty-two bytes!!");
}

TEST_F(RsaOaep, TheFingerprintIsThatOfTheSubjectPublicKeyInfo) {
  const std::string printed =
      OpenSsl("pkey -pubin -in public.pem -outform DER | sha256sum");
  EXPECT_EQ(FingerprintText(Public().fingerprint()),
            "SHA256:" + printed.substr(0, 64));
  EXPECT_EQ(Private().fingerprint(), Public().fingerprint());
}

TEST_F(RsaOaep, AnotherKeyAndChangedBytesDoNotOpen) {
  Result<Bytes> ciphertext = Public().Encrypt(DataKey());
  ASSERT_TRUE(ciphertext);
  Generate("other.pem", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072");
  EXPECT_EQ(Private("other.pem").Decrypt(*ciphertext).status().code(),
            StatusCode::kCorrupt);
  ciphertext->at(100) ^= 1;
  EXPECT_EQ(Private().Decrypt(*ciphertext).status().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(Private().Decrypt({}).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_F(RsaOaep, TextAroundTheBlockIsAllowed) {
  EXPECT_TRUE(RsaPublicKey::FromPem("the key in the safe\n" +
                                    File("public.pem") + "\n# 2026\n"));
}

TEST_F(RsaOaep, APrivateKeyIsRefusedAndSaysThatItMustGo) {
  const std::string warning = "this is a PRIVATE key, which must not be on a";
  EXPECT_THAT(Refusal(File("key.pem")), HasSubstr(warning));
  EXPECT_THAT(Refusal(File("public.pem") + File("key.pem")),
              HasSubstr(warning));
  EXPECT_THAT(Refusal("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
              HasSubstr(warning));
  EXPECT_THAT(Refusal("-----BEGIN RSA PRIVATE KEY-----\n"), HasSubstr(warning));
}

TEST_F(RsaOaep, AShortKeyIsRefused) {
  Generate("short.pem", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
  PublicHalf("short.pem", "short_public.pem");
  EXPECT_EQ(Refusal(File("short_public.pem")),
            "the RSA key has 2048 bits, at least 3072 are required");
}

TEST_F(RsaOaep, KeysThatCannotEncryptAreRefused) {
  Generate("ec.pem", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
  PublicHalf("ec.pem", "ec_public.pem");
  EXPECT_THAT(Refusal(File("ec_public.pem")), HasSubstr("not an RSA key"));
}

TEST_F(RsaOaep, APrivateKeyThatIsNotRsaIsRefused) {
  Generate("ec.pem", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
  const Status status =
      RsaPrivateKey::FromPem(Secret::CopyOf(File("ec.pem")), Secret()).status();
  EXPECT_EQ(status.code(), StatusCode::kMisconfigured);
}

TEST_F(RsaOaep, WhatIsNoPublicKeyIsRefusedWithTheWayToOne) {
  const std::string pem = File("public.pem");
  EXPECT_THAT(Refusal(""), HasSubstr("this is not a PEM file"));
  EXPECT_THAT(Refusal("-----BEGIN CERTIFICATE-----\n"),
              HasSubstr("openssl x509"));
  EXPECT_THAT(Refusal("-----BEGIN RSA PUBLIC KEY-----\n"),
              HasSubstr("-pubout"));
  EXPECT_THAT(Refusal(pem + pem), HasSubstr("more than one PEM block"));
  EXPECT_THAT(Refusal(pem.substr(0, 200)), HasSubstr("cannot be read"));
}

// An even modulus has the factor two.
TEST_F(RsaOaep, AnInvalidModulusIsRefused) {
  OpenSsl("pkey -pubin -in public.pem -outform DER -out public.der");
  std::string der = File("public.der");
  der[der.size() - 6] ^= 1;  // The modulus ends before the exponent's 5 bytes.
  directory_->Write("even.der", der);
  EXPECT_THAT(
      Refusal("-----BEGIN PUBLIC KEY-----\n" + OpenSsl("base64 -in even.der") +
              "-----END PUBLIC KEY-----\n"),
      HasSubstr("not a valid RSA public key"));
}

TEST_F(RsaOaep, WhatDoesNotFitIsRefused) {
  EXPECT_TRUE(Public().Encrypt(Secret(384 - 66)));
  EXPECT_EQ(Public().Encrypt(Secret(384 - 65)).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(RsaOaep, AnEncryptedPrivateKeyNeedsItsPassphrase) {
  OpenSsl("pkey -in key.pem -aes256 -passout pass:correct -out locked.pem");
  const auto open = [](std::string_view passphrase) {
    return RsaPrivateKey::FromPem(Secret::CopyOf(File("locked.pem")),
                                  Secret::CopyOf(passphrase));
  };
  EXPECT_TRUE(open("correct"));
  EXPECT_EQ(open("wrong").status().code(), StatusCode::kDenied);
  EXPECT_EQ(open("").status().message(),
            "the private key is encrypted with a passphrase");
  EXPECT_EQ(open(std::string(5000, 'x')).status().code(), StatusCode::kDenied);
  EXPECT_EQ(RsaPrivateKey::FromPem(Secret::CopyOf(File("public.pem")), Secret())
                .status()
                .code(),
            StatusCode::kMisconfigured);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace openkeyring
