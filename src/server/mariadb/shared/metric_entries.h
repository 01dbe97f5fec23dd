// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MARIADB_SHARED_METRIC_ENTRIES_H_
#define OPENKEYRING_SERVER_MARIADB_SHARED_METRIC_ENTRIES_H_

#include <string>
#include <utility>

#include "product/metrics.h"
// Last: it brings in MariaDB's headers.
#include "server/mariadb/shared/status_entry.h"

// The metrics as status variables of a plugin: openkeyring_*, in each plugin.
// The server starts only one encryption plugin, so the names are not duplicate.
// Of the one that it does not start it removes all status variables, by their
// names: that one must not have these.
namespace openkeyring {

// While the keys are loaded; ShowStatus asks at no other time.
inline MetricValues CurrentMetrics() {
  MetricValues values = ProductMetrics();
  values.failures = ThePlugin().failures.load();
  AddSecretMemory(values);
  return values;
}

template <size_t kIndex>
std::string MetricRow() {
  return MetricText(kMetrics[kIndex], CurrentMetrics());
}

template <typename Indexes>
struct MetricEntries;
template <size_t... kIndexes>
struct MetricEntries<std::index_sequence<kIndexes...>> {
  static inline st_mysql_show_var rows[] = {
      Entry<MetricRow<kIndexes>>(kMetrics[kIndexes].name)...,
      {nullptr, nullptr, SHOW_UNDEF}};
};

// One entry, which stands for all: the server puts its name before theirs.
inline st_mysql_show_var Metrics() {
  return {kMetricPrefix,
          MetricEntries<std::make_index_sequence<kMetricCount>>::rows,
          SHOW_ARRAY};
}

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MARIADB_SHARED_METRIC_ENTRIES_H_
