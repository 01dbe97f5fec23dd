// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_PRODUCT_METRICS_H_
#define OPENKEYRING_PRODUCT_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>

#include "keyring/versioned_keys.h"
#include "net/call_statistics.h"
#include "product/slot_status.h"

// The metrics of all products: status variables with the same names in each, as
// numbers. The table below is the only list of them; docs/monitoring.md, which
// says the same, is compared with it by a test.
namespace openkeyring {

// What a product knows now. Nothing: unknown, or not applicable.
struct MetricValues {
  using Value = std::optional<int64_t>;
  Value loaded, load_failed, keys, keys_failed, failures;
  Value slots, slots_opening, slots_failed, slots_missing, opened_by_local_slot;
  Value key_server_reachable, last_success, last_error;
  Value requests, retries, errors, throttled, request_milliseconds_sum;
  Value kms_key_state, credentials_expire, client_certificate_expires;
  Value configuration_warnings, secret_memory, secret_memory_unlocked;
};

enum class MetricType { kGauge, kCounter };

struct Metric {
  const char* name;  // Behind kMetricPrefix.
  MetricType type;
  const char* unit;  // "1 or 0", "seconds", ...
  // Which products know it: "all", "MySQL" and "MariaDB" (the server), "KMS"
  // and "KMIP" (the key server), "slots" (keys in a sealed file).
  const char* products;
  MetricValues::Value MetricValues::*value;
};

// The status variables are called kMetricPrefix + "_" + name.
constexpr char kMetricPrefix[] = "openkeyring";

inline constexpr Metric kMetrics[] = {
    {"loaded", MetricType::kGauge, "1 or 0", "all", &MetricValues::loaded},
    {"load_failed", MetricType::kGauge, "1 or 0", "MySQL components",
     &MetricValues::load_failed},
    {"keys", MetricType::kGauge, "keys", "all", &MetricValues::keys},
    {"keys_failed", MetricType::kGauge, "key versions", "MariaDB",
     &MetricValues::keys_failed},
    {"failures", MetricType::kCounter, "operations", "all",
     &MetricValues::failures},
    {"slots", MetricType::kGauge, "key slots", "slots", &MetricValues::slots},
    {"slots_opening", MetricType::kGauge, "key slots", "slots",
     &MetricValues::slots_opening},
    {"slots_failed", MetricType::kGauge, "key slots", "slots",
     &MetricValues::slots_failed},
    {"slots_missing", MetricType::kGauge, "key slots", "slots",
     &MetricValues::slots_missing},
    {"opened_by_local_slot", MetricType::kGauge, "1 or 0", "slots",
     &MetricValues::opened_by_local_slot},
    {"key_server_reachable", MetricType::kGauge, "1 or 0", "all",
     &MetricValues::key_server_reachable},
    {"last_success_seconds", MetricType::kGauge, "seconds ago", "all",
     &MetricValues::last_success},
    {"last_error_seconds", MetricType::kGauge, "seconds ago", "all",
     &MetricValues::last_error},
    {"requests", MetricType::kCounter, "requests", "all",
     &MetricValues::requests},
    {"retries", MetricType::kCounter, "requests", "all",
     &MetricValues::retries},
    {"errors", MetricType::kCounter, "operations", "all",
     &MetricValues::errors},
    {"throttled", MetricType::kCounter, "answers", "KMS",
     &MetricValues::throttled},
    {"request_milliseconds_sum", MetricType::kCounter, "milliseconds", "all",
     &MetricValues::request_milliseconds_sum},
    {"kms_key_state", MetricType::kGauge, "1 to 5", "KMS",
     &MetricValues::kms_key_state},
    {"credentials_expire_seconds", MetricType::kGauge, "seconds left", "KMS",
     &MetricValues::credentials_expire},
    {"client_certificate_expires_seconds", MetricType::kGauge, "seconds left",
     "KMIP", &MetricValues::client_certificate_expires},
    {"configuration_warnings", MetricType::kGauge, "warnings",
     "MySQL components", &MetricValues::configuration_warnings},
    {"secret_memory_bytes", MetricType::kGauge, "bytes", "all",
     &MetricValues::secret_memory},
    {"secret_memory_unlocked_bytes", MetricType::kGauge, "bytes", "all",
     &MetricValues::secret_memory_unlocked}};
inline constexpr size_t kMetricCount = std::size(kMetrics);

// The value of a status variable: a decimal number, or "" for nothing, which
// mysqld_exporter leaves out.
std::string MetricText(const Metric& metric, const MetricValues& values);

// ---- Where values come from -------------------------------------------------

// Adds what a client of a key server has seen. Of several clients: counts are
// sums, times those of the newest event, the key's state is the worst, and one
// that is reachable is enough.
void AddCalls(const CallStatistics& seen, WallTime now, MetricValues& values);
// Of several, the earliest counts. Nothing: they do not expire.
void AddExpiration(const std::optional<WallTime>& expiration, WallTime now,
                   MetricValues::Value& seconds_left);
// Of MariaDB: what is known and cannot be read now is not loaded.
void AddKeyCounts(const VersionedKeys::Counts& counts, MetricValues& values);
void AddSlots(const SlotSummary& slots, MetricValues& values);
// Of this process. Cheap, but may lock pages.
void AddSecretMemory(MetricValues& values);

}  // namespace openkeyring

#endif  // OPENKEYRING_PRODUCT_METRICS_H_
