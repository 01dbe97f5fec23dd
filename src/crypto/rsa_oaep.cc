// SPDX-License-Identifier: MIT
#include "crypto/rsa_oaep.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace openkeyring {
namespace {

constexpr char kAlgorithm[] = "RSA-OAEP with SHA-256";
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr size_t kOaepOverhead = 2 * 32 + 2;

// What fails here leaves nothing in OpenSSL's queue of errors, which belongs to
// the calling thread.
class ErrorMark {
 public:
  ErrorMark() { ERR_set_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
  ~ErrorMark() { ERR_pop_to_mark(); }
};

struct FreePkey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using UniquePkey = std::unique_ptr<EVP_PKEY, FreePkey>;
using UniqueBio = std::unique_ptr<BIO, int (*)(BIO*)>;
using UniqueContext = std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)>;

UniqueBio Borrowing(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          BIO_free};
}

Status Misconfigured(const char* why) {
  return {StatusCode::kMisconfigured, why};
}

Status CheckIsOnePublicKey(std::string_view pem) {
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return Misconfigured(
        "this is a PRIVATE key, which must not be on a database server: "
        "whoever reads this file can open the keyring. Move it to a safe place "
        "and write only the public half here (openssl pkey -in PRIVATE.pem "
        "-pubout); if others may have read it, make a new key pair");
  }
  const size_t begin = pem.find(kBegin);
  if (begin == std::string_view::npos) {
    return Misconfigured(
        "this is not a PEM file (no line -----BEGIN PUBLIC "
        "KEY-----)");
  }
  if (pem.find(kBegin, begin + 1) != std::string_view::npos) {
    return Misconfigured(
        "there is more than one PEM block in it; use one file for each key");
  }
  const std::string_view label = pem.substr(begin + kBegin.size());
  if (label.starts_with("CERTIFICATE-----")) {
    return Misconfigured(
        "this is a certificate; extract its public key (openssl x509 -in "
        "CERTIFICATE.pem -pubkey -noout)");
  }
  if (!label.starts_with("PUBLIC KEY-----")) {
    return Misconfigured(
        "this is not a public key in the form -----BEGIN PUBLIC KEY----- "
        "(openssl pkey -in PRIVATE.pem -pubout writes it)");
  }
  return Status::Ok();
}

Status CheckIsRsa(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return Status::Ok();
  return Misconfigured(
      "this is not an RSA key for encryption (make one with openssl genpkey "
      "-algorithm RSA -pkeyopt rsa_keygen_bits:3072)");
}

Status CheckStrength(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kLeastRsaBits) {
    return {StatusCode::kMisconfigured,
            "the RSA key has " + std::to_string(bits) + " bits, at least " +
                std::to_string(kLeastRsaBits) + " are required"};
  }
  const UniqueContext context(EVP_PKEY_CTX_new(key, nullptr),
                              EVP_PKEY_CTX_free);
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) {
    return Misconfigured("this is not a valid RSA public key");
  }
  return Status::Ok();
}

Result<Digest256> Fingerprint(const EVP_PKEY* key) {
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  const std::unique_ptr<uint8_t, void (*)(uint8_t*)> owned(
      der, [](uint8_t* bytes) { OPENSSL_free(bytes); });
  if (size <= 0) return AlgorithmRefused("a SubjectPublicKeyInfo");
  return Sha256({der, static_cast<size_t>(size)});
}

