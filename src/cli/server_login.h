// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SERVER_LOGIN_H_
#define OPENKEYRING_CLI_SERVER_LOGIN_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "cli/installation.h"
#include "os/file_system.h"
#include "os/process.h"

// Questions to a database server that runs, by its own client program: it knows
// every way to log in that the server knows, and no password passes through us.
namespace openkeyring {

// How to log in. No secret is here, and none is on a command line.
struct ServerLogin {
  std::string file;         // An option file of the client, with the login.
  std::string socket_user;  // Without a file: whom the socket is asked for.
  std::string client;       // The client program; "": look for it.

  bool given() const { return !file.empty() || !socket_user.empty(); }
};

// The options that name a login, and what they say.
std::vector<OptionSpec> LoginOptions();
ServerLogin LoginOf(const Arguments& arguments);

// A line of a result: fields without tabs, so statements ask for HEX().
using SqlRow = std::vector<std::string>;

// Runs SQL statements, which must read only, in one session, within ten
// seconds, and gives the rows of all of them. Every row that counts must begin
// with one of `tags`; other lines are the client's own. No tags, for statements
// that cannot make one: all lines are given. What the statements say is on a
// command line, for everybody to see.
//
// kMisconfigured: the login file can be read by others or is not there, or
// there is no client program. kDenied: the server refused the login, or a
// statement for lack of a privilege. kUnavailable and kTimeout: no server
// answered. kNotFound: the server does not have what a statement names. The
// text is the client's, which names no password.
Result<std::vector<SqlRow>> AskServer(const DatabaseServer& server,
                                      const ServerLogin& login,
                                      const std::vector<std::string>& tags,
                                      const std::string& statements,
                                      FileSystem& files,
                                      ProcessRunner& processes);

// A field that HEX() made; NULL is "". kCorrupt for another one.
Result<std::string> TextOfHex(const std::string& field);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SERVER_LOGIN_H_
