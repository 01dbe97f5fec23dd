// SPDX-License-Identifier: MIT
// kmip_timer HOST:PORT CA CERTIFICATE KEY STEP...: times steps on a KMIP server
// and prints a JSON line for each.
//
//   fill=N      N keys like MySQL's own, by the backend, one after the other
//   store=N     N keys like those of SQL users
//   load        all keys by the backend
//   kept        the same on one kept connection, with one message a key that
//               holds Get and Get Attributes: the way of Percona's newest
//   each        the same with a new connection for every operation: the way of
//               Percona's before
//   remove=N    N of those
#include <stdio.h>
#include <stdlib.h>

#include <list>
#include <string>

#include "kmip/locate_all.h"
#include "kmip/operations/get.h"
#include "kmip/operations/get_attributes.h"
#include "kmip/operations/locate.h"
#include "product/kmip_service.h"
#include "storage/kmip/kmip_keyring_backend.h"

namespace openkeyring {
namespace {

const std::string kUuid = "ca43a29e-e8a9-11f1-b637-02fc00000001";
const std::string kUser = "key of a user ";
constexpr int kPage = 16;  // Of a Locate, in Percona's older versions.

class Stderr : public Log {
  void Write(LogLevel level, std::string_view line) override {
    if (level > LogLevel::kWarning) return;
    fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
  }
};

[[noreturn]] void Fail(const Status& status) {
  fprintf(stderr, "%s\n", status.ToString().c_str());
  exit(1);
}

Deadline Soon() { return Deadline::After(SystemClock(), Millis(600000)); }

class Timer {
 public:
  explicit Timer(char** argv)
      : server_(*ParseEndpoint(argv[1], kKmipPort)),
        ca_(argv[2]),
        certificate_(argv[3]),
        key_(argv[4]) {}

  void Run(const std::string& step) {
    const std::string name = step.substr(0, step.find('='));
    const int count =
        name == step ? 0 : atoi(step.substr(name.size() + 1).c_str());
    connections_ = 0;
    const SteadyTime start = SystemClock().Steady();
    size_t keys = 0;
    if (name == "fill") keys = Store(count, "INNODBKey-" + kUuid + "-");
    if (name == "store") keys = Store(count, kUser);
    if (name == "load") keys = Load();
    if (name == "kept") keys = LoadKept();
    if (name == "each") keys = LoadEach();
    if (name == "remove") keys = Remove(count);
    const std::chrono::duration<double, std::milli> took =
        SystemClock().Steady() - start;
    printf(R"({"step":"%s","keys":%zu,"ms":%.3f,"connections":%d})"
           "\n",
           name.c_str(), keys, took.count(), connections_);
    fflush(stdout);
  }

 private:
  std::unique_ptr<KmipService> Connect() {
    KmipServiceOptions options;
    options.servers = {server_};
    options.tls.ca_file = ca_;
    options.tls.certificate_file = certificate_;
    options.tls.key_file = key_;
    options.version = KmipVersion{1, 4};
    options.request_timeout = Millis(60000);
    auto stack = KmipService::Make(std::move(options), log_);
    if (!stack) Fail(stack.error());
    return std::move(*stack);
  }
  KmipKeyringBackend KeyringBackend(KmipService& stack) {
    KmipGroup& group =
        groups_.emplace_back(stack.client(), PosixFileSystem(), SystemRandom(),
                             log_, KmipGroupOptions());
    return KmipKeyringBackend(stack.client(), group, SystemClock(),
                              SystemRandom(), log_, {});
  }

  size_t Store(int count, const std::string& prefix) {
    const auto stack = Connect();
    KmipKeyringBackend backend = KeyringBackend(*stack);
    for (int i = 0; i < count; ++i) {
      Secret value(32);
      if (Status s = SystemRandom().Fill(value.RevealMutable()); !s.ok()) {
        Fail(s);
      }
      const Key key = {
          {prefix + std::to_string(i), ""}, "AES", std::move(value)};
      if (Status s = backend.Store(key, Soon()); !s.ok()) Fail(s);
    }
    connections_ = stack->client().status().connections;
    return count;
  }
  size_t Load() {
    const auto stack = Connect();
    auto keys = KeyringBackend(*stack).Load(Soon());
    if (!keys) Fail(keys.error());
    connections_ = stack->client().status().connections;
    return keys->size();
  }
  size_t Remove(int count) {
    const auto stack = Connect();
    KmipKeyringBackend backend = KeyringBackend(*stack);
    if (auto keys = backend.Load(Soon()); !keys) Fail(keys.error());
    const SteadyTime start = SystemClock().Steady();
    for (int i = 0; i < count; ++i) {
      if (Status s = backend.Remove({kUser + std::to_string(i), ""}, Soon());
          !s.ok())
        Fail(s);
    }
    const std::chrono::duration<double, std::milli> took =
        SystemClock().Steady() - start;
    printf(R"({"step":"removals","keys":%d,"ms":%.3f})"
           "\n",
           count, took.count());
    connections_ = stack->client().status().connections;
    return count;
  }

  // What the loops below have in common: the value and the attributes of one.
  static void Check(const std::vector<KmipReply>& replies) {
    for (const KmipReply& reply : replies) {
      if (!reply.status.ok()) Fail(reply.status);
    }
    if (auto got = ReadGet(replies[0].payload); !got) Fail(got.error());
    if (replies.size() == 1) return;
    auto attributes = ReadGetAttributes(replies[1].payload);
    if (!attributes) Fail(attributes.error());
  }

  size_t LoadKept() {
    const auto stack = Connect();
    KmipAttributes keys;
    keys.object_type = KmipObjectType::kSymmetricKey;
    const auto ids = LocateAll(stack->client(), keys, 100000, Soon());
    if (!ids) Fail(ids.error());
    for (const std::string& id : *ids) {
      const KmipCall calls[] = {MakeGet(id), MakeGetAttributes(id, {})};
      Check(stack->client().Call(calls, Soon()));
    }
    connections_ = stack->client().status().connections;
    return ids->size();
  }

  std::vector<KmipReply> CallAlone(const KmipCall& call) {
    const auto stack = Connect();
    auto replies = stack->client().Call({&call, 1}, Soon());
    connections_ += stack->client().status().connections;
    return replies;
  }
  size_t LoadEach() {
    std::vector<std::string> ids;
    for (bool more = true; more;) {
      KmipLocateRequest request;
      request.attributes.object_type = KmipObjectType::kSymmetricKey;
      request.maximum_items = kPage;
      request.offset_items = static_cast<int>(ids.size());
      const auto replies = CallAlone(MakeLocate(request));
      if (!replies[0].status.ok()) Fail(replies[0].status);
      const auto page = ReadLocate(replies[0].payload);
      if (!page) Fail(page.error());
      ids.insert(ids.end(), page->ids.begin(), page->ids.end());
      more = page->ids.size() == kPage;
    }
    for (const std::string& id : ids) {
      Check(CallAlone(MakeGet(id)));
      const auto replies = CallAlone(MakeGetAttributes(id, {}));
      if (!replies[0].status.ok()) Fail(replies[0].status);
    }
    return ids.size();
  }

  const Endpoint server_;
  const std::string ca_, certificate_, key_;
  Stderr log_;
  std::list<KmipGroup> groups_;
  int connections_ = 0;
};

}  // namespace
}  // namespace openkeyring

int main(int argc, char** argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: kmip_timer HOST:PORT CA CERTIFICATE KEY STEP...\n");
    return 2;
  }
  openkeyring::Timer timer(argv);
  for (int i = 5; i < argc; ++i) timer.Run(argv[i]);
  return 0;
}
