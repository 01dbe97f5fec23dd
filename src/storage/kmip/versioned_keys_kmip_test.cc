// SPDX-License-Identifier: MIT
// MariaDB's rules over keys on a KMIP server.
#include <gtest/gtest.h>

#include "emulators/kmip/lab.h"
#include "keyring/versioned_keys.h"
#include "storage/kmip/kmip_versioned_backend.h"

namespace openkeyring {
namespace {

using kmip_server::Lab;

TEST(VersionedKeysOnKmip, RotateAndComeBackAfterARestart) {
  Lab lab;
  KmipClient& client = lab.Client();
  KmipGroup group(client, PosixFileSystem(), SystemRandom(), lab.log,
                  {"g", "", std::nullopt});
  const auto make = [&] {
    return std::make_unique<KmipVersionedBackend>(
        client, group, SystemClock(), SystemRandom(), lab.log,
        KmipVersionedBackend::Options{100, [] { return Millis(5000); }});
  };
  uint32_t latest = 0;
  std::string value;
  {
    auto backend = make();
    VersionedKeys keys(
        *backend, SystemClock(), SystemRandom(), lab.log,
        {[] { return size_t{32}; }, [] { return Millis(5000); }});
    ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
    EXPECT_EQ(*keys.LatestVersion(7), 1U);
    EXPECT_EQ(*keys.Rotate(7), 2U);
    latest = *keys.Rotate(7);
    value = (*keys.Get({7, 3}))->RevealText();
    // What is loaded needs no server.
    lab.server().Stop();
    EXPECT_EQ((*keys.Get({7, 1}))->size(), 32U);
    EXPECT_EQ(*keys.LatestVersion(7), latest);
    EXPECT_FALSE(keys.Rotate(7));
    lab.server().Start();
  }
  auto backend = make();
  VersionedKeys keys(*backend, SystemClock(), SystemRandom(), lab.log,
                     {[] { return size_t{32}; }, [] { return Millis(5000); }});
  ASSERT_TRUE(keys.LoadAll(Millis(0)).ok());
  EXPECT_EQ(*keys.LatestVersion(7), latest);
  EXPECT_EQ((*keys.Get({7, 3}))->RevealText(), value);
  EXPECT_EQ(*keys.Rotate(7), 4U);
}

}  // namespace
}  // namespace openkeyring
