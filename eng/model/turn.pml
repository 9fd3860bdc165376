/* The life of one turn: two gateways, two workers, a client that may cancel, and a budget of faults.
   docs/design/model.md explains it. */
#ifndef ATTEMPTS
#define ATTEMPTS 2         /* Chat:MaxAttempts */
#endif
#ifndef CHUNKS
#define CHUNKS 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef SWEEPERS
#define SWEEPERS 2
#endif
#ifndef LISTENERS
#define LISTENERS 1
#endif
#ifndef ENDERS
#define ENDERS 1
#endif
#ifndef ROLLBACK
#define ROLLBACK 0         /* Redis may return with older data */
#endif
#ifndef TIMELY
#define TIMELY 0           /* a gateway that lives queues an attempt before another sweeps it twice */
#endif

#ifndef REFUSE
#define REFUSE 0           /* Redis may refuse to queue an attempt */
#endif

#include "words.pml"
#include "breaks.pml"

byte faults;               /* how many happened */
bit lost, away;            /* ghost: Redis lost data; Postgres alone failed the turn */
byte claims;               /* claim ids given out */
byte busy[2];              /* the attempt that worker 0 or 1 holds; it renews that lease */
bit issuing[2];            /* ghost: gateway g has an attempt that it has not queued */
bit is_issued[ATTEMPTS + 2];
bit refusals;              /* Redis refused to queue an attempt, once; that costs no attempt */
byte heard[2];             /* an end on its way to gateway g; HANDLED: nothing more is awaited */
#define HANDLED 7
byte told[2], told_attempt[2];
bit cancel_taken;          /* the client's cancel was recorded before any end */

#define may_fail (faults < FAULTS)
#define fault() faults++

inline push(a, c, n) {
    assert(end_ == NONE);                             /* I4: one terminal entry, the last */
    assert(length[a] + 1 == n);                       /* I2: seq is the position */
    assert(fence == a);                               /* a fenced-off worker changes nothing */
    assert(length[a] == 0 || author[a] == c);         /* I2: one writer for each log */
    length[a]++; author[a] = c
}
inline ended_once() { assert(end_ == NONE) }
inline published_reset(a) { skip }
inline published_chunk(a, n) { skip }
inline published_end(a, outcome) {
    if :: heard[0] == NONE -> heard[0] = outcome :: else fi;
    if :: LISTENERS > 1 && heard[1] == NONE -> heard[1] = outcome :: else fi
}
inline issued(a) { assert(a <= ATTEMPTS); assert(!is_issued[a]); is_issued[a] = 1; assert(!TIMELY || attempt <= 1 + faults) }
inline returned(a) { is_issued[a] = 0 }

#include "postgres.pml"
#include "redis.pml"

/* A call with an unknown outcome: a second copy of it that runs at any later time, or never. */
#define APPEND  1
#define FINISH  2
#define OPEN    3
#define ANSWER  4
#define REMOVE  5
#define ENQUEUE 6
#define PERSIST 7
#define END     8
byte late, late_a, late_c, late_n;

inline maybe_late(call, a, c, n) {
    if
    :: true
    :: may_fail && late == 0 -> fault(); late = call; late_a = a; late_c = c; late_n = n
    fi
}

active proctype Network() {
    byte r;
end:
    do
    :: d_step { late != 0 ->
        if
        :: late == APPEND -> append_lua(late_a, late_c, late_n, r)
        :: late == FINISH -> finish_lua(late_a, late_c, late_n, r)
        :: late == OPEN -> open_lua(late_a, late_c, r)
        :: late == ANSWER -> answer_lua(late_a)
        :: late == REMOVE -> remove_lua(late_a)
        :: late == ENQUEUE -> enqueue_lua(late_a, 0, r)
        :: late == PERSIST -> finish_turn(late_c, late_a, late_n)
        :: late == END -> end_lua(late_a, late_c, r)
        fi;
        late = 0; late_a = 0; late_c = 0; late_n = 0; r = 0 }
    :: late != 0 -> d_step { late = 0; late_a = 0; late_c = 0; late_n = 0 }
    od
}

/* Worker.cs, TurnAnswerer.cs */
#define crash :: may_fail -> fault(); busy[w] = 0; goto idle

