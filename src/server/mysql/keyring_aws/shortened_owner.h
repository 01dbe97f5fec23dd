// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_SHORTENED_OWNER_H_
#define OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_SHORTENED_OWNER_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace openkeyring {

// A keyring plugin's iterator writes names into buffers of the server's, whose
// sizes the interface does not tell. The buffers of
// performance_schema.keyring_keys have 1025 bytes; the migration of mysqld
// (--keyring-migration-source) has 96 for an owner, its USERNAME_LENGTH, on its
// stack. Longer owners are shortened for both. A migration then fetches a key
// by the shortened name, which must fail: "no such key" would leave the key
// behind in silence.
constexpr size_t kMaxMigratedOwner = 95;

// Owners that fit, as they are; others without what does not fit, at the
// boundary of a UTF-8 character.
inline std::string ShortenedOwner(std::string_view owner) {
  if (owner.size() <= kMaxMigratedOwner) return std::string(owner);
  size_t size = kMaxMigratedOwner;
  while (size > 0 && (static_cast<unsigned char>(owner[size]) & 0xc0) == 0x80) {
    --size;
  }
  return std::string(owner.substr(0, size));
}

// Whether ShortenedOwner may have made this: it takes off at most three bytes
// more than need be.
inline bool MayBeShortenedOwner(std::string_view owner) {
  return owner.size() <= kMaxMigratedOwner &&
         owner.size() + 3 >= kMaxMigratedOwner;
}

}  // namespace openkeyring

#endif  // OPENKEYRING_SERVER_MYSQL_KEYRING_AWS_SHORTENED_OWNER_H_
