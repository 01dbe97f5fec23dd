// SPDX-License-Identifier: MIT
// Files of the plugin keyring_file: what is read is what that plugin writes for
// these keys on one of the four kinds of machines; what it writes is read;
// damage is seen where the file has a checksum.
#include <set>

#include "crypto/digest.h"
#include "fuzz/check.h"
#include "fuzz/made_keys.h"
#include "storage/mysql_files/plugin_file_format.h"

using namespace openkeyring;

namespace {

constexpr std::string_view kMask = "*305=Ljt0*!@$Hnm(*-9-w;:";
constexpr size_t kHead = 24, kDigest = 32;

struct Machine {
  size_t word;
  bool big_endian;
};
constexpr Machine kMachines[] = {{8, false}, {4, false}, {8, true}, {4, true}};

void PutWord(uint64_t value, Machine machine, std::string& out) {
  for (size_t i = 0; i < machine.word; ++i) {
    const size_t place = machine.big_endian ? machine.word - 1 - i : i;
    out += static_cast<char>(value >> (8 * place));
  }
}

// `kept` gets one character a byte: '.' for padding.
std::string KeysAsWritten(const std::vector<Key>& keys, Machine machine,
                          std::string& kept) {
  std::string all;
  for (const Key& key : keys) {
    std::string data(key.data.RevealText());
    for (size_t i = 0; i < data.size(); ++i) {
      data[i] = static_cast<char>(data[i] ^ kMask[i % kMask.size()]);
    }
    const std::string body =
        key.name.data_id + key.type + key.name.auth_id + data;
    const size_t used = 5 * machine.word + body.size();
    const size_t total =
        (used + machine.word - 1) / machine.word * machine.word;
    for (const size_t size : {total, key.name.data_id.size(), key.type.size(),
                              key.name.auth_id.size(), data.size()}) {
      PutWord(size, machine, all);
    }
    all += body;
    kept.resize(all.size(), '=');
    all.resize(all.size() + total - used, '\0');
    kept.resize(all.size(), '.');
  }
  return all;
}

std::string FileOf(const std::string& keys, bool with_digest) {
  std::string file =
      with_digest ? "Keyring file version:2.0" : "Keyring file version:1.0";
  file += keys + "EOF";
  if (with_digest) {
    const Digest256 digest = *Sha256(AsBytes(keys));
    file.append(digest.begin(), digest.end());
  }
  return file;
}

Result<std::vector<Key>> Read(std::string_view text) {
  return ReadPluginFile(Secret::CopyOf(text));
}

bool IsSame(const std::vector<Key>& a, const std::vector<Key>& b) {
  return std::ranges::equal(a, b, [](const Key& x, const Key& y) {
    return x.name == y.name && x.type == y.type && x.data.Equals(y.data);
  });
}

bool IsWrittenAs(std::string_view body, const std::vector<Key>& keys,
                 Machine machine) {
  std::string kept;
  const std::string written = KeysAsWritten(keys, machine, kept);
  if (written.size() != body.size()) return false;
  for (size_t i = 0; i < body.size(); ++i) {
    if (kept[i] == '=' && written[i] != body[i]) return false;
  }
  return true;
}

void CheckAnyFile(std::string_view text) {
  const auto keys = Read(text);
  if (!keys) {
    Check(keys.error().code() == StatusCode::kCorrupt, "a refusal has a kind");
    return;
  }
  std::set<KeyName> names;
  for (const Key& key : *keys) {
    Check(!key.name.data_id.empty() && !key.type.empty() && !key.data.empty(),
          "a key has a name, a type and bytes");
    Check(names.insert(key.name).second, "no duplicate names");
  }
  const bool has_digest = text[21] == '2';
  const std::string_view body =
      text.substr(kHead, text.size() - kHead - 3 - (has_digest ? kDigest : 0));
  Check(std::ranges::any_of(
            kMachines,
            [&](Machine machine) { return IsWrittenAs(body, *keys, machine); }),
        "some machine writes it so");
}

std::vector<Key> Made(FuzzedDataProvider& input) {
  return MadeKeys(input,
                  [&] { return "t" + input.ConsumeRandomLengthString(8); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string any(InputText(data, size));
  CheckAnyFile(any);
  CheckAnyFile(FileOf(any, true));
  CheckAnyFile(FileOf(any, false));

  FuzzedDataProvider input(data, size);
  const size_t place = input.ConsumeIntegral<uint16_t>();
  const char flip = input.ConsumeIntegral<char>();
  const bool has_digest = input.ConsumeBool();
  const Machine machine = input.PickValueInArray(kMachines);
  const std::vector<Key> keys = Made(input);
  std::string kept;
  std::string file = FileOf(KeysAsWritten(keys, machine, kept), has_digest);
  const auto read = Read(file);
  Check(read && IsSame(*read, keys), "what the plugin writes is read");
  CheckAnyFile(file);
  const auto cut = Read(std::string_view(file).substr(0, place % file.size()));
  Check(!cut || !has_digest, "a cut file is refused");
  const size_t at = place % file.size();
  file[at] = static_cast<char>(file[at] ^ flip);
  CheckAnyFile(file);
  // A flip in "2.0" can make it a file without a checksum.
  Check(flip == 0 || !has_digest || at < kHead || !Read(file),
        "damage is seen");
  return 0;
}
