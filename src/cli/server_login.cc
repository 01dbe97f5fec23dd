// SPDX-License-Identifier: MIT
#include "cli/server_login.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "cli/trusted_program.h"

namespace openkeyring {
namespace {

constexpr Millis kAskTimeout{10000};
constexpr size_t kMostAnswer = size_t{64} << 20, kMostReason = 400;
constexpr mode_t kNotPrivate = 0077;
// Keeps what the client says about errors, and how it ended.
constexpr char kRun[] = "\"$@\" 2>&1; echo \"exit $?\"";

Status CheckLoginFile(FileSystem& files, const std::string& path) {
  const Result<FileInfo> info = files.Stat(path);
  if (!info) {
    return {StatusCode::kMisconfigured,
            "login file " + path + ": " + info.error().message()};
  }
  if (!info->is_regular) {
    return {StatusCode::kMisconfigured,
            "login file " + path + " is not a regular file"};
  }
  if ((info->permissions & kNotPrivate) != 0) {
    return {StatusCode::kMisconfigured,
            "login file " + path +
                " can be read or changed by its group or by others: chmod "
                "0600 " +
                path};
  }
  const uid_t owner = info->owner.user;
  if (owner == 0 || owner == EffectiveUser()) return Status::Ok();
  return {StatusCode::kMisconfigured,
          "login file " + path + " belongs to user " + std::to_string(owner) +
              ", who could change where it leads to: it must belong to root or "
              "to the user of keyringctl"};
}

std::vector<std::string> ClientDirectories(const DatabaseServer& server) {
  std::vector<std::string> directories;
  if (server.program.starts_with('/')) {
    const std::string own = DirectoryName(server.program);
    directories = {own, JoinPath(DirectoryName(own), "bin")};
  }
  for (const char* usual :
       {"/usr/bin", "/usr/local/bin", "/usr/local/mysql/bin"}) {
    directories.emplace_back(usual);
  }
  return directories;
}

Result<std::string> FindClient(const DatabaseServer& server,
                               FileSystem& files) {
  std::string reasons;
  for (const std::string& directory : ClientDirectories(server)) {
    for (const char* name : {"mariadb", "mysql"}) {
      if (!server.is_mariadb && std::string_view(name) == "mariadb") continue;
      const std::string path = JoinPath(directory, name);
      if (!files.Stat(path)) continue;
      Result<std::string> trusted = TrustedFile(files, path);
      // By the name that it was found by: both clients look at theirs.
      if (trusted) return path;
      reasons += "; " + path + " is not run: " + trusted.error().message();
    }
  }
  return Status(StatusCode::kMisconfigured,
                "no client program of the server was found" + reasons +
                    ": name one with --client");
}

// Of a running server: no other one is meant.
std::string SocketOf(const DatabaseServer& server) {
  const auto found = server.variables.find("socket");
  if (server.pid == 0 || found == server.variables.end()) return "";
  return found->second.starts_with('/')
             ? found->second
             : JoinPath(server.DataDirectory(), found->second);
}

Result<std::vector<std::string>> CommandFor(const DatabaseServer& server,
                                            const ServerLogin& login,
                                            const std::string& statements,
                                            FileSystem& files) {
  const Result<std::string> client = login.client.empty()
                                         ? FindClient(server, files)
                                         : Result<std::string>(login.client);
  if (!client) return client.error();
  std::vector<std::string> words = {"/bin/sh", "-c", kRun, "sh", *client};
  if (!login.file.empty()) {
    const Status status = CheckLoginFile(files, login.file);
    if (!status.ok()) return status;
    words.push_back("--defaults-file=" + login.file);
  } else {
    words.insert(words.end(), {"--no-defaults", "--protocol=SOCKET",
                               "--user=" + login.socket_user});
  }
  const std::string socket = SocketOf(server);
  if (!socket.empty()) words.push_back("--socket=" + socket);
  words.insert(words.end(), {"--batch", "--skip-column-names",
                             "--connect-timeout=5", "--execute=" + statements});
  return words;
}

// "ERROR 1045 (28000): ..." -> 1045; 0 for another line.
int ErrorNumber(std::string_view line) {
  constexpr std::string_view kError = "ERROR ";
  if (!line.starts_with(kError)) return 0;
  line.remove_prefix(kError.size());
  int number = 0;
  (void)std::from_chars(line.data(), line.data() + line.size(), number);
  return number;
}

StatusCode CodeOfError(int number) {
  switch (number) {
    case 1044:  // Of a database, of a user, of a table, of a column,
    case 1045:
    case 1142:
    case 1143:
    case 1227:  // a privilege, a host, a password that has expired,
    case 1130:
    case 1820:
    case 1698:  // a socket login without a password.
      return StatusCode::kDenied;
    case 1146:  // A table, a function, a variable.
    case 1305:
    case 1193:
    case 1109:
      return StatusCode::kNotFound;
    default:
      return StatusCode::kUnavailable;
  }
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    lines.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), lines.back().size() + 1));
  }
  return lines;
}

