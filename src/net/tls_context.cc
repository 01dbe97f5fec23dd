// SPDX-License-Identifier: MIT
#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string.h>

#include <algorithm>

#include "net/trust_store.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxPemFile = 1 << 20;
constexpr time_t kLastTime = 9'000'000'000;  // Of WallTime: the year 2255.

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// What OpenSSL has to say; empties its queue, which is the thread's.
std::string TakeReason() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "no reason known" : reason;
}

Status Misconfigured(const std::string& option, const std::string& path,
                     const std::string& what) {
  return {StatusCode::kMisconfigured, option + " (" + path + "): " + what};
}

Bio Over(const Secret& content) {
  const ByteView bytes = content.RevealBytes();
  return {BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())),
          BIO_free};
}

// OpenSSL asks for the password of a key. 0: there is none.
int GivePassword(char* into, int size, int, void* password) {
  const auto& secret = *static_cast<const Secret*>(password);
  const ByteView bytes = secret.RevealBytes();
  if (bytes.size() > static_cast<size_t>(size)) return -1;
  if (!bytes.empty()) memcpy(into, bytes.data(), bytes.size());
  return static_cast<int>(bytes.size());
}

}  // namespace

TlsContextSource::TlsContextSource(const TlsOptions& options, FileSystem& files)
    : options_(options), files_(files) {}

Result<std::shared_ptr<SSL_CTX>> TlsContextSource::Get() {
  const Stamps now = LookAtFiles();
  const std::lock_guard lock(mutex_);
  if (context_ != nullptr && now == stamps_) return context_;
  Result<std::shared_ptr<SSL_CTX>> made = Make();
  if (made) {
    context_ = *made;
    expiry_ = ExpiryOf(SSL_CTX_get0_certificate(context_.get()));
    stamps_ = now;
  } else if (context_ == nullptr) {
    return made;
  }
  return context_;
}

std::optional<WallTime> TlsContextSource::CertificateExpiry() const {
  const time_t expiry = expiry_;
  if (expiry == kNoExpiry) return std::nullopt;
  return std::chrono::system_clock::from_time_t(expiry);
}

time_t TlsContextSource::ExpiryOf(const X509* certificate) {
  tm time = {};
  if (certificate == nullptr ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) {
    return kNoExpiry;
  }
  return std::min(timegm(&time), kLastTime);  // "99991231235959Z" is usual.
}

TlsContextSource::Stamps TlsContextSource::LookAtFiles() const {
  Stamps stamps;
  for (const std::string& path :
       {options_.ca_file, options_.certificate_file, options_.key_file}) {
    const Result<FileInfo> info = files_.Stat(path);
    stamps.emplace_back(info ? info->size : 0, info ? info->modified_ns : 0);
  }
  return stamps;
}

Result<std::shared_ptr<SSL_CTX>> TlsContextSource::Make() const {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()),
                                         SSL_CTX_free);
  if (context == nullptr) {
    return Status(StatusCode::kInternal, "OpenSSL: " + TakeReason());
  }
  const bool only_13 = options_.minimum_version == "1.3";
  if (!only_13 && options_.minimum_version != "1.2") {
    return Status(StatusCode::kMisconfigured,
                  options_.names.minimum_version + " must be 1.2 or 1.3");
  }
  SSL_CTX_set_min_proto_version(context.get(),
                                only_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // What was decrypted does not stay in OpenSSL's buffers.
  SSL_CTX_set_options(context.get(),
                      SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  Status status = UseTrust(context.get());
  if (status.ok()) status = UseCertificate(context.get());
  if (status.ok()) status = UseKey(context.get());
  ERR_clear_error();
  if (!status.ok()) return status;
  return context;
}

Status TlsContextSource::UseTrust(SSL_CTX* context) const {
  if (!options_.verify_certificate) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return Status::Ok();
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options_.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return Status::Ok();
  }
  const Result<Secret> readable =
      ReadFile(options_.names.ca_file, options_.ca_file);
  if (!readable) return readable.error();
  const auto store = TrustStore(options_.ca_file, "").Get();
  if (store == nullptr) {
    return Misconfigured(options_.names.ca_file, options_.ca_file,
                         "holds no certificate in PEM format");
  }
  SSL_CTX_set1_cert_store(context, store.get());
  return Status::Ok();
}

Status TlsContextSource::UseCertificate(SSL_CTX* context) const {
  const std::string& path = options_.certificate_file;
  if (path.empty()) return Status::Ok();
  const Result<Secret> content =
      ReadFile(options_.names.certificate_file, path);
  if (!content) return content.error();
  const Bio bio = Over(*content);
  const Certificate own(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
                        X509_free);
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1) {
    return Misconfigured(
        options_.names.certificate_file, path,
        "holds no usable certificate in PEM format: " + TakeReason());
  }
  for (;;) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
                     X509_free);
    if (next == nullptr) break;
    if (SSL_CTX_add0_chain_cert(context, next.get()) == 1) {
      (void)next.release();  // The context has it now.
    }
  }
  return Status::Ok();
}

Status TlsContextSource::UseKey(SSL_CTX* context) const {
  const std::string& path = options_.key_file;
  if (path.empty()) return Status::Ok();
  const Result<Secret> content = ReadFile(options_.names.key_file, path);
  if (!content) return content.error();
  const Bio bio = Over(*content);
  Secret password = options_.key_password.Clone();
  const Key key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, GivePassword, &password),
      EVP_PKEY_free);
  if (key == nullptr) {
    const bool encrypted =
        content->RevealText().find("ENCRYPTED") != std::string_view::npos;
    const std::string reason = TakeReason();
    if (!encrypted) {
      return Misconfigured(options_.names.key_file, path,
                           "holds no private key in PEM format: " + reason);
    }
    return Misconfigured(
        options_.names.key_file, path,
        "is encrypted, and the password of " + options_.names.key_password +
            (password.empty() ? " is not set" : " does not open it"));
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      (!options_.certificate_file.empty() &&
       SSL_CTX_check_private_key(context) != 1)) {
    ERR_clear_error();
    return Misconfigured(options_.names.key_file, path,
                         "is not the key of the certificate in " +
                             options_.names.certificate_file + " (" +
                             options_.certificate_file + ")");
  }
  return Status::Ok();
}

Result<Secret> TlsContextSource::ReadFile(const std::string& option,
                                          const std::string& path) const {
  Result<Secret> content = files_.ReadSecret(path, kMaxPemFile);
  if (content) return content;
  return Status(StatusCode::kMisconfigured,
                option + ": " + content.error().message());
}

}  // namespace openkeyring
