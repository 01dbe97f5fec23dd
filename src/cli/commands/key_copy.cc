// SPDX-License-Identifier: MIT
#include "cli/commands/key_copy.h"

#include <map>
#include <nlohmann/json.hpp>

#include "cli/confirmation.h"

namespace openkeyring {
namespace {

Outcome Refused(const KeyComparison& found, const KeyringStore& from,
                const KeyringStore& to) {
  return tl::unexpected(Failure(
      {StatusCode::kAlreadyExists,
       to.Description() + " has other keys than " + from.Description() +
           " under the same names: " + FirstNames(found.different) +
           "; nothing was changed"},
      ExitCode::kFailed,
      "these are two keyrings that have diverged: choose an empty one"));
}

Plan PlanOf(const KeyComparison& found, const KeyringStore& from,
            KeyringStore& to) {
  if (found.missing.empty()) return {};
  std::vector<std::string> names;
  for (const Key* key : found.missing) names.push_back(ToString(key->name));
  return {{to.ActionOfAdd(), to.Description(),
           Counted(names.size(), "key") + " of " + from.Description() + ": " +
               FirstNames(names)}};
}

Outcome Report(CommandContext& context, const char* command,
               const KeyComparison& found, const KeyringStore& from,
               const KeyringStore& to) {
  const size_t copied = found.missing.size();
  if (context.out.json()) {
    context.out.PrintJson(command, {{"dry_run", false},
                                    {"changed", copied > 0},
                                    {"from", from.Description()},
                                    {"to", to.Description()},
                                    {"copied", copied},
                                    {"already_there", found.equal},
                                    {"compared", copied + found.equal}});
    return ExitCode::kOk;
  }
  context.out.Line("copied " + Counted(copied, "key") + ", " +
                   std::to_string(found.equal) + " already there; " +
                   Counted(copied + found.equal, "key") +
                   " compared and equal");
  return ExitCode::kOk;
}

// What was written, as a start of the server would read it.
Outcome CompareAgain(const std::vector<Key>& source, const KeyringStore& from,
                     KeyringStore& to) {
  const auto written = to.ReadAll();
  if (!written) {
    Failure failure = written.error();
    failure.status = failure.status.WithContext(
        "the keys were copied to " + to.Description() +
        ", which cannot be read again to compare them");
    return tl::unexpected(std::move(failure));
  }
  const KeyComparison now = CompareKeys(source, *written);
  if (now.equal == source.size()) return ExitCode::kOk;
  return tl::unexpected(Failure(
      {StatusCode::kCorrupt,
       to.Description() +
           " does not give back what was copied: " + std::to_string(now.equal) +
           " of " + Counted(source.size(), "key") + " are equal"},
      ExitCode::kFailed,
      "do not use it; " + from.Description() + " is as it was"));
}

// A server may have started meanwhile, or run unseen.
Outcome CheckSourceStayed(const std::vector<Key>& source, KeyringStore& from,
                          const KeyringStore& to) {
  const std::string copied = "what was copied to " + to.Description() +
                             " is what " + from.Description() + " had before";
  const auto again = from.ReadAll();
  if (!again) {
    Failure failure = again.error();
    failure.status = failure.status.WithContext(
        copied + ", but whether it has changed since is not known");
    return tl::unexpected(std::move(failure));
  }
  const KeyComparison now = CompareKeys(*again, source);
  if (now.equal == again->size() && now.equal == source.size()) {
    return ExitCode::kOk;
  }
  return tl::unexpected(Failure(
      {StatusCode::kUnavailable,
       from.Description() + " was changed while it was copied; " + copied},
      ExitCode::kFailed,
      "stop the server that uses it, and copy it again into an empty keyring"));
}

}  // namespace

KeyComparison CompareKeys(const std::vector<Key>& source,
                          const std::vector<Key>& target) {
  std::map<KeyName, const Key*> by_name;
  for (const Key& key : target) by_name[key.name] = &key;
  KeyComparison found;
  for (const Key& key : source) {
    const auto same = by_name.find(key.name);
    if (same == by_name.end()) {
      found.missing.push_back(&key);
    } else if (same->second->type == key.type &&
               same->second->data.Equals(key.data)) {
      ++found.equal;
    } else {
      found.different.push_back(ToString(key.name));
    }
  }
  return found;
}

Outcome CopyKeys(CommandContext& context, const char* command,
                 KeyringStore& from, KeyringStore& to) {
  const auto source = from.ReadAll();
  if (!source) return tl::unexpected(source.error());
  if (source->empty()) {
    return UsageFailure(
        from.Description() + " has no keys to copy; nothing was changed",
        "is it the keyring that the server uses? If it is, a start makes the "
        "new one, and nothing needs to be copied");
  }
  const auto target = to.ReadAll();
  if (!target) return tl::unexpected(target.error());
  const KeyComparison found = CompareKeys(*source, *target);
  if (!found.different.empty()) return Refused(found, from, to);
  const Outcome may = to.CheckTarget(*source, *target);
  if (!may) return may;
  const Plan plan = PlanOf(found, from, to);
  if (!plan.empty() || context.arguments.Has("--dry-run")) {
    const auto ended =
        Confirm(context, command,
                "Copy " + Counted(found.missing.size(), "key") + "?", plan);
    if (ended) return *ended;
    if (context.interruption.requested()) return Interrupted();
    const Outcome added = to.Add(found.missing, [&](size_t done, size_t total) {
      context.out.Progress("copying keys", done, total);
      return !context.interruption.requested();
    });
    context.out.EndProgress();
    if (!added) return added;
  }
  const Outcome good = CompareAgain(*source, from, to);
  if (!good) return good;
  const Outcome stayed = CheckSourceStayed(*source, from, to);
  if (!stayed) return stayed;
  return Report(context, command, found, from, to);
}

}  // namespace openkeyring
