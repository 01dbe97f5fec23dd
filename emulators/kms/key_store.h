// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_KEY_STORE_H_
#define OPENKEYRING_EMULATORS_KMS_KEY_STORE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "emulators/kms/model.h"
#include "os/file_system.h"
#include "os/random.h"

namespace kms_emulator {

// Writes `content` over `path`: temporary file in the same directory, fsync,
// rename, fsync of the directory. Also used for the ready file.
Status ReplaceFile(openkeyring::FileSystem& files, openkeyring::Random& random,
                   const std::string& path, std::string_view content,
                   mode_t permissions);

// The state with its file. A change that was answered survives kill -9.
//
// Threads: all methods may be called concurrently. The lock is held only while
// a function runs on the state, never while the file is written.
class KeyStore {
 public:
  // Reads the file; an absent one is an empty state of that account. An empty
  // path keeps everything in memory.
  static Result<std::unique_ptr<KeyStore>> Open(openkeyring::FileSystem& files,
                                                openkeyring::Random& random,
                                                const std::string& path,
                                                const std::string& account);

  // read(const State&), its value returned.
  template <typename Read>
  auto View(Read read) const {
    std::lock_guard lock(mutex_);
    return read(static_cast<const State&>(state_));
  }

  // change(State&) -> Outcome<T>. It must leave the state alone when it fails.
  // Returns when the change is durable.
  template <typename Change>
  auto Update(Change change) -> decltype(change(std::declval<State&>())) {
    std::unique_lock lock(mutex_);
    auto outcome = change(state_);
    if (!outcome) return outcome;
    const std::string image = path_.empty() ? "" : ToJson(state_).dump(1);
    const uint64_t sequence = ++changes_;
    lock.unlock();
    const Status saved = Save(image, sequence);
    if (!saved.ok()) {
      return Fail("KMSInternalException", saved.ToString(), 500);
    }
    return outcome;
  }

 private:
  KeyStore(openkeyring::FileSystem& files, openkeyring::Random& random,
           std::string path)
      : files_(files), random_(random), path_(std::move(path)) {}
  Status Load(const std::string& account);
  // Does nothing when a later image is in the file already.
  Status Save(const std::string& image, uint64_t sequence);

  openkeyring::FileSystem& files_;
  openkeyring::Random& random_;
  const std::string path_;
  mutable std::mutex mutex_;  // Guards state_ and changes_.
  State state_;
  uint64_t changes_ = 0;
  std::mutex file_mutex_;  // Guards saved_ and the file.
  uint64_t saved_ = 0;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_KEY_STORE_H_