proctype Worker(byte w) {
    byte a, c, n, r;
end:
idle:
    atomic { a = 0; c = 0; n = 0; r = 0 };
end2:
    atomic {
        if
        :: where_[1] == QUEUE -> a = 1
        :: ATTEMPTS > 1 && where_[2] == QUEUE -> a = 2
        :: ATTEMPTS > 2 && where_[ATTEMPTS] == QUEUE -> a = ATTEMPTS
        fi;
        claim_lua(a);
        if
        :: claims++; c = claims; busy[w] = a
        :: may_fail -> fault(); goto idle /* the reply is lost: nobody holds the lease */
        fi
    };
    atomic {
        if
        crash
        :: maybe_late(OPEN, a, c, 0); open_lua(a, c, r)
        fi
    };
    if
    :: r != OK -> goto letgo
    :: else
    fi;
    do
    :: n < CHUNKS ->
        atomic {
            if
            crash
            :: where_[a] != LEASE -> goto letgo /* the heartbeat found no lease */
            :: maybe_late(APPEND, a, c, n + 1); append_lua(a, c, n + 1, r); n++;
                if
                :: r != OK -> goto letgo
                :: else
                fi
            fi
        }
    :: n == CHUNKS -> break
    od;
    atomic {
        if
        crash
        :: maybe_late(FINISH, a, c, n + 1); finish_lua(a, c, n + 1, r)
        fi
    };
    if
    :: r != OK -> goto letgo
    :: else
    fi;
    atomic {
        if
        crash
        :: maybe_late(ANSWER, a, 0, 0); answer_lua(a); busy[w] = 0
        fi
    };
    goto idle;
letgo:
    atomic {
        if
        crash
        :: maybe_late(REMOVE, a, 0, 0);
            if
            :: has(LET_GO) -> remove_lua(a)
            :: else
            fi;
            busy[w] = 0
        fi
    };
    goto idle
}

/* Ends the turn for a gateway: TurnLog.EndAsync. It asks again where another attempt is open. */
inline end_turn(a, outcome, r) {
    r = 16 + a;
    do
    :: r >= 16 ->
        atomic {
            a = r - 16;
            maybe_late(END, a, outcome, 0);
            end_lua(a, outcome, r)
        }
    :: else -> break
    od
}

/* TurnStarter.cs, on gateway 0: commit, then queue. A crash between the two leaves a row without an entry. */
proctype Starter() {
    byte a, r;
    if
    :: !has(COMMIT_FIRST) -> d_step { enqueue_lua(1, 1, r) }; d_step { accept(); is_issued[1] = 1 }; goto done
    :: has(COMMIT_FIRST)
    fi;
    d_step { accept(); is_issued[1] = 1; issuing[0] = 1 };
    atomic {
        if
        :: d_step { enqueue_lua(1, 1, r) }
        :: may_fail -> fault() /* a crash, or a call that never runs */
        :: may_fail && late == 0 -> fault(); late = ENQUEUE; late_a = 1 /* a call that may run later */
        fi
    };
    if
    :: r == 2 ->
        a = 1;
        end_turn(a, CANCELLED, r);
        if :: r == 0 -> cancel_taken = 1 :: else fi
    :: else
    fi;
done:
    atomic { a = 0; r = 0; issuing[0] = 0 }
}

/* TurnCanceller.cs and TurnWatch.cs: a client cancels by the message's id, or the deadline passes. */
proctype Ender() {
    byte a, r;
    if
    :: true -> goto done
    :: true ->
        d_step { a = (status == PENDING -> attempt : 0); r = (status == NONE) };
        if
        :: r ->
            mark = 1;
            if
            :: has(CANCEL_TWICE) -> d_step { a = (status == PENDING -> attempt : 0); cancel_taken = (status == NONE) }
            :: else -> cancel_taken = 1
            fi
        :: else
        fi;
        if
        :: a > 0 ->
            end_turn(a, CANCELLED, r);
            if :: r == 0 -> cancel_taken = 1 :: else fi
        :: else
        fi
    :: status == PENDING ->
        a = attempt;
        end_turn(a, FAILED, r)
    :: status == PENDING && may_fail -> /* Redis cannot be reached: Postgres alone decides */
        d_step { fault(); away = 1; finish_turn(FAILED, 0, 0) }
    fi;
done:
    atomic { a = 0; r = 0 }
}

