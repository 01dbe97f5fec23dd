// SPDX-License-Identifier: MIT
// Key slots of a sealed file are added and removed while a server stores keys, with crashes.
//
// process Server     stores keys: SealedFile::Append (src/storage/sealed/sealed_file.cc), in one step here,
//                    since tests/models/sealed_file.pml has its steps
// process Tool       keyringctl slot add and remove: KmsKeyring::OpenRewrapped, SealedFileSlots::Update and
//                    Remove (src/storage/sealed/sealed_file_slots.cc), SealedFile::ReplaceHeader; it opens
//                    the file, and with that takes the lock (KeyringFile::Acquire), or ends
// process Accidents  kill -9, a power cut, and persons who destroy KMS keys: that of slot A once the tool
//                    has said that slot B opens the file, or that slot A is removed; that of B before
//
// A file has two slots, A and B (absent, good, or bad: not opened by its KMS key), and counts the keys that
// are stored in it. A change of slots copies both to another file, which takes the name.
//
// Nothing lost: some slot of the file that the path leads to can be opened with a KMS key that is there,
// and the file has every key that was promised.
//
// broken: NO_COMPARE    a new slot is not opened before it is written (SlotKey::Seal)
// broken: NO_OPENED     SealedFileSlots::CheckRemovable does not ask for another slot that was opened
// broken: NO_LOCK       the tool changes the file while a server has it
// broken: NO_OPEN_SYNC  KeyringFile::SyncAll: who opens the file does not sync the directory
// broken: NO_FILE_SYNC  ReplaceDurably renames a file that is not synced
// broken: NO_DIR_SYNC   ReplaceDurably does not sync the directory before success is told
// broken: IN_PLACE      the header is written over the old one

#define FILES 3

mtype = { ABSENT, GOOD, BAD };
mtype = { FREE, SERVER, TOOL };

typedef File {
  mtype a = ABSENT;
  mtype b = ABSENT;
  byte keys;
  bool synced;
};
File file[FILES];
byte path, path_disk;
mtype holder = FREE;    // Who has the lock.
byte promised;          // How many keys were stored.
bool key_a = true, key_b = true;  // Whether the KMS keys of the slots are there.
bool may_destroy_a;
bool killed_server, killed_tool;

#define opens(f) ((file[f].a == GOOD && key_a) || (file[f].b == GOOD && key_b))

inline check_nothing_lost() {
  assert(opens(path));
  assert(file[path].keys >= promised)
}

// KeyringFile::Acquire: waits here, where the programs give up.
inline acquire(me) {
  atomic {
#ifdef NO_LOCK
    true ->
#else
    holder == FREE ->
#endif
    check_nothing_lost();
    mine = path; holder = me
  };
#ifndef NO_OPEN_SYNC
  path_disk = path;
#endif
  skip
}

#define release(me) holder = (holder == me -> FREE : holder)

proctype Server() {
  byte mine;
restart:
  {
    acquire(SERVER);
    do
    :: atomic { promised < 2 && path == mine -> file[mine].keys++; promised++ }
    :: atomic { release(SERVER) }; break  // Shutdown.
    od
  } unless { killed_server };
  if
  :: atomic { killed_server -> killed_server = false; release(SERVER) }; goto restart
  :: timeout
  fi
}

// SealedFile::ReplaceHeader with ReplaceDurably. The keys were read when the file was opened.
inline replace_header(new_a, new_b) {
#ifdef IN_PLACE
  file[mine].a = ABSENT; file[mine].b = ABSENT;
  file[mine].a = new_a; file[mine].b = new_b;
#else
  d_step {
    other = 0;
    do :: other == path || other == path_disk -> other++ :: else -> break od;
    file[other].a = new_a; file[other].b = new_b; file[other].keys = keys; file[other].synced = false
  };
#ifndef NO_FILE_SYNC
  file[other].synced = true;
#endif
  atomic { path = other; mine = other };
#ifndef NO_DIR_SYNC
  path_disk = path;
#endif
#endif
  skip
}

proctype Tool() {
  byte mine, other, keys, runs;
  bool b_opened;
restart:
  {
    do
    :: runs < 2 ->
      runs++;
      acquire(TOOL);
      keys = file[mine].keys; b_opened = false;
      if
      :: file[mine].b == ABSENT && file[mine].a == GOOD ->  // slot add
        if
        :: replace_header(file[mine].a, GOOD); b_opened = true; may_destroy_a = true
#ifdef NO_COMPARE
        :: replace_header(file[mine].a, BAD); may_destroy_a = true
#else
        :: skip  // What KMS gave does not open: nothing is written.
#endif
        fi
      :: file[mine].b == ABSENT -> skip
      :: file[mine].b != ABSENT && file[mine].a != ABSENT ->  // slot remove
        if
        :: file[mine].b == GOOD && key_b -> b_opened = true
        :: file[mine].a == GOOD && key_a -> skip  // It opened the file, and B was not tried.
        fi;
        if
#ifdef NO_OPENED
        :: true ->
#else
        :: b_opened ->
#endif
          replace_header(ABSENT, file[mine].b); may_destroy_a = true
        :: else
        fi
      :: else -> skip
      fi;
      atomic { release(TOOL) }
    :: break
    od
  } unless { killed_tool };
  if
  :: atomic { killed_tool -> killed_tool = false; release(TOOL) }; goto restart
  :: timeout
  fi
}

inline cut(f) {
  if
  :: f != path_disk && f != path && !file[f].synced -> file[f].a = ABSENT; file[f].b = ABSENT; file[f].keys = 0
  :: f == path && !file[f].synced ->
    if :: file[f].a = ABSENT; file[f].b = ABSENT; file[f].keys = 0 :: skip fi
  :: else
  fi
}

proctype Accidents() {
  byte crashes;
  do
  :: crashes < 2 ->
    crashes++;
    if
    :: killed_tool = true
    :: atomic { true -> cut(0); cut(1); cut(2);  // An if at the start would share its else.
        if :: path = path_disk :: path_disk = path fi;
        killed_server = true; killed_tool = true;
        check_nothing_lost() }
    fi
  :: atomic { may_destroy_a && key_a && key_b -> key_a = false; check_nothing_lost() }
  :: atomic { file[path].a == GOOD && key_a && holder != TOOL -> key_b = false }
  :: atomic { check_nothing_lost() }; break
  od
}

init {
  atomic {
    file[0].a = GOOD; file[0].synced = true;
    run Server(); run Tool(); run Accidents()
  }
}
