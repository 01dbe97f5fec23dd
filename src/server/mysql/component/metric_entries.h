// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_COMPONENT_METRIC_ENTRIES_H_
#define OPENKEYRING_SERVER_MYSQL_COMPONENT_METRIC_ENTRIES_H_

#include <string.h>

#include <algorithm>
#include <string>
#include <utility>

#include "product/metrics.h"
#include "server/guard.h"
#include "server/mysql/abi/status_variables.h"

// The metrics as MySQL's status variables, openkeyring_*. The server asks for
// one at a time.
namespace openkeyring {

template <MetricValues (*kValues)(), size_t kIndex>
int ShowMetric(void*, StatusVariable* variable, char* buffer) {
  *buffer = '\0';
  variable->type = kShowText;
  variable->value = buffer;
  return GuardedSilently(0, [&] {
    const std::string text = MetricText(kMetrics[kIndex], kValues());
    memcpy(buffer, text.c_str(), std::min(text.size() + 1, kShowBuffer));
    return 0;
  });
}

template <MetricValues (*kValues)(), typename Indexes>
struct MetricRows;
template <MetricValues (*kValues)(), size_t... kIndexes>
struct MetricRows<kValues, std::index_sequence<kIndexes...>> {
  static inline StatusVariable rows[] = {
      {kMetrics[kIndexes].name,
       reinterpret_cast<char*>(&ShowMetric<kValues, kIndexes>), kShowFunction,
       kGlobalScope}...,
      {}};
};

// What a plugin declares or a component registers. `kValues` is called with the
// server's lock of status variables held: it must be quick.
template <MetricValues (*kValues)()>
struct MetricEntries {
  static inline StatusVariable entries[] = {
      {kMetricPrefix,
       reinterpret_cast<char*>(
           MetricRows<kValues, std::make_index_sequence<kMetricCount>>::rows),
       kShowArray, kGlobalScope},
      {}};
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_COMPONENT_METRIC_ENTRIES_H_
