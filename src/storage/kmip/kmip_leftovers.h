// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_LEFTOVERS_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_LEFTOVERS_H_

#include <map>
#include <mutex>
#include <vector>

#include "os/clock.h"
#include "storage/kmip/kmip_key_collector.h"

namespace openkeyring {

// Objects that stores which failed have left on the server: those of this
// process, and Pre-Active ones that a load found.
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipLeftovers {
 public:
  using Object = KmipKeyCollector::Object;

  // Borrowed.
  KmipLeftovers(KmipClient& client, Clock& clock, Log& log)
      : client_(client), clock_(clock), log_(log) {}

  // An object that this process made on that server and could not withdraw:
  // maybe Active, and never used.
  void Add(const KeyName& name, Object object, size_t server);
  // Withdraws those, of `name` or (null) of all names, each on its server.
  Status Withdraw(const KeyName* name, const Deadline& deadline);

  // What the last load found on that server; a warning says so.
  void SetUnfinished(const std::vector<Object>& unfinished, size_t server);
  // Destroys what of that is old enough not to be a store under way elsewhere,
  // and is still Pre-Active.
  void DestroyAbandoned(const Deadline& deadline);

 private:
  struct Failed {
    Object object;
    size_t server;
  };

  KmipClient& client_;
  Clock& clock_;
  Log& log_;
  std::mutex mutex_;  // Guards what follows.
  std::multimap<KeyName, Failed> failed_;
  std::vector<Failed> unfinished_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_LEFTOVERS_H_
