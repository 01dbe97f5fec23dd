// SPDX-License-Identifier: MIT
#include "testing/mysql_component/fake_server.h"

#include <stdarg.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace openkeyring {
namespace {

using Function = void (*)();
constexpr size_t kOldSlots = 38, kNewSlots = 39;
constexpr int kMessageByCode = 29;  // In the old layout.

struct Item {
  long long number = 0;
  std::string text;
};
using OpenLine = std::map<int, Item>;

struct State {
  mutable std::mutex mutex;
  std::map<std::string, Handle> offered;
  std::map<Handle, int> held;
  std::map<OpenLine*, std::unique_ptr<OpenLine>> open;
  std::vector<FakeServer::Line> lines;
  std::vector<int> wrong_slots;
  std::array<Function, kNewSlots> builtins{}, tool{};
  int strangers = 0;
  bool simple_fails = false, no_lines = false;
  std::vector<StatusVariable*> variables;  // Registered arrays.
  bool registration_fails = false, locked = false;
  int uses_while_locked = 0;
};
std::unique_ptr<State> state;

Code Acquire(const char* name, Handle* handle) {
  std::lock_guard lock(state->mutex);
  *handle = reinterpret_cast<Handle>(1);  // What it is on failure is not said.
  const auto found = state->offered.find(name);
  if (found == state->offered.end()) return kFailure;
  *handle = found->second;
  ++state->held[*handle];
  return kSuccess;
}

Code AcquireRelated(const char*, Handle, Handle*) { return kFailure; }

Code Release(Handle handle) {
  std::lock_guard lock(state->mutex);
  if (state->held[handle] == 0) {
    ++state->strangers;
    return kFailure;
  }
  --state->held[handle];
  return kSuccess;
}

// The registry's own functions wait for a lock that a deinit holds.
Code AcquireUnlocked(const char* name, Handle* handle) {
  state->uses_while_locked += state->locked ? 1 : 0;
  return Acquire(name, handle);
}
Code ReleaseUnlocked(Handle handle) {
  state->uses_while_locked += state->locked ? 1 : 0;
  return Release(handle);
}

Registry registry_service = {AcquireUnlocked, AcquireRelated, ReleaseUnlocked};
Registry locked_registry_service = {Acquire, AcquireRelated, Release};

Code RegisterVariables(StatusVariable* variables) {
  if (state->registration_fails) return kFailure;
  state->variables.push_back(variables);
  return kSuccess;
}
Code UnregisterVariables(StatusVariable* variables) {
  return std::erase(state->variables, variables) == 1 ? kSuccess : kFailure;
}
StatusRegistration registration = {RegisterVariables, UnregisterVariables};

using Shown = std::vector<std::pair<std::string, std::string>>;
void Show(const std::string& prefix, const StatusVariable* variable,
          Shown& shown) {
  for (; variable->name != nullptr; ++variable) {
    const std::string name = prefix + variable->name;
    if (variable->type == kShowArray) {
      Show(name + "_", reinterpret_cast<StatusVariable*>(variable->value),
           shown);
      continue;
    }
    char buffer[kShowBuffer];
    StatusVariable result{};
    (void)reinterpret_cast<ShowFunction>(variable->value)(nullptr, &result,
                                                          buffer);
    if (result.type == kShowText) shown.emplace_back(name, result.value);
  }
}

Code Emit(const char* component, const char*, unsigned long, int severity,
          int error_id, ...) {
  va_list arguments;
  va_start(arguments, error_id);
  const std::string text = va_arg(arguments, const char*);
  va_end(arguments);
  std::lock_guard lock(state->mutex);
  if (state->simple_fails) return kFailure;
  state->lines.push_back({"simple", component, severity, error_id, text});
  return kSuccess;
}

SimpleErrorLog simple_log = {Emit};

template <size_t kSlot>
void WrongSlot() {
  std::lock_guard lock(state->mutex);
  state->wrong_slots.push_back(static_cast<int>(kSlot));
}

template <size_t... kSlot>
std::array<Function, sizeof...(kSlot)> WrongSlots(
    std::index_sequence<kSlot...>) {
  return {WrongSlot<kSlot>...};
}

bool SetInt(Handle item, long long value) {
  static_cast<Item*>(item)->number = value;
  return false;
}
bool SetText(Handle item, const char* text) {
  static_cast<Item*>(item)->text = text;
  return false;
}
Handle LineItem(Handle line, int type) {
  return &(*static_cast<OpenLine*>(line))[type];
}
Handle LineInit() {
  std::lock_guard lock(state->mutex);
  if (state->no_lines) return nullptr;
  auto line = std::make_unique<OpenLine>();
  OpenLine* const raw = line.get();
  state->open[raw] = std::move(line);
  return raw;
}
void LineExit(Handle line) {
  std::lock_guard lock(state->mutex);
  state->open.erase(static_cast<OpenLine*>(line));
}
int LineSubmit(Handle handle) {
  std::lock_guard lock(state->mutex);
  OpenLine& line = *static_cast<OpenLine*>(handle);
  const auto error = line.find(kErrorCodeItem);
  state->lines.push_back({"builtins", line[kSubsystemItem].text,
                          static_cast<int>(line[kPriorityItem].number),
                          error == line.end()
                              ? kPlainText
                              : static_cast<int>(error->second.number),
                          line[kMessageItem].text});
  return static_cast<int>(line.size());
}
long long CodeBySymbol(const char* symbol) {
  return std::string_view(symbol) == "ER_KEYRING_COMPONENT_NOT_INITIALIZED"
             ? kNotInitialized
             : -1;
}
long long NoCode(const char*) { return -1; }
// Takes any number, and knows none.
const char* MessageByCode(int) { return "Unknown error"; }

template <typename AnyFunction>
Function Slot(AnyFunction* function) {
  return reinterpret_cast<Function>(function);
}

void Fill(std::array<Function, kNewSlots>& slots, LogLayout layout) {
  const int moved = layout == LogLayout::kOld ? 0 : 1;
  slots[kItemSetInt] = Slot(SetInt);
  slots[kItemSetText] = Slot(SetText);
  slots[kLineItemSet + moved] = Slot(LineItem);
  slots[kLineInit + moved] = Slot(LineInit);
  slots[kLineExit + moved] = Slot(LineExit);
  slots[kLineSubmit + moved] = Slot(LineSubmit);
  slots[kMessageByCode + moved] = Slot(MessageByCode);
  slots[kCodeBySymbol + moved] =
      layout == LogLayout::kUnknown ? Slot(NoCode) : Slot(CodeBySymbol);
}

}  // namespace

