// SPDX-License-Identifier: MIT
// The functions that MariaDB calls for keys and for AES-CTR.
#include "server/mariadb/shared/encryption_plugin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "product/moved_tables.h"
#include "server/guard.h"
#include "server/mariadb/shared/loading_program.h"
#include "server/mariadb/shared/server_functions.h"
// Last: they bring in MariaDB's headers.
#include <my_global.h>
#include <mysql/plugin_encryption.h>

namespace openkeyring {

void EncryptionPlugin::Report(const Status& status) {
  ++failures;
  log.TellClient(status.message());
  if (throttle.Admits(status.message())) {
    log.Write(LogLevel::kWarning, status.message());
  }
}

EncryptionPlugin& ThePlugin() {
  static EncryptionPlugin plugin(LogPrefix());
  return plugin;
}

namespace {

// mariadb-backup takes no error of the plugin for a reason to stop: it works on
// without the key, says "completed OK!", and what needs the key is lost.
void StopBackup(MariaDbLog& log) {
  const Status undone = UndoPreparation(FindLoadingProgram().increment);
  if (!undone.ok()) log.Write(LogLevel::kError, undone.message());
  log.Write(LogLevel::kError,
            "mariadb-backup is stopped, because it would continue without the "
            "key; fix what the line above says and repeat it");
  _exit(EXIT_FAILURE);
}

unsigned GetLatestKeyVersion(unsigned key_id) {
  EncryptionPlugin& plugin = ThePlugin();
  return Guarded(plugin.log, ENCRYPTION_KEY_VERSION_INVALID, [&]() -> unsigned {
    const Result<uint32_t> version = plugin.keys->LatestVersion(key_id);
    if (version) return *version;
    plugin.Report(version.error());
    if (FindLoadingProgram().prepares) StopBackup(plugin.log);
    return ENCRYPTION_KEY_VERSION_INVALID;
  });
}

unsigned GetKey(unsigned key_id, unsigned version, unsigned char* buffer,
                unsigned* length) {
  EncryptionPlugin& plugin = ThePlugin();
  return Guarded(plugin.log, ENCRYPTION_KEY_VERSION_INVALID, [&]() -> unsigned {
    const Result<const Secret*> key = plugin.keys->Get({key_id, version});
    if (!key) {
      plugin.Report(key.error());
      return ENCRYPTION_KEY_VERSION_INVALID;
    }
    const ByteView bytes = (*key)->RevealBytes();
    const unsigned room = *length;
    *length = static_cast<unsigned>(bytes.size());
    // No buffer: only the length was asked for, and `room` may be anything.
    if (buffer == nullptr) return 0;
    if (room < bytes.size()) return ENCRYPTION_KEY_BUFFER_TOO_SMALL;
    memcpy(buffer, bytes.data(), bytes.size());
    return 0;
  });
}

// Values of the server's my_aes_mode.
constexpr int kAesCtr = 2, kAesGcm = 3;

// AES-CTR, the same way as file_key_management does it, so that data of both
// has one layout: CTR where no padding may happen, GCM where it may.
int ModeFor(int flags) {
  return (flags & ENCRYPTION_FLAG_NOPAD) != 0 ? kAesCtr : kAesGcm;
}
unsigned CtrContextSize(unsigned, unsigned) {
  return TheServersAes().context_size(kAesCtr);
}
int CtrInit(void* context, const unsigned char* key, unsigned key_length,
            const unsigned char* iv, unsigned iv_length, int flags, unsigned,
            unsigned) {
  return TheServersAes().init(context, ModeFor(flags), flags, key, key_length,
                              iv, iv_length);
}
int CtrUpdate(void* context, const unsigned char* source,
              unsigned source_length, unsigned char* out,
              unsigned* out_length) {
  return TheServersAes().update(context, source, source_length, out,
                                out_length);
}
int CtrFinish(void* context, unsigned char* out, unsigned* out_length) {
  return TheServersAes().finish(context, out, out_length);
}
unsigned CtrLength(unsigned source_length, unsigned, unsigned) {
  return TheServersAes().size(kAesGcm, source_length);
}

}  // namespace

// Null functions mean the server's own AES-CBC.
st_mariadb_encryption encryption = {MariaDB_ENCRYPTION_INTERFACE_VERSION,
                                    GetLatestKeyVersion,
                                    GetKey,
                                    nullptr,
                                    nullptr,
                                    nullptr,
                                    nullptr,
                                    nullptr};

namespace {

Status UseCtrMode() {
  if (TheServersAes().context_size == nullptr) {
    return {StatusCode::kMisconfigured, "this server has no AES-CTR: set " +
                                            std::string(PluginName()) +
                                            "_encryption_algorithm=aes_cbc"};
  }
  encryption.crypt_ctx_size = CtrContextSize;
  encryption.crypt_ctx_init = CtrInit;
  encryption.crypt_ctx_update = CtrUpdate;
  encryption.crypt_ctx_finish = CtrFinish;
  encryption.encrypted_length = CtrLength;
  return Status::Ok();
}

Status Start(EncryptionPlugin& plugin) {
  if (UsesCtrMode()) {
    Status status = UseCtrMode();
    if (!status.ok()) return status;
  }
  const Result<VersionedKeys*> keys = StartKeys();
  if (!keys) return keys.error();
  plugin.keys = *keys;
  ShowMetrics();
  return Status::Ok();
}

}  // namespace

int InitPlugin(void*) {
  static constexpr int kFailed = 1;
  EncryptionPlugin& plugin = ThePlugin();
  return Guarded(plugin.log, kFailed, [&] {
    AdoptVariables();
    const Status status = Start(plugin);
    if (status.ok()) return 0;
    plugin.log.Write(LogLevel::kError, "cannot start: " + status.message());
    if (FindLoadingProgram().kind == LoadingProgram::Kind::kBackup) {
      StopBackup(plugin.log);
    }
    return kFailed;
  });
}

int DeinitPlugin(void*) {
  EncryptionPlugin& plugin = ThePlugin();
  return Guarded(plugin.log, 0, [&] {
    plugin.keys = nullptr;
    StopKeys();
    return 0;
  });
}

}  // namespace openkeyring
