// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_H_

#include <memory>
#include <string>

#include "server/mysql/component/keyring_host.h"

namespace openkeyring::mysql {

// The one function by which components differ; each defines its own.
std::unique_ptr<KeyringProduct> MakeProduct();

// How status rows say that there is nothing to say.
constexpr char kNone[] = "<NONE>", kNotApplicable[] = "<NOT APPLICABLE>";

inline std::string OrNone(std::string text) {
  return text.empty() ? kNone : text;
}

}  // namespace openkeyring::mysql

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_COMPONENT_H_
