// SPDX-License-Identifier: MIT
// The status variables Aws_key_management_*.
#include <iterator>
#include <optional>
#include <string>

#include "product/slot_status.h"

// Last: they bring in MariaDB's headers.
#include "server/mariadb/aws_key_management/aws_plugin.h"
#include "server/mariadb/shared/metric_entries.h"
#include "server/mariadb/shared/status_entry.h"

namespace openkeyring {
namespace {

std::string TimeText(const std::optional<WallTime>& time) {
  return time ? UtcText(*time) : "";
}

std::string Requests() {
  return std::to_string(LoadedAwsKeys().statistics().requests);
}
std::string Retries() {
  return std::to_string(LoadedAwsKeys().statistics().retries);
}
std::string Errors() {
  return std::to_string(LoadedAwsKeys().statistics().errors);
}
std::string LastError() { return LoadedAwsKeys().statistics().last_error; }
std::string LastErrorTime() {
  return TimeText(LoadedAwsKeys().statistics().last_error_time);
}
std::string LastSuccessTime() {
  return TimeText(LoadedAwsKeys().statistics().last_success_time);
}
std::string CredentialSourceName() {
  return LoadedAwsKeys().credential_source();
}
std::string Store() { return LoadedAwsKeys().store_name(); }
SlotSummary Slots() {
  const KeySetBackend* key_set = LoadedAwsKeys().key_set();
  const auto store = key_set != nullptr ? key_set->store() : nullptr;
  return store != nullptr ? SummaryOf(store->slots()) : SlotSummary();
}
std::string SlotCount() { return std::to_string(Slots().slots); }
std::string SlotsOpening() { return std::to_string(Slots().opening); }
std::string OpenedByLocalSlot() {
  return Slots().opened_by_local_slot ? "1" : "0";
}
std::string SlotOpened() { return Slots().opened; }
std::string SlotsFailed() { return Slots().failed; }
std::string SlotsUntried() { return Slots().untried; }
std::string SlotsMissing() { return Slots().missing; }
std::string SlotsForeign() { return Slots().foreign; }
std::string Endpoint() { return LoadedAwsKeys().statistics().endpoint; }

}  // namespace

MetricValues ProductMetrics() { return LoadedAwsKeys().Metrics(); }

st_mysql_show_var aws_status_variables[] = {
    Entry<Keys>("aws_key_management_keys"),
    Entry<VersionsLoaded>("aws_key_management_versions_loaded"),
    Entry<VersionsFailed>("aws_key_management_versions_failed"),
    Entry<Store>("aws_key_management_key_store"),
    Entry<SlotCount>("aws_key_management_slots"),
    Entry<SlotsOpening>("aws_key_management_slots_opening"),
    Entry<OpenedByLocalSlot>("aws_key_management_opened_by_local_slot"),
    Entry<SlotOpened>("aws_key_management_slot_opened"),
    Entry<SlotsFailed>("aws_key_management_slots_failed"),
    Entry<SlotsUntried>("aws_key_management_slots_untried"),
    Entry<SlotsMissing>("aws_key_management_slots_missing"),
    Entry<SlotsForeign>("aws_key_management_slots_foreign"),
    Entry<Requests>("aws_key_management_kms_requests"),
    Entry<Retries>("aws_key_management_kms_retries"),
    Entry<Errors>("aws_key_management_kms_errors"),
    Entry<LastError>("aws_key_management_last_error"),
    Entry<LastErrorTime>("aws_key_management_last_error_time"),
    Entry<LastSuccessTime>("aws_key_management_last_success_time"),
    Entry<CredentialSourceName>("aws_key_management_credential_source"),
    Entry<Endpoint>("aws_key_management_endpoint"),
    Entry<SecretMemoryText>("aws_key_management_secret_memory"),
    {nullptr, nullptr, SHOW_UNDEF},  // Room for the metrics.
    {nullptr, nullptr, SHOW_UNDEF}};

void ShowMetrics() { std::end(aws_status_variables)[-2] = Metrics(); }

}  // namespace openkeyring
