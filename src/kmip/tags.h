// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_KMIP_TAGS_H_
#define OPENKEYRING_KMIP_TAGS_H_

#include <cstdint>
#include <string>

namespace openkeyring {

// What an item is. Any number may come; those of tags.inc have names.
enum class KmipTag : uint32_t {
#define OPENKEYRING_TAG(name, number) k##name = number,
#include "kmip/tags.inc"
#undef OPENKEYRING_TAG
};

// "UniqueIdentifier", or the number in hex of a tag that we do not know.
std::string KmipTagName(KmipTag tag);

}  // namespace openkeyring

#endif  // OPENKEYRING_KMIP_TAGS_H_
