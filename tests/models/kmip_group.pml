// SPDX-License-Identifier: MIT
// Two MariaDB servers with one object group on a KMIP server (kmip_key_management) make one version,
// or two MySQL servers one key.
//
// process Server     KmipVersionedBackend::Create and Fetch (src/storage/kmip/kmip_versioned_backend.cc)
//                    over KmipKeyCreator (kmip_key_creator.cc); a step is one request to the KMIP server
// process Accidents  kill -9 of a server: what it made stays as it is
//
// A KMIP server has registers only: Create, Activate, Destroy and Locate of single objects, no "create
// unless there is one". What it decides in one step is the state of one object: an object that is not
// Active cannot become so after it was destroyed, and an Active one is not destroyed without Revoke.
//
// Nothing forked: all data of the version is encrypted with one object's value.
// Nothing lost: that object is never destroyed.
//
// also: MYSQL  KmipKeyringBackend::Store (component_keyring_kmip): an own object that may have become Active
//              is no key, since its maker's caller was told so. It is revoked and marked as removed, and
//              kept: who has loaded and used it meanwhile finds its value there
//
// broken: NO_CHECK           no search before the object becomes Active
// broken: CHECK_WHEN_ACTIVE  the search follows Activate, and who sees another Active one gives its own
//                            up: a third party may have used it by then
// broken: ACTIVE_ONLY        the search ignores objects that are not Active yet
// broken: NO_DESTROY         it sees them, and does not destroy them
// broken: REVOKE_FIRST       they are revoked before they are destroyed, so that Active ones go, too
// broken: RETIRE_OWN         who gets no answer to Activate revokes and destroys the object
// broken: IGNORE_REFUSAL     one goes on although a rival's object could not be destroyed

#define SERVERS 2
#define OBJECTS 4
#define NONE 9

mtype = { FREE, PRE_ACTIVE, ACTIVE, DESTROYED, WITHDRAWN };
mtype state[OBJECTS] = FREE;
byte made;           // Objects made so far; an object's value is its number.
byte used = NONE;    // What data of the version is encrypted with.
bool killed[SERVERS];

// KmipObjects::Find: Locate, and later the attributes of what was located.
inline find() {
  located = made;
  d_step {
    has_active = false; rivals = 0; at = 0;
    do
    :: at < located ->
      if
      :: at != own && state[at] == ACTIVE -> has_active = true
      :: at != own && state[at] == PRE_ACTIVE -> rivals = rivals | (1 << at)
      :: else
      fi;
      at++
    :: else -> break
    od;
    at = 0; located = 0
  }
}

// Destroy: what was used must stay.
inline destroy(object) {
  assert(object != used);
  state[object] = DESTROYED
}

// KmipKeyCreator::DestroyRivals: false for one that has become Active meanwhile.
inline destroy_rival(object) {
  atomic {
    if
#ifdef REVOKE_FIRST
    :: state[object] != FREE -> destroy(object)
#else
    :: state[object] == PRE_ACTIVE -> destroy(object)
    :: state[object] == DESTROYED || state[object] == WITHDRAWN
#ifdef IGNORE_REFUSAL
    :: state[object] == ACTIVE
#else
    :: state[object] == ACTIVE -> has_active = true
#endif
#endif
    fi
  }
}

// The search between Create and Activate.
inline check_before_active() {
#if !defined(NO_CHECK) && !defined(CHECK_WHEN_ACTIVE)
  find();
#if !defined(ACTIVE_ONLY)
#ifndef NO_DESTROY
  do
  :: !has_active && at < OBJECTS ->
    if
    :: rivals & (1 << at) -> destroy_rival(at)
    :: else
    fi;
    at++
  :: else -> break
  od;
  at = 0;
#endif
#endif
#endif
  skip
}

inline use(object) {
  atomic {
#ifdef MYSQL
    assert(used == NONE || used == object || state[used] == WITHDRAWN);
#else
    assert(used == NONE || used == object);  // Nothing forked.
#endif
    assert(state[object] == ACTIVE);         // Nothing lost.
    used = object
  }
}

// Fetch: what a list shows is read a step later. Two different values are an error.
inline fetch() {
  d_step {
    has_active = false; found = NONE; at = 0;
    do
    :: at < made ->
      if
      :: state[at] == ACTIVE -> has_active = (found == NONE); found = at
      :: else
      fi;
      at++
    :: else -> break
    od;
    at = 0
  };
  if
  :: has_active ->
    if
    :: atomic { state[found] == ACTIVE -> use(found) }
    :: else  // It is gone: an error, no other key.
    fi
  :: else
  fi
}

// KmipObjects::DestroyPreActive of the own object, or KmipObjects::Withdraw.
inline give_up() {
  atomic {
    if
#if defined(CHECK_WHEN_ACTIVE) || defined(RETIRE_OWN)
    :: state[own] != FREE -> destroy(own)
#else
    :: state[own] == PRE_ACTIVE -> destroy(own)
#ifdef MYSQL
    :: state[own] == ACTIVE -> state[own] = WITHDRAWN
#endif
    :: else
#endif
    fi;
    own = NONE
  }
}

proctype Server(byte me) {
  byte own = NONE, at, located, rivals, found = NONE, tries;
  bool has_active;
restart:
  {
    do
    :: tries < 2 ->
      tries++;
      find();  // The first CheckAlone.
      if
      :: has_active -> fetch()
      :: atomic { !has_active && made < OBJECTS ->  // Make
          own = made; made++; state[own] = PRE_ACTIVE };
        check_before_active();
        if
        :: has_active -> give_up(); fetch()
        :: else ->
          if
          :: atomic { state[own] == PRE_ACTIVE -> state[own] = ACTIVE };
#ifdef CHECK_WHEN_ACTIVE
            find();
            if
            :: has_active -> give_up(); fetch()
            :: else -> use(own); own = NONE
            fi
#else
            if
            :: use(own); own = NONE
            :: give_up()  // The answer was lost: what became of it is not known.
            fi
#endif
          :: atomic { state[own] != PRE_ACTIVE -> own = NONE };  // A rival has destroyed it.
            fetch()
          fi
        fi
      :: !has_active && made == OBJECTS -> break
      fi
    :: tries == 2 -> break
    od
  } unless { killed[me] };
  if
  :: atomic { killed[me] -> killed[me] = false; own = NONE; at = 0; tries = 0 }; goto restart
  :: timeout
  fi
}

proctype Accidents() {
  byte kills;
  do
  :: kills < 2 -> kills++; if :: killed[0] = true :: killed[1] = true fi
  :: break
  od
}

init {
  atomic { run Server(0); run Server(1); run Accidents() }
}
