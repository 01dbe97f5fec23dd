// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_JSON_JSON_CHECK_H_
#define OPENKEYRING_JSON_JSON_CHECK_H_

#include <cstddef>
#include <string_view>

#include "base/status.h"

namespace openkeyring {

// Nesting and members of one object that foreign files may have. The library
// writes nested values recursively, and looks members up one by one.
constexpr size_t kMaxJsonDepth = 32;
constexpr size_t kMaxJsonMembers = 256;

// Ok when `text` is one JSON value (RFC 8259) within those bounds, all text in
// it is UTF-8, and no object has two members of one name, of which readers
// would take now the first, now the last. Else kCorrupt: what is wrong, at
// which byte where the library tells, and never what stands there.
Status CheckJson(std::string_view text);

}  // namespace openkeyring

#endif  // OPENKEYRING_JSON_JSON_CHECK_H_