/* What a gateway does with an end: it persists it, tells its clients the row, and acknowledges. Killed in between: nothing is acknowledged. */
inline tell(g, outcome) {
    told[g] = (has(TELL_ROW) -> status : outcome);
    told_attempt[g] = attempt
}
inline acknowledge() {
    if
    :: may_fail -> fault()
    :: true ->
        remove_lua(1);
        if :: attempt >= 2 -> remove_lua(2) :: else fi;
        if :: attempt >= 3 -> remove_lua(ATTEMPTS) :: else fi
    fi
}

/* ConversationFeed.cs, TurnPersister.cs: an end comes on the channel. done carries the text. */
proctype Listener(byte g) {
    byte o;
end:
    do
    :: atomic { heard[g] != NONE && heard[g] != HANDLED && has(PERSIST_FIRST) ->
        o = heard[g]; heard[g] = HANDLED;
        maybe_late(PERSIST, 0, o, (o == COMPLETED));
        finish_turn(o, 0, (o == COMPLETED));
        tell(g, o);
        acknowledge(); o = 0 }
    :: atomic { heard[g] != NONE && heard[g] != HANDLED && may_fail -> fault(); heard[g] = HANDLED } /* missed */
    :: atomic { heard[g] != NONE && heard[g] != HANDLED && !has(PERSIST_FIRST) -> acknowledge(); o = heard[g]; heard[g] = HANDLED };
        atomic {
            if
            :: finish_turn(o, 0, (o == COMPLETED)); tell(g, o)
            :: may_fail -> fault()
            fi;
            o = 0 }
    od
}

/* Sweeper.cs, TurnRepair.cs, StaleEntries.cs */
/* ReadAsync in TurnPersister.cs: the log has the worker's last entry, and with it the whole text. */
#define has_end(a) (length[a] == CHUNKS + 1)
#define is_held(a) (where_[a] == LEASE && (busy[0] == a || busy[1] == a))
#define is_due(a) (where_[a] != QUEUE && (!has(INSPECT_HELD) || !is_held(a) || may_fail) && (has(SWEEP_ANSWERED) || where_[a] != ANSWERED))
#define may_issue (!TIMELY || !(issuing[0] || issuing[1]) || (attempt > 1 && missed != attempt))
#define leftover(a) ((where_[a] == ANSWERED || where_[a] == LEASE) && !is_held(a))

proctype Sweeper(byte g) {
    byte a, o, at, whole, r, missed;
end:
    do
    /* inspect.lua. A lease of a live worker counts as expired only at the price of a fault. Then state.lua. */
    :: atomic { status == PENDING && is_due(attempt) && may_issue ->
        a = attempt;
        if
        :: is_held(a) && has(INSPECT_HELD) -> fault()
        :: else
        fi;
        if
        :: where_[a] == LEASE && has(INSPECT_REMOVE) -> where_[a] = NONE
        :: else
        fi;
        if
        :: where_[a] != ANSWERED && a > 1 && missed != a && has(SWEEP_TWICE) -> missed = a; goto next /* the first round that misses it */
        :: else
        fi;
        o = (has(SWEEP_END) -> end_ : NONE); at = fence;
        if
        :: o == NONE && (a < ATTEMPTS || !has(SWEEP_LAST)) -> goto dispatch
        :: o == NONE && a >= ATTEMPTS && has(SWEEP_LAST) -> goto fail
        :: o == COMPLETED -> goto text
        :: o > COMPLETED -> goto persist
        fi };
fail:
        end_turn(a, FAILED, r);
        atomic { o = (end_ == NONE -> FAILED : end_); at = (fence > attempt -> fence : attempt) };
text:
        /* The text is read after the end: Redis may have lost both, or the log alone. */
        atomic { whole = has_end(at);
            if
            :: o == COMPLETED && !whole && has(PERSIST_TEXT)
            :: else -> goto persist
            fi };
        atomic {
            if
            :: end_ == o && fence == at -> o = FAILED; goto persist
            :: else -> goto next
            fi };
persist:
        atomic { maybe_late(PERSIST, at, o, whole); finish_turn(o, at, whole); acknowledge(); goto next };
dispatch:
        atomic {
            next_attempt(a, r);
            if
            :: r == 0 -> goto next
            :: else -> issuing[g] = 1
            fi
        };
        atomic {
            if
            :: d_step { enqueue_lua(a + 1, has(SWEEP_MARK), r) }
            :: may_fail -> fault()
            :: may_fail && late == 0 -> fault(); late = ENQUEUE; late_a = a + 1
            :: REFUSE && !refusals -> refusals = 1; goto refused
            :: REFUSE && !refusals -> refusals = 1; d_step { enqueue_lua(a + 1, 0, r) }; goto refused /* refused halfway */
            fi;
            issuing[g] = 0;
            if
            :: has(SWEEP_MARK) && r == 2 -> a++; goto cancel
            :: else -> goto next
            fi
        };
cancel:
        end_turn(a, CANCELLED, r);
        if :: r == 0 -> cancel_taken = 1 :: else fi;
        goto next;
refused:
        atomic {
            r = (where_[a + 1] == NONE || !has(GIVE_BACK_LOOK))
        };
        if
        :: r && has(GIVE_BACK) -> d_step { return_attempt(a + 1); issuing[g] = 0 }
        :: else -> issuing[g] = 0
        fi;
next:
        atomic { a = 0; o = 0; at = 0; whole = 0; r = 0 }
    /* stale.lua: entries of an ended turn that nobody handles. */
    :: d_step { status > PENDING && has(TIDY) && leftover(1) -> where_[1] = NONE }
    :: d_step { status > PENDING && has(TIDY) && ATTEMPTS > 1 && leftover(2) -> where_[2] = NONE }
    :: d_step { status > PENDING && has(TIDY) && ATTEMPTS > 2 && leftover(ATTEMPTS) -> where_[ATTEMPTS] = NONE }
    od
}

