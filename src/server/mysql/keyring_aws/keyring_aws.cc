// SPDX-License-Identifier: MIT
// keyring_aws.so: the border of MySQL's keyring plugin. Its life, and what it
// shares with the server.
#include <stdint.h>

#include <mutex>
#include <utility>

#include "server/guard.h"
#include "server/mysql/abi/keyring_services.h"
#include "server/mysql/component/acquired.h"
#include "server/mysql/component/metric_entries.h"
#include "server/mysql/keyring_aws/keyring_aws_plugin.h"
#include "server/mysql/keyring_aws/server_version.h"

#define OPENKEYRING_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// Each service's version; see ForgetServices.
constexpr intptr_t kMalloc = 0x0100, kSessionMemory = 0x0100,
                   kRegistry = 0x0100;

}  // namespace

// Numbers until the server puts pointers there.
OPENKEYRING_EXPORT intptr_t mysql_malloc_service;
OPENKEYRING_EXPORT intptr_t thd_alloc_service;
OPENKEYRING_EXPORT intptr_t plugin_registry_service;
intptr_t mysql_malloc_service = kMalloc;
intptr_t thd_alloc_service = kSessionMemory;
intptr_t plugin_registry_service = kRegistry;

namespace openkeyring {
namespace {

constexpr char kName[] = "keyring_aws";

constinit std::shared_mutex in_use;
constinit InstalledPlugin* installed = nullptr;

MetricValues CurrentMetrics() {
  PluginInUse running;
  return running ? running->Metrics() : MetricValues();
}

// One of ours, which has the same status variables.
bool HasKeyringComponent(Registry* registry) {
  for (const char* service :
       {"keyring_component_status.component_keyring_kms",
        "keyring_component_status.component_keyring_kmip"}) {
    if (Acquired<KeyringStatus>(registry, service)) return true;
  }
  return false;
}

// The server reads them after the init.
void LeaveMetricsToComponent();

int Init(void*) {
  return GuardedSilently(kFailure, [] {
    const Status version = CheckServerVersion(ServerVersion());
    if (!version.ok()) {
      // To standard error: the log service is one of those that differ.
      Registry* const no_registry = nullptr;
      ComponentLog(kName, no_registry)
          .Write(LogLevel::kError, "it cannot start: " + version.message());
      return kFailure;
    }
    auto plugin = std::make_unique<InstalledPlugin>();
    const Status status = plugin->Open(OptionsOfVariables());
    if (!status.ok()) {
      plugin->log().Write(LogLevel::kError,
                          "keyring_aws cannot start: " + status.message());
      return kFailure;
    }
    if (HasKeyringComponent(plugin->registry())) LeaveMetricsToComponent();
    const std::lock_guard lock(in_use);
    installed = plugin.release();
    return kSuccess;
  });
}

int Deinit(void*) {
  if (PluginInUse running; running) running->keyring()->stopping().Cancel();
  InstalledPlugin* plugin;
  {
    std::lock_guard lock(in_use);
    plugin = std::exchange(installed, nullptr);
  }
  delete plugin;
  ForgetServices();
  return kSuccess;
}

}  // namespace

const MallocService& ServerMemory() {
  return *reinterpret_cast<const MallocService*>(mysql_malloc_service);
}
const SessionMemoryService& SessionMemory() {
  return *reinterpret_cast<const SessionMemoryService*>(thd_alloc_service);
}
const RegistryService& ServerRegistry() {
  return *reinterpret_cast<const RegistryService*>(plugin_registry_service);
}

void ForgetServices() {
  mysql_malloc_service = kMalloc;
  thd_alloc_service = kSessionMemory;
  plugin_registry_service = kRegistry;
}

InstalledPlugin::InstalledPlugin()
    : registry_(ServerRegistry().acquire()), log_(kName, registry_) {}

InstalledPlugin::~InstalledPlugin() {
  keyring_.reset();  // It may have something to log.
  if (registry_ != nullptr) (void)ServerRegistry().release(registry_);
}

Status InstalledPlugin::Open(KeyringAwsOptions options) {
  Result<std::unique_ptr<KeyringAws>> opened =
      KeyringAws::Open(std::move(options), std::nullopt, log_);
  if (!opened) return opened.error();
  keyring_ = std::move(*opened);
  log_.Write(LogLevel::kNote, "the keyring is open, with " +
                                  std::to_string(keyring_->keyring().size()) +
                                  " keys");
  return Status::Ok();
}

void InstalledPlugin::Report(const Status& status) { failures_.Write(status); }

MetricValues InstalledPlugin::Metrics() const {
  MetricValues values = keyring_->Metrics();
  values.failures = failures_.count();
  AddSecretMemory(values);
  return values;
}

PluginInUse::PluginInUse() : lock_(in_use), plugin_(installed) {}

}  // namespace openkeyring

OPENKEYRING_EXPORT int _mysql_plugin_interface_version_;
OPENKEYRING_EXPORT int _mysql_sizeof_struct_st_plugin_;
OPENKEYRING_EXPORT openkeyring::Plugin _mysql_plugin_declarations_[];

int _mysql_plugin_interface_version_ = openkeyring::kPluginInterfaceVersion;
int _mysql_sizeof_struct_st_plugin_ = sizeof(openkeyring::Plugin);
openkeyring::Plugin _mysql_plugin_declarations_[] = {
    {openkeyring::kKeyringPlugin, &openkeyring::keyring_aws_interface,
     openkeyring::kName, "OpenKeyring", "Keys that AWS KMS makes and encrypts",
     openkeyring::kLicenseBsd, openkeyring::Init, nullptr, openkeyring::Deinit,
     OPENKEYRING_VERSION_NUMBER,
     openkeyring::MetricEntries<openkeyring::CurrentMetrics>::entries,
     openkeyring::keyring_aws_variables, nullptr, openkeyring::kAllowEarly},
    {}};

namespace openkeyring {
namespace {

void LeaveMetricsToComponent() {
  _mysql_plugin_declarations_[0].status_variables = nullptr;
}

}  // namespace
}  // namespace openkeyring
