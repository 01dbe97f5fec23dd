// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KEYRING_KEYRING_H_
#define OPENKEYRING_KEYRING_KEYRING_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "keyring/key.h"
#include "keyring/keyring_backend.h"
#include "os/clock.h"
#include "os/random.h"

namespace openkeyring {

// A MySQL keyring: every key of a backend, in memory, under MySQL's rules. It
// is whole or it is not there: Load brings all keys or fails.
//
// A key is visible once the backend has it durably, and stays
// visible until the backend has removed it.
//
// Threads: all methods may be called concurrently. Readers never wait for a
// writer's I/O; writers of one name take turns, those of different names do
// not.
class Keyring {
 public:
  struct Options {
    bool read_only = false;  // Refuse whatever would change a key.
    // Bounds a store or a removal with all its retries.
    Millis operation_deadline{5000};
  };
  using KeyPointer = std::shared_ptr<const Key>;

  // Loads all keys within `deadline`. kCorrupt when two have one name. `clock`
  // and `random` are borrowed.
  static Result<std::unique_ptr<Keyring>> Load(
      std::unique_ptr<KeyringBackend> backend, Clock& clock, Random& random,
      const Options& options, const Deadline& deadline);

  // Null when there is no such key, and only then.
  KeyPointer Find(const KeyName& name) const;
  // All keys as of now, in the order of their names.
  std::vector<KeyPointer> List() const;
  size_t size() const;

  // kAlreadyExists for a name that is taken, kInvalidArgument for an empty data
  // id or type and for data of more than kMaxKeyBytes, or that the backend
  // cannot hold (of no byte: Percona's JSON format and KMIP),
  // kReadOnly, or what the backend says.
  Status Store(Key key);
  // The same for a new random key of `bytes` bytes, at least one.
  Status Generate(const KeyName& name, const std::string& type, size_t bytes);
  // kNotFound when there is no such key.
  Status Remove(const KeyName& name);

  const KeyringBackend& backend() const { return *backend_; }
  bool read_only() const { return options_.read_only; }

 private:
  class Turn;  // The exclusive right to change one name.
  struct ByName {
    using is_transparent = void;
    static const KeyName& NameOf(const KeyName& name) { return name; }
    static const KeyName& NameOf(const KeyPointer& key) { return key->name; }
    bool operator()(const auto& left, const auto& right) const {
      return NameOf(left) < NameOf(right);
    }
  };

  Keyring(std::unique_ptr<KeyringBackend> backend, Clock& clock, Random& random,
          const Options& options);
  Status CheckWritable() const;
  Deadline OperationDeadline() const;

  const std::unique_ptr<KeyringBackend> backend_;
  Clock& clock_;
  Random& random_;
  const Options options_;

  mutable std::shared_mutex keys_mutex_;
  std::set<KeyPointer, ByName> keys_;

  std::mutex turns_mutex_;
  std::condition_variable turn_ended_;
  std::set<KeyName> taken_turns_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_KEYRING_KEYRING_H_
