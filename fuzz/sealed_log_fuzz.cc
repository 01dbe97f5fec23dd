// SPDX-License-Identifier: MIT
// Logs of sealed keyring files: whatever becomes of a valid one, what replays
// is what it once came to, and without the data key nobody adds a key.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/byte_codec.h"
#include "fuzz/check.h"
#include "storage/sealed/sealed_header.h"
#include "storage/sealed/sealed_log.h"

using namespace openkeyring;

namespace {

using Keys = std::map<KeyName, std::string>;

// The same salts in every run, none twice.
class CountingRandom : public Random {
 public:
  Status Fill(std::span<uint8_t> out) override {
    ++count_;
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<uint8_t>(count_ >> 8 * (i % 8));
    }
    return Status::Ok();
  }
  double Fraction() override { return 0.5; }

 private:
  uint64_t count_ = 0;
};

CountingRandom& Salts() {
  static CountingRandom salts;
  return salts;
}

std::unique_ptr<SealedLog> NewLog() {
  auto log = SealedLog::Make(Secret::CopyOf(std::string(kDataKeyBytes, 'k')),
                             FileId{1, 2, 3}, 7, Salts(), true);
  Check(log.has_value(), "a log can be made");
  return std::move(*log);
}

Keys TextsOf(const std::map<KeyName, Key>& keys) {
  Keys texts;
  for (const auto& [name, key] : keys) {
    texts[name] = key.type + ":" + std::string(key.data.RevealText());
  }
  return texts;
}

// A log, and all that it came to one record after the other.
struct History {
  std::unique_ptr<SealedLog> log = NewLog();
  Bytes content;
  std::vector<Keys> states = {Keys()};

  void Put(const KeyName& name, const std::string& type,
           const std::string& data) {
    Keys keys = states.back();
    if (!keys.emplace(name, type + ":" + data).second) return Remove(name);
    Add(log->SealPut({name, type, Secret::CopyOf(data)}), std::move(keys));
  }
  void Remove(const KeyName& name) {
    Keys keys = states.back();
    if (keys.erase(name) == 0) return;
    Add(log->SealRemove({name, "", Secret()}), std::move(keys));
  }
  // Several at once, as far as they are not there.
  void PutAll(const std::vector<KeyName>& names, const std::string& data) {
    Keys keys = states.back();
    std::vector<Key> added;
    for (const KeyName& name : names) {
      if (!keys.emplace(name, "T:" + data).second) continue;
      added.push_back({name, "T", Secret::CopyOf(data)});
    }
    if (!added.empty()) Add(log->SealPutAll(added), std::move(keys));
  }
  void Add(const Result<Bytes>& record, Keys keys) {
    Check(record.has_value(), "what fits is sealed");
    PutBytes(content, *record);
    log->Advance();
    if (states.size() % 3 != 0) PutBytes(content, *log->Done());
    states.push_back(std::move(keys));
  }
  bool Knows(const Keys& keys) const {
    return std::ranges::find(states, keys) != states.end();
  }
};

const History& Fixed() {
  static const History history = [] {
    History made;
    made.Put({"a", ""}, "AES", "sixteen byte key");
    made.Put({"b", "u@h"}, "SECRET", "x");
    made.Remove({"a", ""});
    made.Put({"a", ""}, "AES", "another");
    made.PutAll({{"x", ""}, {"y", "o"}, {"z", ""}}, "together");
    made.Put({"OKR\x01", ""}, "T", std::string(40, 'y'));
    return made;
  }();
  return history;
}

// One way in which a disk, an editor or an attacker changes a file.
void Damage(Bytes& content, FuzzedDataProvider& input) {
  const auto place = [&] {
    return content.begin() + input.ConsumeIntegralInRange<ptrdiff_t>(
                                 0, static_cast<ptrdiff_t>(content.size()));
  };
  auto from = place(), to = place();
  if (to < from) std::swap(from, to);
  const Bytes stretch(from, to);
  switch (input.ConsumeIntegralInRange(0, 5)) {
    case 0:
      content.erase(from, to);
      break;
    case 1:
      std::fill(from, to, input.ConsumeIntegral<uint8_t>());
      break;
    case 2: {
      const auto at = place();
      content.insert(at, stretch.begin(), stretch.end());
      break;
    }
    case 3: {
      const Bytes bytes = input.ConsumeBytes<uint8_t>(
          input.ConsumeIntegralInRange<size_t>(0, 40));
      content.insert(from, bytes.begin(), bytes.end());
      break;
    }
    case 4:
      if (from != content.end()) *from ^= input.ConsumeIntegral<uint8_t>();
      break;
    default: {
      const ptrdiff_t at = from - content.begin();
      const Bytes& other = Fixed().content;
      const auto begin =
          other.begin() + std::min<ptrdiff_t>(at, std::ssize(other));
      content.insert(from, begin, other.end());
    }
  }
}

void CheckReplay(ByteView content, const History& history) {
  const auto log = NewLog();
  const Result<ReplayedLog> replayed = log->Replay(content, 0);
  if (!replayed) {
    Check(replayed.error().code() == StatusCode::kCorrupt, "it is damaged");
    return;
  }
  Check(replayed->good <= content.size(), "no more is good than is there");
  Check(history.Knows(TextsOf(replayed->keys)), "never what never was");
  if (replayed->lost_mark) return;  // Nothing is appended to such a file.
  // Cut where it says, and written on, it can be read again.
  Bytes next(content.begin(), content.begin() + replayed->good);
  PutBytes(next, *log->SealPut({{"new", "key"}, "T", Secret(1)}));
  const Result<ReplayedLog> again = NewLog()->Replay(next, 0);
  Check(again && again->good == next.size() &&
            again->keys.size() == replayed->keys.size() + 1,
        "a log goes on from where it was good");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<ReplayedLog> any = NewLog()->Replay({data, size}, 0);
  Check(!any || any->keys.empty(), "nobody can forge");
  FuzzedDataProvider input(data, size);
  Bytes changed = Fixed().content;
  const int damages = input.ConsumeIntegralInRange(1, 4);
  for (int i = 0; i < damages; ++i) Damage(changed, input);
  CheckReplay(changed, Fixed());
  History history;
  while (input.remaining_bytes() > 0 && history.states.size() < 20) {
    const KeyName name{std::string(1, input.ConsumeIntegral<char>()),
                       input.ConsumeBool() ? "owner" : ""};
    if (input.ConsumeBool()) {
      history.Put(name, input.ConsumeRandomLengthString(20),
                  input.ConsumeRandomLengthString(60));
      continue;
    }
    const std::string more = input.ConsumeRandomLengthString(4);
    history.PutAll({name, {"more" + more, ""}, {"most" + more, ""}},
                   input.ConsumeRandomLengthString(30));
  }
  const Result<ReplayedLog> replayed = NewLog()->Replay(history.content, 0);
  Check(replayed && replayed->good == history.content.size() &&
            TextsOf(replayed->keys) == history.states.back(),
        "what was written is read");
  if (!history.content.empty()) CheckReplay(history.content, history);
  return 0;
}
