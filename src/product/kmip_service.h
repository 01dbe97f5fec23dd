// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_KMIP_SERVICE_H_
#define OPENKEYRING_PRODUCT_KMIP_SERVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kmip/client.h"
#include "net/endpoint.h"
#include "net/tls_stream.h"
#include "product/metrics.h"

namespace openkeyring {

constexpr int kKmipPort = 5696;  // Registered with IANA.

struct KmipServiceOptions {
  std::vector<Endpoint> servers;  // In order of preference, at least one.
  TlsOptions tls;                 // key_password is read from the file below.
  std::string key_password_file;  // Its first line; "": no password.
  std::optional<KmipVersion> version;  // Nothing: discovered.
  Millis request_timeout{5000};        // One exchange with one server.
  Millis max_idle{60000};              // Of a kept connection.
  int max_connections = 4;
  // An earlier service's, to continue its counts; null begins new ones.
  std::shared_ptr<CallStatisticsKeeper> statistics;
};

// A KMIP client in the real world, from options on. Threads: as of its parts,
// all methods may be called concurrently.
class KmipService {
 public:
  // Reads the files; no network. kMisconfigured when they cannot be used. A
  // private key that is world-readable is a warning. `log` is borrowed.
  static Result<std::unique_ptr<KmipService>> Make(KmipServiceOptions options,
                                                   Log& log);

  KmipClient& client() { return client_; }
  void AddMetrics(WallTime now, MetricValues& values);

 private:
  KmipService(KmipClientOptions options,
              std::unique_ptr<TlsConnector> connector, Log& log);

  const std::unique_ptr<TlsConnector> connector_;
  KmipClient client_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_KMIP_SERVICE_H_
