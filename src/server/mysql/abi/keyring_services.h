// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_ABI_KEYRING_SERVICES_H_
#define OPENKEYRING_SERVER_MYSQL_ABI_KEYRING_SERVICES_H_

#include <stddef.h>

#include "server/mysql/abi/component.h"

// The eight services of a keyring component, declared by us; their structs are
// the same in every release from 8.0.24 to 9.7. Texts are C strings; an owner
// (auth id) may be null, which is the same as "".
namespace openkeyring {

// "keyring_load". The first call comes while the server starts; later ones are
// ALTER INSTANCE RELOAD KEYRING. A failure keeps the state before.
struct KeyringLoad {
  // The plugin directory, and the data directory (null: the current one).
  Code (*load)(const char* component_path, const char* instance_path);
};

// "keyring_reader_with_status".
struct KeyringReader {
  // Success with a null reader says that there is no such key.
  Code (*init)(const char* data_id, const char* auth_id, Handle* reader);
  Code (*deinit)(Handle reader);
  Code (*fetch_length)(Handle reader, size_t* data_size, size_t* type_size);
  // A type buffer may have no room for a terminator.
  Code (*fetch)(Handle reader, unsigned char* data, size_t data_capacity,
                size_t* data_size, char* type, size_t type_capacity,
                size_t* type_size);
};

// "keyring_writer".
struct KeyringWriter {
  Code (*store)(const char* data_id, const char* auth_id,
                const unsigned char* data, size_t data_size, const char* type);
  Code (*remove)(const char* data_id, const char* auth_id);
};

// "keyring_generator".
struct KeyringGenerator {
  Code (*generate)(const char* data_id, const char* auth_id, const char* type,
                   size_t data_size);
};

// "keyring_keys_metadata_iterator", over every key. `is_valid` is non-zero
// while there is a current key. Lengths are without terminators, and `get`
// wants room for them.
struct KeyringIterator {
  Code (*init)(Handle* iterator);
  Code (*deinit)(Handle iterator);
  Code (*is_valid)(Handle iterator);
  Code (*next)(Handle iterator);
  Code (*get_length)(Handle iterator, size_t* data_id_length,
                     size_t* auth_id_length);
  Code (*get)(Handle iterator, char* data_id, size_t data_id_capacity,
              char* auth_id, size_t auth_id_capacity);
};

// "keyring_aes". `key_bits` is what MySQL calls the block size.
struct KeyringAes {
  Code (*get_size)(size_t input_length, const char* mode, size_t key_bits,
                   size_t* out_size);
  Code (*encrypt)(const char* data_id, const char* auth_id, const char* mode,
                  size_t key_bits, const unsigned char* iv, int padding,
                  const unsigned char* data, size_t data_size,
                  unsigned char* out, size_t out_capacity, size_t* out_size);
  Code (*decrypt)(const char* data_id, const char* auth_id, const char* mode,
                  size_t key_bits, const unsigned char* iv, int padding,
                  const unsigned char* data, size_t data_size,
                  unsigned char* out, size_t out_capacity, size_t* out_size);
};

// "keyring_component_status". Non-zero: ready.
struct KeyringStatus {
  Code (*is_initialized)();
};

// "keyring_component_metadata_query", pairs of text for a status table. Sizes
// include terminators.
struct KeyringMetadata {
  Code (*init)(Handle* iterator);
  Code (*deinit)(Handle iterator);
  Code (*is_valid)(Handle iterator);
  Code (*next)(Handle iterator);
  Code (*get_length)(Handle iterator, size_t* key_size, size_t* value_size);
  Code (*get)(Handle iterator, char* key, size_t key_capacity, char* value,
              size_t value_capacity);
};

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_ABI_KEYRING_SERVICES_H_
