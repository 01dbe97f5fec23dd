// SPDX-License-Identifier: MIT
// What a server pays for a key that is ready, and what a KMS call costs before
// the network: run with --benchmark_format=json for machines.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aws/sigv4.h"
#include "base/byte_codec.h"
#include "base/log.h"
#include "keyring/loaded_keys.h"
#include "keyring/versioned_keys.h"
#include "os/clock.h"
#include "os/random.h"
#include "storage/mariadb_files/key_file_format.h"
#include "storage/sealed/sealed_log.h"

namespace openkeyring {
namespace {

constexpr uint32_t kKeys = 1000;

class NoLog : public Log {
 public:
  void Write(LogLevel, std::string_view) override {}
};

// A store of kKeys keys with one version each, without I/O.
class MemoryBackend : public VersionedBackend {
 public:
  Result<std::vector<KeyVersion>> List() override {
    std::vector<KeyVersion> keys;
    for (uint32_t id = 1; id <= kKeys; ++id) keys.push_back({id, 1});
    return keys;
  }
  Result<Secret> Fetch(KeyVersion, const Deadline&) override {
    return Secret(32);
  }
  Status Create(KeyVersion, size_t, const Deadline&) override {
    return {StatusCode::kReadOnly, "nothing is made here"};
  }
  std::string Describe(KeyVersion) const override { return "memory"; }
};

// All keys loaded, once for all threads and benchmarks.
struct Loaded {
  Loaded() {
    for (uint32_t id = 1; id <= kKeys; ++id) table.Add({id, 1}, Secret(32));
    (void)keys.LoadAll(Millis(1000));
  }
  MemoryBackend backend;
  NoLog log;
  LoadedKeys table;
  VersionedKeys keys{backend,
                     SystemClock(),
                     SystemRandom(),
                     log,
                     {[] { return size_t{32}; }, [] { return Millis(1000); }}};
};

Loaded& TheLoaded() {
  static Loaded loaded;
  return loaded;
}

// Ids in an order that no cache line likes.
uint32_t NextId(uint32_t& state) { return (state = (state + 377) % kKeys) + 1; }

void BM_LoadedKeysFind(benchmark::State& state) {
  const LoadedKeys& table = TheLoaded().table;
  uint32_t at = static_cast<uint32_t>(state.thread_index());
  for (auto _ : state) {
    benchmark::DoNotOptimize(table.Find({NextId(at), 1}));
  }
}
BENCHMARK(BM_LoadedKeysFind)->Threads(1)->Threads(2);

void BM_VersionedKeysGet(benchmark::State& state) {
  VersionedKeys& keys = TheLoaded().keys;
  uint32_t at = static_cast<uint32_t>(state.thread_index());
  for (auto _ : state) {
    const Result<const Secret*> key = keys.Get({NextId(at), 1});
    if (!key) state.SkipWithError("the key is not there");
    benchmark::DoNotOptimize(key);
  }
}
BENCHMARK(BM_VersionedKeysGet)->Threads(1)->Threads(2);

void BM_VersionedKeysLatestVersion(benchmark::State& state) {
  VersionedKeys& keys = TheLoaded().keys;
  uint32_t at = static_cast<uint32_t>(state.thread_index());
  for (auto _ : state) {
    const Result<uint32_t> version = keys.LatestVersion(NextId(at));
    if (!version) state.SkipWithError("the key is not there");
    benchmark::DoNotOptimize(version);
  }
}
BENCHMARK(BM_VersionedKeysLatestVersion)->Threads(1)->Threads(2);

void BM_SignKmsRequest(benchmark::State& state) {
  const Credentials credentials{
      "AKIDEXAMPLE", Secret::CopyOf(std::string_view("not-a-real-secret")),
      Secret(), std::nullopt};
  const Secret body = Secret(400);
  for (auto _ : state) {
    HttpRequest request;
    request.method = "POST";
    request.url = "https://kms.eu-west-1.amazonaws.com/";
    request.headers = {{"Content-Type", "application/x-amz-json-1.1"},
                       {"X-Amz-Target", "TrentService.Decrypt"}};
    request.body = body.Clone();
    const Status status =
        SignRequest(request, credentials, {"eu-west-1", "kms"}, WallTime());
    if (!status.ok()) state.SkipWithError("signing failed");
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(BM_SignKmsRequest);

void BM_ReadKeyFile(benchmark::State& state) {
  const Bytes content = *WriteBoundKeyFile(
      {Bytes(184, 7), "arn:aws:kms:eu-west-1:111122223333:key/example"},
      {{"openkeyring:key-id", "1"}, {"openkeyring:key-version", "1"}});
  for (auto _ : state) {
    const Result<KeyFile> file = ReadKeyFile(content);
    if (!file) state.SkipWithError("the file is not read");
    benchmark::DoNotOptimize(file);
  }
}
BENCHMARK(BM_ReadKeyFile);

// What a load of a sealed keyring costs beyond its KMS call; an item is a key.
void BM_ReplaySealedLog(benchmark::State& state) {
  const Secret data_key = Secret(32);
  const FileId file_id{};
  const auto writer = *SealedLog::Make(data_key, file_id, 1, SystemRandom());
  Bytes records;
  for (int64_t number = 0; number < state.range(0); ++number) {
    const Bytes record = *writer->SealPut(
        {{"key " + std::to_string(number), "owner"}, "AES", Secret(32)});
    writer->Advance();
    PutBytes(records, record);
    PutBytes(records, *writer->Done());
  }
  for (auto _ : state) {
    const auto reader = *SealedLog::Make(data_key, file_id, 1, SystemRandom());
    const Result<ReplayedLog> log = reader->Replay(records, 0);
    if (!log || log->good != records.size()) state.SkipWithError("damaged");
    benchmark::DoNotOptimize(log);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ReplaySealedLog)->Arg(1)->Arg(1000)->Arg(10000)->UseRealTime();

}  // namespace
}  // namespace openkeyring
