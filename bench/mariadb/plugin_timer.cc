// SPDX-License-Identifier: MIT
// Times aws_key_management.so through the server's own entry points:
//
//   plugin_timer PLUGIN [NAME=VALUE...] STEP...
//
// NAME=VALUE sets a system variable. The steps are done in order; each prints
// one line of JSON. Keys lie in the current directory unless keyfile_dir is
// set.
//
//   init        the plugin starts
//   make N      ids 1 to N get their first version, 16 at a time
//   use N       asks for the latest version and the bytes of ids 1 to N
//   rotate N    rotates all ids, of which there must be N
//   get_key S   calls get_key for S seconds, by one thread and by two
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "loaded_plugin.h"

namespace bench {
namespace {

double MillisSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - begin)
      .count();
}

template <typename Work>
void Timed(const std::string& step, Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  std::cout << "{\"step\": \"" << step << "\", \"ms\": " << MillisSince(begin)
            << "}" << std::endl;
}

void Make(const LoadedPlugin& plugin, unsigned count) {
  std::atomic<unsigned> next{1};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (unsigned id = next++; id <= count; id = next++) {
        plugin.LatestVersion(id);
      }
    });
  }
}

void Read(const LoadedPlugin& plugin, unsigned id, unsigned version) {
  std::array<unsigned char, 32> key;
  unsigned length = key.size();
  if (plugin.get_key()(id, version, key.data(), &length) != 0 || length < 16) {
    Die("key " + std::to_string(id) + " is not available");
  }
}

void Use(const LoadedPlugin& plugin, unsigned count) {
  for (unsigned id = 1; id <= count; ++id) {
    Read(plugin, id, plugin.LatestVersion(id));
  }
}

void RotateAll(LoadedPlugin& plugin, unsigned count) {
  std::vector<unsigned> before(count + 1);
  for (unsigned id = 1; id <= count; ++id) {
    before[id] = plugin.LatestVersion(id);
  }
  Timed("rotate", [&] { plugin.Rotate(-1); });
  for (unsigned id = 1; id <= count; ++id) {
    if (plugin.LatestVersion(id) != before[id] + 1) {
      Die("key " + std::to_string(id) + " was not rotated");
    }
    Read(plugin, id, before[id] + 1);
  }
}

// ---- get_key ---------------------------------------------------------------

constexpr int kCallsInBatch = 50000;

// Of this thread only, so that it counts waiting for other threads' cache lines
// but not for a processor that other programs have.
double ThreadNanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 +
         static_cast<double>(now.tv_nsec);
}

// Nanoseconds a call, of one batch. `ids` is a power of two.
double Batch(const LoadedPlugin& plugin, unsigned ids) {
  const LoadedPlugin::GetKey get_key = plugin.get_key();
  std::array<unsigned char, 32> key;
  unsigned failed = 0;
  const double begin = ThreadNanos();
  for (unsigned i = 0; i < kCallsInBatch; ++i) {
    unsigned length = key.size();
    failed |= get_key(1 + (i & (ids - 1)), 1, key.data(), &length);
  }
  const double nanos = ThreadNanos() - begin;
  if (failed != 0) Die("get_key failed");
  return nanos / kCallsInBatch;
}

using Samples = std::vector<double>;

// Batches of this many threads at once, all of them running all the time.
void Sample(const LoadedPlugin& plugin, unsigned ids, int threads,
            Samples& samples) {
  constexpr int kBatches = 20;
  std::vector<Samples> found(threads);
  std::atomic<int> ready{0};
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        Batch(plugin, ids);  // Warms up.
        ++ready;
        while (ready < threads) std::this_thread::yield();
        for (int b = 0; b < kBatches; ++b) {
          found[i].push_back(Batch(plugin, ids));
        }
      });
    }
  }
  for (const Samples& some : found) {
    samples.insert(samples.end(), some.begin(), some.end());
  }
}

double Quantile(Samples& samples, double fraction) {
  std::ranges::sort(samples);
  return samples[static_cast<size_t>(fraction *
                                     static_cast<double>(samples.size() - 1))];
}

// By turns, so that a machine that gets slower does so for all.
void GetKey(const LoadedPlugin& plugin, double seconds) {
  constexpr unsigned kOne = 1, kMany = 64;
  Samples one, two, many;
  const auto begin = std::chrono::steady_clock::now();
  while (MillisSince(begin) < seconds * 1000) {
    Sample(plugin, kOne, 1, one);
    Sample(plugin, kOne, 2, two);
    Sample(plugin, kMany, 1, many);
  }
  std::cout << "{\"step\": \"get_key\", \"one_thread_ns\": "
            << Quantile(one, 0.5)
            << ", \"one_thread_p95_ns\": " << Quantile(one, 0.95)
            << ", \"two_threads_ns\": " << Quantile(two, 0.5)
            << ", \"two_threads_p95_ns\": " << Quantile(two, 0.95)
            << ", \"64_ids_ns\": " << Quantile(many, 0.5)
            << ", \"calls\": " << one.size() * kCallsInBatch << "}"
            << std::endl;
}

// ---- The command line ------------------------------------------------------

void RunStep(LoadedPlugin& plugin, const std::string& step,
             const std::string& argument) {
  const unsigned count = static_cast<unsigned>(atoi(argument.c_str()));
  if (step == "make") {
    Timed(step, [&] { Make(plugin, count); });
  } else if (step == "use") {
    Timed(step, [&] { Use(plugin, count); });
  } else if (step == "rotate") {
    RotateAll(plugin, count);
  } else if (step == "get_key") {
    GetKey(plugin, atof(argument.c_str()));
  } else {
    Die("unknown step: " + step);
  }
}

int Main(const std::vector<std::string>& words) {
  if (words.empty()) Die("usage: plugin_timer PLUGIN [NAME=VALUE...] STEP...");
  LoadedPlugin plugin(words[0]);
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (const size_t equals = word.find('='); equals != std::string::npos) {
      plugin.SetVariable(word.substr(0, equals), word.substr(equals + 1));
    } else if (word == "init") {
      Timed(word, [&] { plugin.Init(); });
    } else {
      if (i + 1 == words.size()) Die(word + " needs a number");
      RunStep(plugin, word, words[++i]);
    }
  }
  return 0;
}

}  // namespace
}  // namespace bench

int main(int count, char** words) {
  return bench::Main({words + 1, words + count});
}