SqlRow Fields(std::string_view line) {
  SqlRow row;
  for (;;) {
    const size_t tab = line.find('\t');
    row.emplace_back(line.substr(0, tab));
    if (tab == line.npos) return row;
    line.remove_prefix(tab + 1);
  }
}

Status ReasonOf(const std::vector<std::string_view>& lines,
                std::string_view ending) {
  std::string last;
  for (const std::string_view line : lines) {
    const int number = ErrorNumber(line);
    if (number == 0) {
      last = line.substr(0, kMostReason);
      continue;
    }
    return {CodeOfError(number), std::string(line.substr(0, kMostReason))};
  }
  return {StatusCode::kUnavailable, "the client ended with " +
                                        std::string(ending) +
                                        (last.empty() ? "" : ": " + last)};
}

}  // namespace

std::vector<OptionSpec> LoginOptions() {
  return {{"--login-file",
           "FILE",
           "Compare with the running server: an option file of its client "
           "(user, password), mode 0600",
           {},
           OptionSpec::Completes::kFile},
          {"--login-socket", "USER",
           "Compare with the running server: log in through its socket as "
           "USER, without a password"},
          {"--client",
           "PROGRAM",
           "The mysql or mariadb program to log in with, instead of the one "
           "beside the server",
           {},
           OptionSpec::Completes::kFile}};
}

ServerLogin LoginOf(const Arguments& arguments) {
  return {arguments.Text("--login-file"), arguments.Text("--login-socket"),
          arguments.Text("--client")};
}

Result<std::vector<SqlRow>> AskServer(const DatabaseServer& server,
                                      const ServerLogin& login,
                                      const std::vector<std::string>& tags,
                                      const std::string& statements,
                                      FileSystem& files,
                                      ProcessRunner& processes) {
  const auto words = CommandFor(server, login, statements, files);
  if (!words) return words.error();
  const Result<Secret> answer =
      processes.RunProgram(*words, kAskTimeout, kMostAnswer);
  if (!answer) return answer.error().WithContext("the server's client program");
  std::vector<std::string_view> lines = Lines(answer->RevealText());
  const std::string_view ending =
      lines.empty() ? std::string_view() : lines.back();
  if (!lines.empty()) lines.pop_back();
  if (ending != "exit 0") return ReasonOf(lines, ending);
  std::vector<SqlRow> rows;
  for (const std::string_view line : lines) {
    SqlRow row = Fields(line);
    if (tags.empty() || std::ranges::find(tags, row.front()) != tags.end()) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Result<std::string> TextOfHex(const std::string& field) {
  if (field == "NULL") return std::string();
  const Result<Bytes> bytes = HexDecode(field);
  if (!bytes) {
    return Status(StatusCode::kCorrupt,
                  "the server's client gave an answer that cannot be read");
  }
  return std::string(AsText(*bytes));
}

}  // namespace openkeyring
