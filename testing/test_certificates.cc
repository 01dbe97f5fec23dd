// SPDX-License-Identifier: MIT
#include "testing/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include <utility>

namespace openkeyring {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<FILE, decltype(&fclose)>;

void AddExtension(X509* certificate, X509* issuer, int nid,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate Draft(EVP_PKEY* key, const std::string& name, long serial,
                  std::chrono::hours ends_in) {
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  constexpr long kTwoDays = 2L * 24 * 3600;
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kTwoDays);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  std::chrono::seconds(ends_in).count());
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

void WritePem(const std::string& path, X509* certificate) {
  const File file(fopen(path.c_str(), "w"), fclose);
  PEM_write_X509(file.get(), certificate);
}

}  // namespace

struct TestAuthority::Identity {
  Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  Certificate certificate{nullptr, X509_free};
};

TestAuthority::TestAuthority(std::string directory, std::string name)
    : directory_(std::move(directory)),
      bundle_(directory_ + "/" + name + ".pem"),
      identity_(std::make_unique<Identity>()) {
  EVP_PKEY* key = identity_->key.get();
  identity_->certificate = Draft(key, name, 1, std::chrono::hours(24));
  X509* certificate = identity_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  AddExtension(certificate, certificate, NID_basic_constraints,
               "critical,CA:TRUE");
  AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
  AddExtension(certificate, certificate, NID_subject_key_identifier, "hash");
  X509_sign(certificate, key, EVP_sha256());
  WritePem(bundle_, certificate);
}

TestAuthority::~TestAuthority() = default;

struct TestAuthority::Wish {
  std::string name;
  std::string hosts;  // May be "".
  std::string usage;
  std::chrono::hours ends_in;
  std::string key_password;
};

TestCertificate TestAuthority::Issue(const std::string& hosts,
                                     std::chrono::hours ends_in) {
  return Sign({"test server", hosts, "serverAuth", ends_in, ""});
}

TestCertificate TestAuthority::IssueClient(const std::string& name,
                                           std::chrono::hours ends_in,
                                           const std::string& key_password) {
  return Sign({name, "", "clientAuth", ends_in, key_password});
}

TestCertificate TestAuthority::Sign(const Wish& wish) {
  const std::string stem = bundle_ + "." + std::to_string(++issued_);
  const TestCertificate files{stem + ".crt", stem + ".key"};
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate =
      Draft(key.get(), wish.name, issued_ + 1, wish.ends_in);
  X509* issuer = identity_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  if (!wish.hosts.empty()) {
    AddExtension(certificate.get(), issuer, NID_subject_alt_name, wish.hosts);
  }
  AddExtension(certificate.get(), issuer, NID_ext_key_usage, wish.usage);
  AddExtension(certificate.get(), issuer, NID_authority_key_identifier,
               "keyid");
  X509_sign(certificate.get(), identity_->key.get(), EVP_sha256());
  WritePem(files.certificate, certificate.get());
  const File file(fopen(files.key.c_str(), "w"), fclose);
  PEM_write_PrivateKey(
      file.get(), key.get(),
      wish.key_password.empty() ? nullptr : EVP_aes_128_cbc(),
      reinterpret_cast<const unsigned char*>(wish.key_password.data()),
      static_cast<int>(wish.key_password.size()), nullptr, nullptr);
  return files;
}

}  // namespace openkeyring
