// SPDX-License-Identifier: MIT
#include "net/trust_store.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testing/temporary_directory.h"
#include "testing/test_certificates.h"

namespace openkeyring {
namespace {

namespace fs = std::filesystem;

size_t Authorities(X509_STORE* store) {
  return sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
}

TEST(TrustStore, IsParsedOnceForAllConnections) {
  const TemporaryDirectory directory;
  TestAuthority authority(directory.path());
  TrustStore trust(authority.bundle(), "");
  const auto store = trust.Get();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Authorities(store.get()), 1U);
  EXPECT_EQ(trust.Get(), store);
}

TEST(TrustStore, SeesThatTheFileWasReplacedAndLeavesTheOldStoreToItsUsers) {
  const TemporaryDirectory directory, other_directory;
  TestAuthority authority(directory.path());
  TestAuthority other(other_directory.path(), "Other CA");
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
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/bundle.pem";
  TrustStore trust(path, "");
  EXPECT_EQ(trust.Get(), nullptr);
  std::ofstream(path).flush();
  EXPECT_EQ(trust.Get(), nullptr);
  std::ofstream(path) << "no certificate\n";
  EXPECT_EQ(trust.Get(), nullptr);
  EXPECT_EQ(ERR_peek_error(), 0U) << "left in OpenSSL's queue";
}

TEST(TrustStore, ComesBackWhenTheFileDoes) {
  const TemporaryDirectory directory;
  TestAuthority authority(directory.path());
  const std::string away = authority.bundle() + ".away";
  fs::rename(authority.bundle(), away);
  TrustStore trust(authority.bundle(), "");
  EXPECT_EQ(trust.Get(), nullptr);
  fs::rename(away, authority.bundle());
  EXPECT_NE(trust.Get(), nullptr);
}

// ---- With a directory of certificates by hash
// ---------------------------------

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Certificate Read(const std::string& path) {
  const std::unique_ptr<FILE, decltype(&fclose)> file(fopen(path.c_str(), "r"),
                                                      fclose);
  return {PEM_read_X509(file.get(), nullptr, nullptr, nullptr), X509_free};
}

// A system's: a file with authorities, and links to each by its hash.
class TrustStoreDirectory : public testing::Test {
 protected:
  struct System {
    TemporaryDirectory directory, file_directory;
    std::string bundle = file_directory.PathOf("bundle.pem");
    int links = 0;

    // `number` counts authorities of one name.
    void Link(const TestAuthority& authority, int number = 0) {
      char name[32];
      snprintf(name, sizeof name, "%08lx.%d",
               X509_subject_name_hash(Read(authority.bundle()).get()), number);
      const auto before = fs::last_write_time(directory.path());
      fs::create_symlink(authority.bundle(), directory.PathOf(name));
      // Later by more than the file system's clock can tell.
      fs::last_write_time(directory.path(),
                          before + std::chrono::seconds(++links));
    }
    void Bundle(const TestAuthority& authority) {
      std::ofstream(bundle, std::ios::app)
          << std::ifstream(authority.bundle()).rdbuf();
    }
    void Add(const TestAuthority& authority) {
      Link(authority);
      Bundle(authority);
    }
    std::unique_ptr<TrustStore> Trust() const {
      return std::make_unique<TrustStore>(bundle, directory.path());
    }
  };

  static bool Trusts(TrustStore& trust, TestAuthority& authority) {
    return Verifies(trust, authority.Issue("DNS:h").certificate);
  }
  static bool Verifies(TrustStore& trust, const std::string& certificate) {
    const auto store = trust.Get();
    const Certificate server = Read(certificate);
    const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)>
        context(X509_STORE_CTX_new(), X509_STORE_CTX_free);
    return X509_STORE_CTX_init(context.get(), store.get(), server.get(),
                               nullptr) == 1 &&
           X509_verify_cert(context.get()) == 1;
  }

  TemporaryDirectory home_, other_home_;
  TestAuthority one_{home_.path(), "One"}, two_{home_.path(), "Two"};
  System system_;
};

TEST_F(TrustStoreDirectory, OnlyAuthoritiesThatAreUsedTakeMemory) {
  system_.Add(one_);
  system_.Add(two_);
  const auto trust = system_.Trust();
  const auto store = trust->Get();
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(Authorities(store.get()), 0U);
  EXPECT_TRUE(Trusts(*trust, one_));
  EXPECT_TRUE(Trusts(*trust, one_));
  EXPECT_EQ(Authorities(store.get()), 1U);
  EXPECT_TRUE(Trusts(*trust, two_));
  EXPECT_EQ(trust->Get(), store);
  EXPECT_EQ(ERR_peek_error(), 0U) << "left in OpenSSL's queue";
}

