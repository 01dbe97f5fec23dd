// SPDX-License-Identifier: MIT
// The border of a keyring component: what it is called, provides and requires.
// Compiled for each with OPENKEYRING_COMPONENT, its name.
#include "server/mysql/component/component.h"

#include <utility>

#include "server/guard.h"
#include "server/mysql/component/metric_entries.h"
#include "server/mysql/component/services.h"

namespace openkeyring {
namespace {

constexpr char kName[] = OPENKEYRING_COMPONENT;

constinit Registry* registry = nullptr;

// Plain pointers, so that nothing runs when the library is loaded or unloaded.
constinit ReloadableKeyring* keyring = nullptr;
constinit RegisteredMetrics* metrics = nullptr;

MetricValues CurrentMetrics() { return keyring->Metrics(); }

// The registry is locked now, so this goes to standard error, which a server
// has directed to its error log.
void WarnOfInstallation() {
  Registry* const no_registry = nullptr;
  ComponentLog(kName, no_registry)
      .Write(LogLevel::kError,
             "this keyring protects nothing: the server uses a keyring "
             "component only if the manifest (mysqld.my, beside mysqld) loads "
             "it at the server start; run UNINSTALL COMPONENT 'file://" +
                 std::string(kName) +
                 "', name the component in the manifest and restart");
}

Code Init() {
  // No log yet: the registry is locked while it loads the component.
  return GuardedSilently(kFailure, [] {
    if (!IsLoadedByManifest(PosixFileSystem())) WarnOfInstallation();
    keyring = new ReloadableKeyring(kName, MakeKeyringLoader(), registry,
                                    CurrentServerMode(PosixFileSystem()));
    metrics =
        new RegisteredMetrics(registry, MetricEntries<CurrentMetrics>::entries);
    return kSuccess;
  });
}

Code Deinit() {
  delete std::exchange(metrics, nullptr);  // The server asks no more.
  delete std::exchange(keyring, nullptr);
  return kSuccess;
}

#define OPENKEYRING_PROVIDES(service, implementation) \
  { #service "." OPENKEYRING_COMPONENT, &implementation }

ProvidedService provides[] = {
    OPENKEYRING_PROVIDES(keyring_aes, aes_service),
    OPENKEYRING_PROVIDES(keyring_generator, generator_service),
    OPENKEYRING_PROVIDES(keyring_load, load_service),
    OPENKEYRING_PROVIDES(keyring_keys_metadata_iterator, iterator_service),
    OPENKEYRING_PROVIDES(keyring_component_status, status_service),
    OPENKEYRING_PROVIDES(keyring_component_metadata_query, metadata_service),
    OPENKEYRING_PROVIDES(keyring_reader_with_status, reader_service),
    OPENKEYRING_PROVIDES(keyring_writer, writer_service),
    {nullptr, nullptr}};

// Everything else is looked for at run time, so that it loads into every
// program.
RequiredService requirements[] = {
    {"registry", reinterpret_cast<void**>(&registry)}, {nullptr, nullptr}};

MetadataEntry metadata[] = {{"mysql.author", "OpenKeyring"},
                            {"mysql.license", "MIT"},
                            {OPENKEYRING_COMPONENT "_service", "1"},
                            {nullptr, nullptr}};

Component component = {kName, provides, requirements, metadata, Init, Deinit};

}  // namespace

ReloadableKeyring& TheKeyring() { return *keyring; }
RegisteredMetrics& TheMetrics() { return *metrics; }

}  // namespace openkeyring

extern "C" __attribute__((visibility("default"))) openkeyring::Component*
list_components() {
  return &openkeyring::component;
}
