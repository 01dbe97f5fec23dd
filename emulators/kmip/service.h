// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_SERVICE_H_
#define OPENKEYRING_EMULATORS_KMIP_SERVICE_H_

#include <functional>
#include <string>
#include <vector>

#include "emulators/kmip/behaviour.h"
#include "emulators/kmip/request.h"
#include "emulators/kmip/store.h"
#include "kmip/ttlv_fields.h"
#include "kmip/ttlv_writer.h"
#include "os/clock.h"
#include "os/random.h"

namespace kmip_server {

using openkeyring::KmipResultReason;
using openkeyring::TtlvFields;
using openkeyring::TtlvWriter;

// What an operation ended with; with a payload when it succeeded.
struct Outcome {
  std::optional<KmipResultReason> failure;
  std::string message;
  std::function<void(TtlvWriter&)> payload = [](TtlvWriter&) {};

  static Outcome Fail(KmipResultReason reason, std::string message) {
    return {reason, std::move(message), nullptr};
  }
};

// The operations, on the store. Threads: Do may be called concurrently.
class Service {
 public:
  Service(Store& store, openkeyring::Random& random,
          const openkeyring::Clock& clock)
      : store_(store), random_(random), clock_(clock) {}

  // `placeholder` is the object of the item before; set to this one's.
  Outcome Do(const Behaviour& behaviour, KmipVersion version,
             const RequestItem& item, const std::string& client,
             std::string& placeholder);

 private:
  struct Context;  // Of one operation.

  Outcome DiscoverVersions(Context& context);
  Outcome Query(Context& context);
  Outcome Create(Context& context);
  Outcome Register(Context& context);
  Outcome Add(Context& context, StoredObject object);
  Outcome Locate(Context& context);
  std::vector<std::string> SeenObjects(const Behaviour& behaviour,
                                       const std::string& client);
  Outcome Get(Context& context);
  Outcome GetAttributes(Context& context);
  Outcome GetAttributeList(Context& context);
  Outcome AddAttribute(Context& context);
  Outcome Activate(Context& context);
  Outcome Revoke(Context& context);
  Outcome Destroy(Context& context);
  // Calls with the object that the request names; the answer is its identifier
  // when `call` fails not.
  Outcome Change(Context& context,
                 const std::function<Outcome(StoredObject&)>& call);

  Store& store_;
  openkeyring::Random& random_;
  const openkeyring::Clock& clock_;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_SERVICE_H_
