// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_FUZZ_MADE_KEYS_H_
#define OPENKEYRING_FUZZ_MADE_KEYS_H_

#include <fuzzer/FuzzedDataProvider.h>

#include <set>
#include <string>
#include <vector>

#include "keyring/key.h"

namespace openkeyring {

// Up to four keys with names of their own and data of 1 to 40 bytes; `type`
// makes the type of each.
template <typename Type>
std::vector<Key> MadeKeys(FuzzedDataProvider& input, const Type& type) {
  std::vector<Key> keys;
  std::set<KeyName> names;
  const int count = input.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < count; ++i) {
    Key key{{"k" + input.ConsumeRandomLengthString(20),
             input.ConsumeRandomLengthString(20)},
            type(),
            {}};
    auto data = input.ConsumeBytes<uint8_t>(
        input.ConsumeIntegralInRange<size_t>(1, 40));
    if (data.empty()) data = {1};
    key.data = Secret::CopyOf(ByteView(data));
    if (names.insert(key.name).second) keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace openkeyring

#endif  // OPENKEYRING_FUZZ_MADE_KEYS_H_
