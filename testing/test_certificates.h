// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_TEST_CERTIFICATES_H_
#define OPENKEYRING_TESTING_TEST_CERTIFICATES_H_

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>

namespace openkeyring {

// Paths of PEM files.
struct TestCertificate {
  std::string certificate;
  std::string key;
};

// A certificate authority for one test. Elliptic keys, made in milliseconds.
class TestAuthority {
 public:
  // Writes all its files into `directory`, which must outlive them.
  explicit TestAuthority(std::string directory, std::string name = "Test CA");
  ~TestAuthority();

  // Its own certificate, for CurlOptions::ca_bundle.
  const std::string& bundle() const { return bundle_; }
  // Of a server. `hosts` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".
  // Valid from two days ago to `ends_in` from now, which may be negative.
  TestCertificate Issue(const std::string& hosts,
                        std::chrono::hours ends_in = std::chrono::hours(24));
  // Of a client with that common name. With a password, the key is encrypted.
  TestCertificate IssueClient(
      const std::string& name,
      std::chrono::hours ends_in = std::chrono::hours(24),
      const std::string& key_password = "");

 private:
  struct Wish;
  TestCertificate Sign(const Wish& wish);

  struct Identity;
  std::string directory_;
  std::string bundle_;
  std::unique_ptr<Identity> identity_;
  int issued_ = 0;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_TEST_CERTIFICATES_H_
