// SPDX-License-Identifier: MIT
// Key files: what is written is read back, what is damaged is never taken for
// what it was, and a name has one spelling.
#include <fuzzer/FuzzedDataProvider.h>

#include "fuzz/check.h"
#include "storage/mariadb_files/key_file_format.h"

using namespace openkeyring;

namespace {

bool Same(const KeyFile& a, const KeyFile& b) {
  return a.bound == b.bound && a.binding == b.binding &&
         a.wrapped.blob == b.wrapped.blob &&
         a.wrapped.wrapping_key == b.wrapped.wrapping_key;
}

// Any bytes at all.
void CheckAnyFile(ByteView content) {
  const Result<KeyFile> file = ReadKeyFile(content);
  if (!file) return;
  Check(!file->wrapped.blob.empty(), "a key file has a blob");
  if (!file->bound) {
    Check(std::ranges::equal(file->wrapped.blob, content), "raw is as it is");
    Check(file->binding.empty(), "raw is bound to nothing");
    return;
  }
  const auto again =
      ReadKeyFile(*WriteBoundKeyFile(file->wrapped, file->binding));
  Check(again && Same(*file, *again), "bound round trip");
}

void CheckName(std::string_view name) {
  if (const auto key = ParseKeyFileName(name)) {
    Check(KeyFileName(*key) == name, "names have one spelling");
  }
}

KeyFile Made(FuzzedDataProvider& input) {
  KeyFile file;
  file.bound = true;
  const int pairs = input.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < pairs; ++i) {
    file.binding[input.ConsumeRandomLengthString(40)] =
        input.ConsumeRandomLengthString(40);
  }
  file.wrapped.wrapping_key = input.ConsumeRandomLengthString(100);
  file.wrapped.blob =
      input.ConsumeBytes<uint8_t>(input.ConsumeIntegralInRange<size_t>(1, 200));
  if (file.wrapped.blob.empty()) file.wrapped.blob = {1};
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckAnyFile({data, size});
  CheckName(InputText(data, size));
  FuzzedDataProvider input(data, size);
  const size_t place = input.ConsumeIntegral<uint16_t>();
  const uint8_t flip = input.ConsumeIntegral<uint8_t>();
  const KeyFile file = Made(input);
  Bytes content = *WriteBoundKeyFile(file.wrapped, file.binding);
  const auto read = ReadKeyFile(content);
  Check(read && Same(*read, file), "what was written is read");
  const auto cut = ReadKeyFile(ByteView(content).first(place % content.size()));
  Check(!cut, "a cut file is refused");
  content[place % content.size()] ^= flip;
  const auto damaged = ReadKeyFile(content);
  Check(flip == 0 || !damaged || !damaged->bound, "damage is seen");
  return 0;
}
