// SPDX-License-Identifier: MIT
// JSON key files: what is read is written such that it is read again, to the
// byte; a key that is added is there and changes no other; a truncated file is
// not a file.
#include <fuzzer/FuzzedDataProvider.h>

#include <set>

#include "fuzz/check.h"
#include "storage/percona/json_keyring_format.h"

using namespace openkeyring;

namespace {

bool Same(const JsonElement& a, const JsonElement& b) {
  return a.name == b.name && a.type == b.type && a.encoding == b.encoding &&
         a.wrapped.blob == b.wrapped.blob;
}

// Whether `longer` starts with all of `keyring`.
bool StartsWith(const JsonKeyring& longer, const JsonKeyring& keyring) {
  if (longer.size() < keyring.size()) return false;
  for (size_t i = 0; i < keyring.size(); ++i) {
    if (!Same(longer.element(i), keyring.element(i))) return false;
  }
  return true;
}

JsonKeyring ReadAgain(const JsonKeyring& keyring) {
  const Result<Bytes> content = keyring.Write();
  Check(content.has_value(), "a small file is written");
  Result<JsonKeyring> again = JsonKeyring::Parse(*content);
  Check(again.has_value(), "what is written is read");
  Check(again->size() == keyring.size() && StartsWith(*again, keyring),
        "and is the same");
  Check(*again->Write() == *content, "to the byte");
  return std::move(*again);
}

void CheckElements(const JsonKeyring& keyring) {
  std::set<KeyName> names;
  for (size_t i = 0; i < keyring.size(); ++i) {
    const JsonElement& element = keyring.element(i);
    Check(CheckStorable(element.name, element.type).ok(), "storable");
    Check(!element.wrapped.blob.empty(), "a key has a blob");
    Check(names.insert(element.name).second, "no duplicate names");
    Check(keyring.Find(element.name) == &element, "it is found");
  }
}

void CheckChanges(JsonKeyring keyring, FuzzedDataProvider& input) {
  const JsonKeyring before = keyring;
  const KeyName name{input.ConsumeRandomLengthString(20),
                     input.ConsumeRandomLengthString(20)};
  const std::string type = input.ConsumeRandomLengthString(10);
  const size_t cut = input.ConsumeIntegral<uint16_t>();
  const WrappedKey wrapped{input.ConsumeRemainingBytes<uint8_t>(), ""};
  const Status status = keyring.Add(name, type, wrapped);
  if (!status.ok()) {
    Check(status.code() == StatusCode::kInvalidArgument ||
              status.code() == StatusCode::kAlreadyExists,
          "why a key is not added");
    Check(keyring.size() == before.size(), "then it is not there");
    return;
  }
  const JsonKeyring read = ReadAgain(keyring);
  Check(StartsWith(read, before), "no other key changes");
  const JsonElement* found = read.Find(name);
  Check(found != nullptr && found->type == type &&
            found->wrapped.blob == wrapped.blob,
        "the added key is there");
  const Bytes content = *keyring.Write();
  const ByteView part = ByteView(content).first(cut % content.size());
  Check(!JsonKeyring::Parse(part), "a cut file is refused");
  Check(keyring.Remove(name).ok() && *keyring.Write() == *before.Write(),
        "removing it is as if it had not been");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<JsonKeyring> keyring = JsonKeyring::Parse({data, size});
  FuzzedDataProvider input(data, size);
  if (!keyring) {
    Check(keyring.error().code() == StatusCode::kCorrupt ||
              keyring.error().code() == StatusCode::kMisconfigured,
          "why a file is not read");
    CheckChanges(JsonKeyring(), input);
    return 0;
  }
  CheckElements(*keyring);
  CheckChanges(ReadAgain(*keyring), input);
  return 0;
}