/* Redis loses data: the logs alone (evicted), one slot (a node of a cluster), or everything. */
inline lose_logs() {
    length[1] = 0; author[1] = 0;
    if :: ATTEMPTS > 1 -> length[2] = 0; author[2] = 0 :: else fi;
    if :: ATTEMPTS > 2 -> length[ATTEMPTS] = 0; author[ATTEMPTS] = 0 :: else fi
}
inline lose_conversation() { fence = 0; claim_of_fence = 0; end_ = NONE; end_by = 0; lose_logs() }
inline lose_dispatch() {
    where_[1] = NONE; mark = 0;
    if :: ATTEMPTS > 1 -> where_[2] = NONE :: else fi;
    if :: ATTEMPTS > 2 -> where_[ATTEMPTS] = NONE :: else fi
}

active proctype Redis() {
end:
    do
    :: d_step { may_fail && status == PENDING && (length[1] != 0 || length[ATTEMPTS] != 0) -> fault(); lost = 1; lose_logs() }
    :: d_step { may_fail && status == PENDING && (fence != 0 || end_ != NONE) -> fault(); lost = 1; lose_conversation() }
    :: d_step { may_fail && status == PENDING && (where_[1] != NONE || where_[ATTEMPTS] != NONE || mark) -> fault(); lost = 1; lose_dispatch() }
    :: d_step { may_fail && status == PENDING && fence != 0 -> fault(); lost = 1; lose_conversation(); lose_dispatch() }
    od
}

/* When no process can go on: nothing that was accepted is lost, and nothing is left behind. */
active proctype Judge() {
    timeout;
    d_step {
    assert(status > PENDING);
    assert(persisted == 1);
    assert(told[0] == NONE || (told[0] == status && told_attempt[0] == attempt)); /* clients are told the row */
    assert(told[1] == NONE || (told[1] == status && told_attempt[1] == attempt));
    assert(where_[1] == NONE && where_[ATTEMPTS] == NONE);
    assert(!cancel_taken || faults > 0 || status != COMPLETED)
    }
}

#if ROLLBACK
#include "rollback.pml"
#endif

init {
    atomic {
        run Worker(0); run Worker(1); run Starter(); run Sweeper(0); run Listener(0);
        if :: SWEEPERS > 1 -> run Sweeper(1) :: else fi;
        if :: LISTENERS > 1 -> run Listener(1) :: else fi;
        if :: ENDERS > 0 -> run Ender() :: else fi
    }
}
