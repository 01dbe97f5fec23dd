// SPDX-License-Identifier: MIT
// The sealed keyring file: append, compact, crash, reload (docs/file_formats.md).
//
// process Server     SealedFile (src/storage/sealed/sealed_file.cc) over KeyringFile
//                    (src/storage/keyring_file.cc): Open, Append, Rewrite; a step is one call of the system
// process Accidents  kill -9, a power cut, a sync that fails, a disk that damages a record, and a person
//                    who puts a copy of the file in its place, or writes one into it
//
// A file is a row of places, each for a numbered record or for its mark (done). What is written is not synced at first.
// A power cut leaves of each such place nothing, a part (torn) or all of it, in any order. A sync that
// fails drops what it should have written: no later sync brings it to the disk. The path leads to a
// file, as the kernel shows it and as the disk has it. There is one key, stored and removed in turn.
// Not modeled: a kill between a sync that failed and the truncation that follows. The next process finds
// the record in the cache, and no sync of its own can tell that the disk does not have it.
//
// Nothing lost: after a load the key has the value that was promised last, or, when the last call did not
// return, that or the new one; and the file can be read, unless the disk has damaged it: then it is refused.
//
// broken: NO_SYNC         SealedFile::AppendRecord promises a record before fdatasync
// broken: NO_CHECK_AFTER  it does not check after the sync that the path still names this file
// broken: NO_CHECK_END    SealedFile::CheckEnd: nothing notices what a person wrote into the file
// broken: NO_FILE_SYNC    ReplaceDurably renames a file that is not synced
// broken: NO_DIR_SYNC     ReplaceDurably does not sync the directory after the rename
// broken: NO_REWRITE      SealedFile::UndoAppend truncates the file, and the next record is appended to it
// broken: NO_OPEN_SYNC    KeyringFile::SyncAll: a load does not sync what it has read
// broken: NO_TAG          a record is taken by its prefix, without its tag (MAC)
// broken: NO_PROOF        an unreadable record is always taken for the end of the file
// broken: EAGER_PROOF     whatever follows an unreadable mark proves that the record behind it was synced

#define FILES 3
#define PLACES 6
#define DAMAGED 200
#define OPERATIONS 4

mtype = { NOTHING, PUT, REMOVE, DONE };
mtype = { UNSYNCED, SYNCED, DROPPED };

typedef File {
  mtype kind[PLACES] = NOTHING;
  mtype disk[PLACES] = SYNCED;
  bool torn[PLACES];
  byte id[PLACES];     // Of a record; of a put also the value of the key.
  byte before[PLACES]; // The id of the record before, which a record's tag covers.
  byte number[PLACES]; // The sequence number; a mark has that of its record.
  byte size;
};
File file[FILES];
byte path, path_disk;
bool killed, sync_fails, busy, rotten;
byte serial;
byte promised, maybe;  // The value of the key by what returned, and by what is under way; 0: no key.

#define clear(f, i) file[f].kind[i] = NOTHING; file[f].disk[i] = SYNCED; file[f].torn[i] = false; \
  file[f].id[i] = 0; file[f].before[i] = 0; file[f].number[i] = 0

// Of both, and of truncate, the disk hears at the next sync.
inline write_place(f, what, name, prior, count) {
  file[f].kind[file[f].size] = what; file[f].disk[file[f].size] = UNSYNCED;
  file[f].torn[file[f].size] = false; file[f].number[file[f].size] = count;
  file[f].id[file[f].size] = name; file[f].before[file[f].size] = prior; file[f].size++
}
inline truncate(f, length) {
  at = length;
  do :: at < PLACES -> clear(f, at); at++ :: else -> break od;
  at = 0; file[f].size = length
}
inline sync_file(f) {
  at = 0;
  do
  :: at < PLACES -> file[f].disk[at] = (file[f].disk[at] == UNSYNCED -> SYNCED : file[f].disk[at]); at++
  :: else -> break
  od;
  at = 0
}

