// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_CONTROL_H_
#define OPENKEYRING_EMULATORS_KMIP_CONTROL_H_

#include <memory>
#include <string>
#include <vector>

#include "emulators/kmip/server.h"
#include "emulators/shared/http_message.h"

namespace kmip_server {

// The control API (README.md) over some servers with one store. JSON in and
// out. Threads: Handle may be called concurrently.
class Control {
 public:
  using Servers = std::vector<std::unique_ptr<KmipServer>>;

  explicit Control(Servers& servers) : servers_(servers) {}
  emulators::Reply Handle(const emulators::HttpMessage& request);

 private:
  Result<Json> Dispatch(const std::string& call, Json body);
  Result<Json> Counters();
  static Result<Json> ChangeObject(KmipServer& server, const Json& body);
  Result<Json> Objects();
  // The server that `body` names by "server" (default 0), which is taken out.
  Result<KmipServer*> Chosen(Json& body);
  Result<Json> OnServer(const std::string& call, Json body);

  Servers& servers_;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_CONTROL_H_
