// SPDX-License-Identifier: MIT
// The border of a keyring component: what it is called, provides and requires.
// Compiled for each with OPENKEYRING_COMPONENT, its name.
#include "server/mysql/component/component.h"

#include <utility>

#include "server/guard.h"
#include "server/mysql/component/services.h"

namespace openkeyring::mysql {
namespace {

constexpr char kName[] = OPENKEYRING_COMPONENT;

constinit Registry* registry = nullptr;

// A plain pointer, so that nothing runs when the library is loaded or unloaded.
constinit ReloadableKeyring* host = nullptr;

Code Init() {
  // No log yet: the registry is locked by whoever loads the component.
  class Silent : public Log {
    void Write(LogLevel, std::string_view) override {}
  } silent;
  return Guarded(silent, kFailure, [] {
    host = new ReloadableKeyring(kName, MakeKeyringLoader(), registry);
    return kSuccess;
  });
}

Code Deinit() {
  delete std::exchange(host, nullptr);
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

ReloadableKeyring& TheKeyring() { return *host; }

}  // namespace openkeyring::mysql

extern "C" __attribute__((visibility("default"))) openkeyring::mysql::Component*
list_components() {
  return &openkeyring::mysql::component;
}