// A record opens only after the one that it was written after.
#ifdef NO_TAG
#define opens(f, i) (file[f].kind[i] != NOTHING)
#else
#define opens(f, i) (file[f].kind[i] != NOTHING && !file[f].torn[i] && \
                     (file[f].kind[i] == DONE || file[f].before[i] == last))
#endif
#define value_of(f, i) (file[f].kind[i] == REMOVE -> 0 : (file[f].torn[i] -> DAMAGED + 1 : file[f].id[i]))

#ifdef EAGER_PROOF
#define proves(f, i) (file[f].number[i] > count)
#else
#define proves(f, i) (file[f].number[i] > count + (file[f].kind[i] != DONE))
#endif

// SealedLog::Replay
inline replay(f) {
  loaded = 0; end = 0; last = 0; count = 0; after_record = false; lost_mark = false;
  do
  :: end < file[f].size && opens(f, end) ->
    after_record = (file[f].kind[end] != DONE);
    if
    :: after_record -> loaded = value_of(f, end); last = file[f].id[end]; count++
    :: else
    fi;
    end++
  :: else -> break
  od;
  // RecordPrefixes::ProvesSynced, of the record that should follow.
  at = end + 1;
#ifndef NO_PROOF
  do
  :: at < file[f].size ->
    if :: !file[f].torn[at] && proves(f, at) -> loaded = DAMAGED :: else fi;
    at++
  :: else -> break
  od;
#endif
  // SkipLostMark
  if
  :: after_record && end + 1 < file[f].size && opens(f, end + 1) && loaded != DAMAGED ->
    loaded = value_of(f, end + 1); last = file[f].id[end + 1]; count++; end = end + 2; lost_mark = true
  :: else
  fi;
  at = 0; after_record = false
}

// SealedFile::Open, with PutTornEndAside and SyncAll
inline open_file() {
  d_step {
    mine = path;
    replay(mine);
    assert(loaded == DAMAGED || loaded == promised || loaded == maybe);
    assert(loaded != DAMAGED || rotten);
    size = end; must_rewrite = lost_mark
  };
  if
  :: loaded == DAMAGED -> goto refused
  :: else
  fi;
  d_step { truncate(mine, size) };
  d_step {
#ifndef NO_OPEN_SYNC
    sync_file(mine); path_disk = path;
#endif
    if
    :: path == mine -> promised = loaded; maybe = loaded  // It is served now.
    :: else  // Somebody has put another file there meanwhile: no change will be made.
    fi
  }
}

// SealedFile::Rewrite: the temporary file, its sync, the rename, the sync of the directory
inline rewrite() {
  d_step {
    other = 0;
    do :: other == path || other == path_disk -> other++ :: else -> break od;
    truncate(other, 0);
    if
    :: loaded -> write_place(other, PUT, loaded, 0, 1); write_place(other, DONE, 0, 0, 1)
    :: else
    fi
  };
#ifndef NO_FILE_SYNC
  d_step { sync_file(other) };
#endif
  if
  :: d_step { path == mine -> path = other; mine = other; size = file[mine].size; last = loaded;
      count = (loaded -> 1 : 0) };
#ifndef NO_DIR_SYNC
    path_disk = path;
#endif
    must_rewrite = false
  :: d_step { path != mine -> skip }
  fi
}

// SealedFile::CheckIntact
#ifdef NO_CHECK_END
#define is_intact (path == mine)
#else
#define is_intact (path == mine && file[mine].size == size && (size == 0 || last_id == last))
#define last_id (file[mine].kind[size - 1] == DONE -> file[mine].id[size - 2] : file[mine].id[size - 1])
#endif

// KeyringFile::CheckOurs, after the sync
#ifdef NO_CHECK_AFTER
#define still_ours (!failed)
#else
#define still_ours (!failed && path == mine)
#endif

