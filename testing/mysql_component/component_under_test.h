// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_MYSQL_COMPONENT_COMPONENT_UNDER_TEST_H_
#define OPENKEYRING_TESTING_MYSQL_COMPONENT_COMPONENT_UNDER_TEST_H_

#include <memory>
#include <string>

#include "server/mysql/component/services.h"
#include "testing/memory_backend.h"
#include "testing/mysql_component/fake_server.h"

namespace openkeyring {

// Loads the keyring from keys in memory, which stay for the next load. An error
// of their hook at "Load" is one of the configuration.
class MemoryLoader : public KeyringLoader {
 public:
  explicit MemoryLoader(std::shared_ptr<MemoryBackend> keys)
      : keys_(std::move(keys)) {}
  Result<std::shared_ptr<LoadedKeyring>> Load(
      const ServerDirectories& directories, LoadRetry retry, Log& log) override;
  StatusRows RowsWithoutKeyring() const override;

 private:
  const std::shared_ptr<MemoryBackend> keys_;
};

// A component between its init and its deinit: as long as this object lives,
// TheKeyring() is its host and the services work. One at a time.
class ComponentUnderTest {
 public:
  ComponentUnderTest();
  ~ComponentUnderTest();

  MemoryBackend& keys() { return *keys_; }  // What the next load finds.
  FakeServer& server() { return server_; }

 private:
  const std::shared_ptr<MemoryBackend> keys_ =
      std::make_shared<MemoryBackend>();
  FakeServer server_;
  Registry* registry_;  // The component's slot.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_MYSQL_COMPONENT_COMPONENT_UNDER_TEST_H_
