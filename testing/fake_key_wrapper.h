// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_FAKE_KEY_WRAPPER_H_
#define OPENKEYRING_TESTING_FAKE_KEY_WRAPPER_H_

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "keyring/key_wrapper.h"

namespace openkeyring {

// A KMS in memory that is as strict as the real one: a blob opens only with
// the binding and the wrapping key it was made with; anything else is kCorrupt.
// Threads: all methods may be called concurrently.
class FakeKeyWrapper : public KeyWrapper {
 public:
  Result<WrappedKey> Generate(size_t bytes, const EncryptionContext& binding,
                              const Deadline& deadline) override;
  Result<WrappedKey> Wrap(const Secret& key, const EncryptionContext& binding,
                          const Deadline& deadline) override;
  Result<UnwrappedKey> Unwrap(const WrappedKey& wrapped,
                              const EncryptionContext& binding,
                              const Deadline& deadline) override;
  Result<WrappedKey> Rewrap(const WrappedKey& wrapped,
                            const EncryptionContext& binding,
                            const Deadline& deadline) override;
  std::string CurrentKeyName() const override;
  Result<bool> IsCurrent(const std::string& wrapping_key,
                         const Deadline& deadline) override;

  // The key that wraps from now on; earlier blobs still open.
  void SetCurrentKey(std::string name);
  // Called at the start of every operation with its name, outside any lock;
  // may block, and what it returns other than Ok is the operation's error.
  void SetHook(std::function<Status(const std::string& operation)> hook);
  // May change what Unwrap answers; called outside any lock.
  void SetPlaintextHook(std::function<void(Secret& plaintext)> hook);
  int calls(const std::string& operation) const;
  // Generate's whose deadline reported throttling.
  std::atomic<int> reporting_generates{0};

 private:
  struct Sealed {
    Bytes key;
    EncryptionContext binding;
    std::string wrapping_key;
  };
  Status Enter(const std::string& operation);
  WrappedKey Seal(Bytes key, const EncryptionContext& binding);

  mutable std::mutex mutex_;
  std::function<Status(const std::string&)> hook_;
  std::function<void(Secret&)> plaintext_hook_;
  std::map<std::string, int> calls_;
  std::map<Bytes, Sealed> sealed_;
  uint32_t serial_ = 0;
  std::string current_key_ = "alias/fake";
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_FAKE_KEY_WRAPPER_H_