// SealedFile::Append
inline change() {
  d_step { is_intact && file[mine].size < PLACES - 1 ->
    serial++; maybe = (loaded -> 0 : serial);
    if
    :: loaded -> write_place(mine, REMOVE, serial, last, count + 1)
    :: else -> write_place(mine, PUT, serial, last, count + 1)
    fi;
    wanted = maybe
  };
  failed = false;
#ifndef NO_SYNC
  d_step {
    if
    :: sync_fails ->  // UndoAppend
      sync_fails = false; failed = true; file[mine].disk[file[mine].size - 1] = DROPPED;
#ifdef NO_REWRITE
      size = file[mine].size; last = serial; count++; loaded = wanted
#else
      truncate(mine, size); must_rewrite = true
#endif
    :: else -> sync_file(mine)
    fi
  };
#endif
  if
  :: failed
  :: d_step { !failed && !still_ours -> failed = true }
  :: d_step { still_ours -> promised = wanted; maybe = wanted; loaded = wanted; last = serial; count++;
      write_place(mine, DONE, 0, 0, count); size = file[mine].size }
  fi;
  failed = false
}

proctype Server() {
  byte mine, loaded, end, last, count, at, size, other, wanted, operations;
  bool after_record, lost_mark, must_rewrite, failed;
restart:
  {
    busy = true;
    open_file();
    busy = false;
    do
    :: operations < OPERATIONS -> operations++;
      busy = true;
      if
      :: must_rewrite -> rewrite()
      :: else
      fi;
      if
      :: !must_rewrite ->
        if
        :: change()
        :: !(is_intact && file[mine].size < PLACES - 1) -> skip
        fi
      :: else
      fi;
      if
      :: !must_rewrite && is_intact -> rewrite()  // CompactIfGrown
      :: skip
      fi;
      busy = false
    :: else -> break
    od
  } unless { killed };
refused:
  if
  :: atomic { killed -> killed = false; busy = false; failed = false; must_rewrite = false; at = 0 }
    goto restart
  :: timeout
  fi
}

// Of each place that is not synced nothing, a part or all is there afterwards.
inline cut(f) {
  i = 0; length = 0;
  do
  :: i < PLACES ->
    if
    :: file[f].disk[i] == UNSYNCED && file[f].kind[i] != NOTHING ->
      if
      :: clear(f, i)
      :: file[f].kind[i] != DONE -> file[f].torn[i] = true
      :: skip
      fi
    :: file[f].disk[i] == DROPPED -> clear(f, i)
    :: else
    fi;
    file[f].disk[i] = SYNCED;
    length = (file[f].kind[i] != NOTHING -> i + 1 : length);
    i++
  :: else -> break
  od;
  file[f].size = length; i = 0; length = 0
}

// A copy of the file as it was promised; what is under way then fails.
inline copy_into(f) {
  i = 0;
  do :: i < PLACES -> clear(f, i); i++ :: else -> break od;
  i = 0; file[f].size = 0;
  if
  :: promised -> write_place(f, PUT, promised, 0, 1); write_place(f, DONE, 0, 0, 1);
    file[f].disk[0] = SYNCED; file[f].disk[1] = SYNCED
  :: else
  fi;
  maybe = promised
}

proctype Accidents() {
  byte crashes, persons, failures, i, length, copy;
  do
  :: crashes < 2 ->
    crashes++;
    if
    :: killed = true
    :: atomic { cut(0); cut(1); cut(2);
        if :: path = path_disk :: path_disk = path fi;
        killed = true }
    :: atomic { !rotten && file[path].size > 1 && file[path].disk[1] == SYNCED && file[path].kind[0] != NOTHING ->
        file[path].torn[0] = true; rotten = true; killed = true }
    fi
  :: d_step { failures < 1 -> failures++; sync_fails = true }
  :: d_step { persons < 1 ->  // mv
      persons++; copy = 0;
      do :: copy == path || copy == path_disk -> copy++ :: else -> break od;
      copy_into(copy); path = copy; path_disk = copy }
  :: d_step { persons < 1 && !busy ->  // cp: into the same file
      persons++; copy_into(path) }
  :: break
  od
}

init { atomic { run Server(); run Accidents() } }