TEST_F(TrustStoreDirectory, ConnectionsThatStartAtOnceFindTheirAuthorities) {
  system_.Add(one_);
  system_.Add(two_);
  const std::string servers[] = {one_.Issue("DNS:h").certificate,
                                 two_.Issue("DNS:h").certificate};
  const auto trust = system_.Trust();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        for (int n = 0; n < 20; ++n) {
          EXPECT_TRUE(Verifies(*trust, servers[(i + n) % 2]));
        }
      });
    }
  }
  EXPECT_EQ(Authorities(trust->Get().get()), 2U);
}

TEST_F(TrustStoreDirectory, AnAuthorityThatIsInNeitherIsNotTrusted) {
  system_.Add(one_);
  const auto trust = system_.Trust();
  EXPECT_FALSE(Trusts(*trust, two_));
  TestAuthority namesake(other_home_.path(), "One");
  EXPECT_FALSE(Trusts(*trust, namesake));
}

TEST_F(TrustStoreDirectory, AnAuthorityThatIsAddedLaterIsSeen) {
  system_.Add(one_);
  const auto trust = system_.Trust();
  EXPECT_FALSE(Trusts(*trust, two_));
  const auto store = trust->Get();
  const auto before = fs::last_write_time(system_.directory.path());
  system_.Link(two_);
  fs::last_write_time(system_.directory.path(), before);
  EXPECT_TRUE(Trusts(*trust, two_)) << "looked up when it was needed";
  EXPECT_EQ(trust->Get(), store);
}

TEST_F(TrustStoreDirectory, OneOfThatNameThatIsReplacedOrRemovedIsForgotten) {
  TestAuthority renewed(other_home_.path(), "One");
  system_.Add(one_);
  const auto trust = system_.Trust();
  EXPECT_TRUE(Trusts(*trust, one_));
  for (const auto& entry : fs::directory_iterator(system_.directory.path())) {
    if (entry.is_symlink()) fs::remove(entry);
  }
  fs::remove(system_.bundle);
  system_.Add(renewed);
  EXPECT_TRUE(Trusts(*trust, renewed));
  EXPECT_FALSE(Trusts(*trust, one_));
}

TEST_F(TrustStoreDirectory, AuthoritiesOfOneNameAreAllFound) {
  TestAuthority namesake(other_home_.path(), "One");
  system_.Add(one_);
  system_.Link(namesake, 1);
  system_.Bundle(namesake);
  const auto trust = system_.Trust();
  EXPECT_EQ(Authorities(trust->Get().get()), 0U);
  EXPECT_TRUE(Trusts(*trust, namesake));
  EXPECT_TRUE(Trusts(*trust, one_));
}

TEST_F(TrustStoreDirectory, WhatTheDirectoryLacksIsTakenFromTheFile) {
  TestAuthority namesake(other_home_.path(), "One");
  system_.Add(one_);
  system_.Bundle(two_);
  const auto trust = system_.Trust();
  EXPECT_EQ(Authorities(trust->Get().get()), 2U);
  EXPECT_TRUE(Trusts(*trust, two_));
  system_.Link(two_);
  EXPECT_EQ(Authorities(trust->Get().get()), 0U);
  system_.Bundle(namesake);
  EXPECT_TRUE(Trusts(*trust, namesake)) << "has no link of its own";
}

TEST_F(TrustStoreDirectory, LinksThatLeadNowhereDoNotCount) {
  system_.Add(one_);
  fs::rename(one_.bundle(), one_.bundle() + ".away");
  const auto trust = system_.Trust();
  EXPECT_EQ(Authorities(trust->Get().get()), 1U);
  EXPECT_TRUE(Trusts(*trust, one_));
}

TEST_F(TrustStoreDirectory, AFileThatCannotBeReadToItsEndIsNotTakenAsRead) {
  system_.Add(one_);
  std::ofstream(system_.bundle, std::ios::app)
      << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(system_.Trust()->Get(), nullptr);
  EXPECT_EQ(ERR_peek_error(), 0U) << "left in OpenSSL's queue";
}

}  // namespace
}  // namespace openkeyring
