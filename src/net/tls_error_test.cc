// SPDX-License-Identifier: MIT
#include "net/tls_error.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <memory>
#include <string>

#include "testing/temporary_directory.h"
#include "testing/test_certificates.h"

namespace openkeyring {
namespace {

TEST(CheckTlsHost, AWildcardStandsForACompleteLabel) {
  TemporaryDirectory directory;
  TestAuthority authority(directory.path());
  const auto matches = [&](const std::string& names, const std::string& host) {
    const TestCertificate made = authority.Issue(names);
    const std::unique_ptr<BIO, decltype(&BIO_free)> file(
        BIO_new_file(made.certificate.c_str(), "r"), BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr), X509_free);
    return CheckTlsHost(certificate.get(), TlsOptions(), host).ok();
  };
  EXPECT_TRUE(matches("DNS:*.kmip.example", "one.kmip.example"));
  EXPECT_FALSE(matches("DNS:*.kmip.example", "two.one.kmip.example"));
  EXPECT_FALSE(matches("DNS:on*.kmip.example", "one.kmip.example"));
  EXPECT_FALSE(matches("DNS:*e.kmip.example", "one.kmip.example"));
  EXPECT_TRUE(matches("DNS:one.kmip.example", "one.kmip.example."));
  EXPECT_FALSE(matches("DNS:one.kmip.example", "one.kmip.example.."));
}

TEST(NameInTls, IsWithoutTheDotOfAnAbsoluteName) {
  EXPECT_EQ(NameInTls("kmip.example."), "kmip.example");
  EXPECT_EQ(NameInTls("kmip.example"), "kmip.example");
  EXPECT_EQ(NameInTls("."), ".");
}

}  // namespace
}  // namespace openkeyring
