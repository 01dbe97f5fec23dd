// SPDX-License-Identifier: MIT
// Services that read keys.
#include <string.h>

#include <algorithm>

#include "keyring/aes_mode.h"
#include "server/guard.h"
#include "server/mysql/component/services.h"

namespace openkeyring {
namespace {

// What readers get: the key, alive as long as they want it.
struct Reader {
  Keyring::KeyPointer key;
};

// Null when there is no such key; the error is reported.
Result<Keyring::KeyPointer> Find(const KeyName& name) {
  auto current = TheKeyring().Current();
  if (current) return (*current)->keyring().Find(name);
  TheKeyring().Report(current.error());
  return current.error();
}

Code ReaderInit(const char* data_id, const char* auth_id, Handle* reader) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    if (reader == nullptr) return kFailure;
    *reader = nullptr;
    Result<KeyName> name = KeyNameFrom(data_id, auth_id);
    // Without a name there is no key; without a keyring nobody knows.
    Result<Keyring::KeyPointer> key = Find(name.value_or(KeyName{}));
    if (!key) return kFailure;
    if (*key != nullptr) *reader = new Reader{std::move(*key)};
    return kSuccess;
  });
}

Code ReaderDeinit(Handle reader) {
  delete static_cast<Reader*>(reader);
  return kSuccess;
}

Code FetchLength(Handle reader, size_t* data_size, size_t* type_size) {
  if (reader == nullptr || data_size == nullptr || type_size == nullptr) {
    return kFailure;
  }
  const Key& key = *static_cast<Reader*>(reader)->key;
  *data_size = key.data.size();
  *type_size = key.type.size();
  return kSuccess;
}

// The server's own helper gives a type buffer without room for a terminator;
// others give one more byte and expect zeros.
Code Fetch(Handle reader, unsigned char* data, size_t data_capacity,
           size_t* data_size, char* type, size_t type_capacity,
           size_t* type_size) {
  if (FetchLength(reader, data_size, type_size) != kSuccess) return kFailure;
  const Key& key = *static_cast<Reader*>(reader)->key;
  if (data == nullptr || type == nullptr || data_capacity < *data_size ||
      type_capacity < *type_size) {
    return kFailure;
  }
  std::fill_n(data, data_capacity, 0);
  std::fill_n(type, type_capacity, '\0');
  std::ranges::copy(key.data.RevealBytes(), data);
  std::ranges::copy(key.type, type);
  return kSuccess;
}

Code AesSize(size_t input_length, const char* mode, size_t key_bits,
             size_t* out_size) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    if (mode == nullptr || out_size == nullptr) return kFailure;
    const Result<AesMode> aes = AesMode::Find(mode, key_bits);
    if (!aes) return kFailure;
    *out_size = aes->EncryptedSize(input_length);
    return kSuccess;
  });
}

using AesStep = Result<size_t> (AesMode::*)(const Key&, const uint8_t*, bool,
                                            ByteView, std::span<uint8_t>) const;

Code RunAes(AesStep step, const char* data_id, const char* auth_id,
            const char* mode, size_t key_bits, const unsigned char* iv,
            bool padding, ByteView text, std::span<uint8_t> out,
            size_t* out_size) {
  return Guarded(TheKeyring().log(), kFailure, [&] {
    const Result<KeyName> name = KeyNameFrom(data_id, auth_id);
    if (!name || mode == nullptr || out.data() == nullptr ||
        out_size == nullptr || (text.data() == nullptr && !text.empty())) {
      return kFailure;
    }
    const Result<Keyring::KeyPointer> key = Find(*name);
    if (!key || *key == nullptr) return kFailure;
    const Result<AesMode> aes = AesMode::Find(mode, key_bits);
    if (!aes) {
      TheKeyring().Report(aes.error());
      return kFailure;
    }
    const Result<size_t> done = ((*aes).*step)(**key, iv, padding, text, out);
    if (!done) {
      TheKeyring().Report(done.error());
      return kFailure;
    }
    *out_size = *done;
    return kSuccess;
  });
}

Code AesEncrypt(const char* data_id, const char* auth_id, const char* mode,
                size_t key_bits, const unsigned char* iv, int padding,
                const unsigned char* data, size_t data_size, unsigned char* out,
                size_t out_capacity, size_t* out_size) {
  return RunAes(&AesMode::Encrypt, data_id, auth_id, mode, key_bits, iv,
                padding != 0, ByteView(data, data_size), {out, out_capacity},
                out_size);
}

Code AesDecrypt(const char* data_id, const char* auth_id, const char* mode,
                size_t key_bits, const unsigned char* iv, int padding,
                const unsigned char* data, size_t data_size, unsigned char* out,
                size_t out_capacity, size_t* out_size) {
  return RunAes(&AesMode::Decrypt, data_id, auth_id, mode, key_bits, iv,
                padding != 0, ByteView(data, data_size), {out, out_capacity},
                out_size);
}

}  // namespace

KeyringReader reader_service = {ReaderInit, ReaderDeinit, FetchLength, Fetch};
KeyringAes aes_service = {AesSize, AesEncrypt, AesDecrypt};

}  // namespace openkeyring
