// SPDX-License-Identifier: MIT
#include "net/trust_store.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <filesystem>
#include <fstream>

#include "testing/temporary_folder.h"
#include "testing/test_certificates.h"

namespace openkeyring {
namespace {

namespace fs = std::filesystem;

size_t Authorities(X509_STORE* store) {
  return sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
}

TEST(TrustStore, IsParsedOnceForAllConnections) {
  const TemporaryFolder folder;
  TestAuthority authority(folder.path());
  TrustStore trust(authority.bundle(), "");
  const auto store = trust.Get();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Authorities(store.get()), 1U);
  EXPECT_EQ(trust.Get(), store);
}

TEST(TrustStore, SeesThatTheFileWasReplacedAndLeavesTheOldStoreToItsUsers) {
  const TemporaryFolder folder, other_folder;
  TestAuthority authority(folder.path());
  TestAuthority other(other_folder.path(), "Other CA");
  TrustStore trust(authority.bundle(), "");
  const auto store = trust.Get();
  std::ofstream(authority.bundle(), std::ios::app)
      << std::ifstream(other.bundle()).rdbuf();
  const auto replaced = trust.Get();
  ASSERT_NE(replaced, nullptr);
  EXPECT_EQ(Authorities(replaced.get()), 2U);
  EXPECT_EQ(Authorities(store.get()), 1U);
}

TEST(TrustStore, IsNullForAFileThatIsMissingEmptyOrHoldsNoCertificate) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/bundle.pem";
  TrustStore trust(path, "");
  EXPECT_EQ(trust.Get(), nullptr);
  std::ofstream(path).flush();
  EXPECT_EQ(trust.Get(), nullptr);
  std::ofstream(path) << "no certificate\n";
  EXPECT_EQ(trust.Get(), nullptr);
  EXPECT_EQ(ERR_peek_error(), 0U) << "left in OpenSSL's queue";
}

TEST(TrustStore, ComesBackWhenTheFileDoes) {
  const TemporaryFolder folder;
  TestAuthority authority(folder.path());
  const std::string away = authority.bundle() + ".away";
  fs::rename(authority.bundle(), away);
  TrustStore trust(authority.bundle(), "");
  EXPECT_EQ(trust.Get(), nullptr);
  fs::rename(away, authority.bundle());
  EXPECT_NE(trust.Get(), nullptr);
}

}  // namespace
}  // namespace openkeyring