FakeServer::FakeServer() { state = std::make_unique<State>(); }
FakeServer::~FakeServer() { state.reset(); }
Registry* FakeServer::registry() { return &registry_service; }

void FakeServer::OfferSimpleLog(bool fails) {
  state->offered["mysql_simple_error_log"] = &simple_log;
  state->simple_fails = fails;
}

void FakeServer::OfferBuiltins(LogLayout layout) {
  state->builtins = WrongSlots(std::make_index_sequence<kNewSlots>());
  Fill(state->builtins, layout);
  // What lies behind the end of the old layout is not a function.
  if (layout == LogLayout::kOld) state->builtins[kOldSlots] = nullptr;
  state->offered["log_builtins"] = state->builtins.data();
}

void FakeServer::OfferToolBuiltins() {
  state->tool.fill(nullptr);
  Fill(state->tool, LogLayout::kNew);
  state->tool[kMessageByCode + 1] = state->tool[kCodeBySymbol + 1] = nullptr;
  state->offered["log_builtins.mysql_migrate_keyring"] = state->tool.data();
  state->offered["log_builtins"] = state->tool.data();
}

void FakeServer::OfferStatusVariables(bool fails) {
  state->offered["status_variable_registration"] = &registration;
  state->registration_fails = fails;
}

void FakeServer::OfferLockedRegistry() {
  state->offered["registry.mysql_minimal_chassis_no_lock"] =
      &locked_registry_service;
}

Shown FakeServer::StatusVariables() const {
  Shown shown;
  for (const StatusVariable* one : state->variables) Show("", one, shown);
  return shown;
}

void FakeServer::LockRegistry() { state->locked = true; }
void FakeServer::UnlockRegistry() { state->locked = false; }
int FakeServer::uses_of_locked_registry() const {
  return state->uses_while_locked;
}

void FakeServer::RunOutOfLines() { state->no_lines = true; }

std::vector<FakeServer::Line> FakeServer::lines() const {
  std::lock_guard lock(state->mutex);
  return state->lines;
}

std::string FakeServer::Text() const {
  std::string text;
  for (const Line& line : lines()) text += line.text + "\n";
  return text;
}

int FakeServer::handles_held() const {
  std::lock_guard lock(state->mutex);
  int held = 0;
  for (const auto& [handle, count] : state->held) held += count;
  return held;
}

int FakeServer::lines_held() const {
  return static_cast<int>(state->open.size());
}

int FakeServer::released_strangers() const { return state->strangers; }

std::vector<int> FakeServer::wrong_slots() const { return state->wrong_slots; }

}  // namespace openkeyring
