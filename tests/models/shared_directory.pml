// SPDX-License-Identifier: MIT
// Two MariaDB servers with one directory of key files (aws_key_management) make and rotate one key.
//
// process Server      VersionedKeys (src/keyring/versioned_keys.cc) over KeyFileBackend
//                     (src/storage/mariadb_files/key_file_backend.cc) and KeyDirectory
//                     (src/storage/key_directory.cc); one step here is one call of the system there
// process Accidents   kill -9 of a server, a power cut, and a key file that somebody loses
//
// The directory is two arrays: what the kernel shows, and what the disk has. A power cut keeps any part
// of the difference. A file's content is a number; 0: no such name; TORN: written, and lost.
//
// Nothing lost: a version that data was encrypted with is there with its content, unless a person lost
// the file; then its number is not used again. Nothing forked: data of one version has one content.
//
// broken: NO_FILE_SYNC       CreateDurably does not sync the temporary file before it is renamed
// broken: NO_DIRECTORY_SYNC  CreateDurably does not sync the directory after it
// broken: NO_LOSER_SYNC      KeyDirectory::Create does not sync when another server was faster
// broken: NO_LIST_SYNC       KeyDirectory::ListNames does not sync what it is about to believe
// broken: SYNC_BEFORE_LIST   it syncs before it lists, in place of afterwards
// broken: RENAME_REPLACES    Rename in place of RenameNoReplace
// broken: USE_OWN_VALUE      the loser uses what it generated in place of reading the file
// broken: NO_MARK            no version marks
// broken: NO_MARK_SYNC       KeyDirectory::CreateMark does not sync the directory

#define SERVERS 2
#define VERSIONS 3
#define TORN 99

byte name[VERSIONS + 1], name_disk[VERSIONS + 1];  // By version: the content of its file.
bool content_synced[VERSIONS + 1];
byte mark, mark_disk;                              // The highest version mark.
byte used[VERSIONS + 1];                           // What data of that version was encrypted with.
bool lost_by_person[VERSIONS + 1];
bool killed[SERVERS];
byte made = 0;                                     // Contents that were generated.

// SyncDirectory
inline sync_directory() {
  d_step {
    name_disk[1] = name[1]; name_disk[2] = name[2]; name_disk[3] = name[3];
#ifndef NO_MARK_SYNC
    mark_disk = mark;
#endif
    skip
  }
}

// KeyDirectory::ListMade, by which VersionIndex::Highest knows the newest version.
inline list() {
#ifdef SYNC_BEFORE_LIST
  sync_directory();
#endif
  d_step {
    highest = 0;
    if :: name[1] -> highest = 1 :: else fi;
    if :: name[2] -> highest = 2 :: else fi;
    if :: name[3] -> highest = 3 :: else fi;
#ifndef NO_MARK
    if :: mark > highest -> highest = mark :: else fi;
#endif
    skip
  };
#if !defined(NO_LIST_SYNC) && !defined(SYNC_BEFORE_LIST)
  sync_directory();
#endif
  skip
}

// KeyDirectory::Mark, with the sync of CreateMark.
inline set_mark(version) {
  d_step {
#ifndef NO_MARK
    if :: mark < version -> mark = version :: else fi;
#ifndef NO_MARK_SYNC
    mark_disk = mark;
#endif
#endif
    skip
  }
}

// KeyFileBackend::Create: a new content is generated and opened, the temporary file written and synced.
inline create(version) {
  d_step { made++; own = made };
  if
  :: atomic {
#ifndef RENAME_REPLACES
      name[version] == 0 ->
#endif
      name[version] = own;
#ifdef NO_FILE_SYNC
      content_synced[version] = false
#else
      content_synced[version] = true
#endif
    };
#ifndef NO_DIRECTORY_SYNC
    sync_directory();
#endif
    set_mark(version)
#ifndef RENAME_REPLACES
  :: else ->  // kAlreadyExists
#ifndef NO_LOSER_SYNC
    sync_directory();
#endif
    skip
#endif
  fi
}

// KeyFileBackend::Fetch, then the server encrypts data with it.
inline fetch_and_use(version) {
#ifdef USE_OWN_VALUE
  value = (own -> own : name[version]);
#else
  value = name[version];
#endif
  if
  :: value == 0 || value == TORN  // ExplainMissing: the server has no such key, and does not go on.
  :: else ->
    set_mark(version);
    atomic {
      // Nothing forked.
      assert(used[version] == 0 || used[version] == value);
      used[version] = value;
      value = 0
    }
  fi
}

proctype Server(byte me) {
  byte highest, own, value, rotations;
restart:
  {
    own = 0;
    list();
    if
    :: highest == 0 ->  // CreateFirstNow lists again: that is the list above.
      create(1);
      fetch_and_use(1)
    :: highest > 0 -> fetch_and_use(highest)
    fi;
    own = 0;
    do
    :: rotations < 1 ->  // Rotate: Relist, NextVersion, Create, read back.
      rotations++;
      list();
      if
      :: highest > 0 && highest < VERSIONS ->
        create(highest + 1);
        fetch_and_use(highest + 1)
      :: else
      fi;
      own = 0
    :: break
    od
  } unless { killed[me] };
  if
  :: atomic { killed[me] -> killed[me] = false; own = 0; value = 0; highest = 0 }; goto restart
  :: timeout
  fi
}

// Any part of what was not synced reaches the disk.
inline power_cut_of(version) {
  if :: name_disk[version] = name[version] :: skip fi;
  name[version] = name_disk[version];
  if
  :: name[version] && !content_synced[version] -> name[version] = TORN; name_disk[version] = TORN
  :: else
  fi
}

inline check_nothing_lost(version) {
  assert(used[version] == 0 || lost_by_person[version] || name[version] == used[version])
}

proctype Accidents() {
  byte cuts, kills, losses;
  do
  :: kills < 1 -> kills++; atomic { if :: killed[0] = true :: killed[1] = true fi }
  :: cuts < 1 ->
    atomic {
      cuts++;
      power_cut_of(1); power_cut_of(2); power_cut_of(3);
      if :: mark_disk = mark :: skip fi;
      mark = mark_disk;
      killed[0] = true; killed[1] = true;
      check_nothing_lost(1); check_nothing_lost(2); check_nothing_lost(3)
    }
  :: atomic { losses < 1 && name[2] && used[2] == name[2] ->  // As a restore that forgets it.
      losses++; name[2] = 0; name_disk[2] = 0; lost_by_person[2] = true;
      killed[0] = true; killed[1] = true }
  :: break
  od
}

init {
  atomic {
    run Server(0); run Server(1); run Accidents()
  }
}
