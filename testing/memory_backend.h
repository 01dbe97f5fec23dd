// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_TESTING_MEMORY_BACKEND_H_
#define OPENKEYRING_TESTING_MEMORY_BACKEND_H_

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keyring/keyring_backend.h"

namespace openkeyring {

// MySQL's keys in memory, with a hook that can fail or block any operation and
// a queue of faults. As strict as a backend may be: a Store of what is there is
// kAlreadyExists, a Remove of what is not kNotFound, and it remembers whether
// its caller broke the port's rule of one change a name at a time.
// Threads: all methods may be called concurrently.
class MemoryBackend : public KeyringBackend {
 public:
  // Called first in every operation, outside the lock, with "Load", "Store" or
  // "Remove"; may block; an error is the operation's outcome.
  using Hook =
      std::function<Status(const std::string& operation, const KeyName&)>;
  void SetHook(Hook hook);
  // The outcome of one operation, in the order in which they come; Ok lets it
  // work. With `takes_effect` it is done all the same, as when only the
  // answer was lost.
  void PushFault(Status status, bool takes_effect = false);

  // Puts a key there, as somebody else would; also one that is there already,
  // which then is duplicate.
  void Put(const KeyName& name, const std::string& type, std::string_view data);
  // "type:data" of each key.
  std::map<KeyName, std::string> Contents() const;
  int calls(const std::string& operation) const;
  // Whether two changes of one name, or a change and a Load, ever met.
  bool met() const;

  Result<std::vector<Key>> Load(const Deadline& deadline) override;
  Status Store(const Key& key, const Deadline& deadline) override;
  Status Remove(const KeyName& name, const Deadline& deadline) override;
  std::vector<std::pair<std::string, std::string>> Describe() const override;

  // When the last operation had to be over.
  SteadyTime deadline() const;

 private:
  class Visit;  // One operation, from its start to its end.
  struct Fault {
    Status status;
    bool takes_effect = false;
  };

  mutable std::mutex mutex_;
  Hook hook_;
  std::deque<Fault> faults_;
  std::map<std::string, int> calls_;
  std::multimap<KeyName, Key> keys_;
  std::set<KeyName> visited_;  // Names under change now.
  int loads_ = 0;              // Under way.
  bool met_ = false;
  SteadyTime deadline_{};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_TESTING_MEMORY_BACKEND_H_