// Null when OpenSSL refuses.
UniqueContext OaepContext(EVP_PKEY* key, int (*begin)(EVP_PKEY_CTX*)) {
  UniqueContext context(EVP_PKEY_CTX_new(key, nullptr), EVP_PKEY_CTX_free);
  EVP_PKEY_CTX* const raw = context.get();
  if (raw == nullptr || begin(raw) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(raw, RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(raw, EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(raw, EVP_sha256()) != 1) {
    context.reset();
  }
  return context;
}

struct Passphrase {
  const Secret& secret;
  bool asked = false;
  bool too_long = false;

  // Never asks on a terminal, as OpenSSL would without a callback.
  static int Copy(char* buffer, int size, int, void* self) {
    Passphrase& passphrase = *static_cast<Passphrase*>(self);
    const std::string_view text = passphrase.secret.RevealText();
    passphrase.asked = true;
    passphrase.too_long = text.size() > static_cast<size_t>(size);
    if (text.empty() || passphrase.too_long) return -1;
    std::ranges::copy(text, buffer);
    return static_cast<int>(text.size());
  }
};

}  // namespace

Result<RsaPublicKey> RsaPublicKey::FromPem(std::string_view pem) {
  Status status = CheckIsOnePublicKey(pem);
  if (!status.ok()) return status;
  const ErrorMark mark;
  const UniqueBio bio = Borrowing(pem);
  UniquePkey key(bio == nullptr ? nullptr
                                : PEM_read_bio_PUBKEY(bio.get(), nullptr,
                                                      nullptr, nullptr));
  if (key == nullptr) {
    return Misconfigured(
        "the public key in it cannot be read: it is damaged, "
        "or of a kind that OpenSSL does not know");
  }
  status = CheckIsRsa(key.get());
  if (status.ok()) status = CheckStrength(key.get());
  if (!status.ok()) return status;
  const Result<Digest256> fingerprint = Fingerprint(key.get());
  if (!fingerprint) return fingerprint.error();
  return RsaPublicKey(std::move(key), *fingerprint);
}

Result<Bytes> RsaPublicKey::Encrypt(const Secret& plaintext) const {
  const size_t modulus = static_cast<size_t>(EVP_PKEY_get_size(key_.get()));
  if (plaintext.size() + kOaepOverhead > modulus) {
    return Status(StatusCode::kInvalidArgument,
                  "too long for RSA-OAEP under this key");
  }
  const ErrorMark mark;
  const UniqueContext context = OaepContext(key_.get(), EVP_PKEY_encrypt_init);
  Bytes ciphertext(modulus);
  size_t size = modulus;
  if (context == nullptr ||
      EVP_PKEY_encrypt(context.get(), ciphertext.data(), &size,
                       plaintext.RevealBytes().data(), plaintext.size()) != 1) {
    return AlgorithmRefused(kAlgorithm);
  }
  ciphertext.resize(size);
  return ciphertext;
}

Result<RsaPrivateKey> RsaPrivateKey::FromPem(const Secret& pem,
                                             const Secret& passphrase) {
  const ErrorMark mark;
  const UniqueBio bio = Borrowing(pem.RevealText());
  Passphrase given{passphrase};
  UniquePkey key(bio == nullptr
                     ? nullptr
                     : PEM_read_bio_PrivateKey(bio.get(), nullptr,
                                               Passphrase::Copy, &given));
  if (key == nullptr && given.asked) {
    return Status(StatusCode::kDenied,
                  given.too_long ? "the passphrase is too long for OpenSSL"
                  : passphrase.empty()
                      ? "the private key is encrypted with a passphrase"
                      : "the passphrase does not open the private key");
  }
  if (key == nullptr) {
    return Misconfigured("this is not a private key in PEM form");
  }
  const Status status = CheckIsRsa(key.get());
  if (!status.ok()) return status;
  const Result<Digest256> fingerprint = Fingerprint(key.get());
  if (!fingerprint) return fingerprint.error();
  return RsaPrivateKey(std::move(key), *fingerprint);
}

Result<Secret> RsaPrivateKey::Decrypt(ByteView ciphertext) const {
  const ErrorMark mark;
  const UniqueContext context = OaepContext(key_.get(), EVP_PKEY_decrypt_init);
  if (context == nullptr) return AlgorithmRefused(kAlgorithm);
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(key_.get()));
  Secret plaintext(size);
  if (EVP_PKEY_decrypt(context.get(), plaintext.RevealMutable().data(), &size,
                       ciphertext.data(), ciphertext.size()) != 1) {
    return Status(StatusCode::kCorrupt,
                  "the private key does not open this: it was encrypted to "
                  "another key, or it is damaged");
  }
  plaintext.Truncate(size);
  return plaintext;
}

std::string FingerprintText(const Digest256& fingerprint) {
  return "SHA256:" + HexEncode(fingerprint);
}

}  // namespace openkeyring
