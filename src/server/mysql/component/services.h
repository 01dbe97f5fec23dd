// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_SERVICES_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_SERVICES_H_

#include "server/mysql/abi/keyring_services.h"
#include "server/mysql/component/registered_metrics.h"
#include "server/mysql/component/reloadable_keyring.h"

// The eight keyring services, the same for every component: they translate, and
// leave the rest to TheKeyring(). A failure is logged once, with its reason;
// the caller gets a number.
namespace openkeyring {

// The one keyring of the component, defined where the component is. Must not be
// called before its init.
ReloadableKeyring& TheKeyring();
// Its status variables, likewise.
RegisteredMetrics& TheMetrics();

extern KeyringLoad load_service;
extern KeyringReader reader_service;
extern KeyringWriter writer_service;
extern KeyringGenerator generator_service;
extern KeyringIterator iterator_service;
extern KeyringAes aes_service;
extern KeyringStatus status_service;
extern KeyringMetadata metadata_service;

// The name of a key from a caller's two C strings, of which `auth_id` may be
// null. kInvalidArgument without a data id.
Result<KeyName> KeyNameFrom(const char* data_id, const char* auth_id);

// What a service function returns for it.
inline Code ReturnCode(const Status& status) {
  return status.ok() ? kSuccess : kFailure;
}

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_SERVICES_H_
