/* What one v2 client is told of one turn: channel, log, replay, resume on another gateway.
   docs/design/model.md explains it. */
#define ATTEMPTS 2
#ifndef CHUNKS
#define CHUNKS 2
#endif
#ifndef FAULTS
#define FAULTS 1           /* lost attempts, lost data, cut connections */
#endif
#ifndef LEAVES
#define LEAVES 1           /* how often the client reconnects, to another gateway */
#endif

#include "words.pml"
#include "breaks.pml"

byte faults, leaves;
bit lost, away;
#define may_fail (faults < FAULTS)
#define fault() faults++

/* The channel. A payload reaches the gateway only while it is subscribed. */
#define CHUNK 1
#define RESET 2
#define DONE  3            /* plus the outcome */
chan wire = [8] of { byte, byte, byte };
bit subscribed;

inline push(a, c, n) { length[a]++; author[a] = c }
inline ended_once() { assert(end_ == NONE) }
inline published_reset(a) {
    if :: a > 1 && subscribed -> wire!RESET(a, 0) :: else fi
}
inline published_chunk(a, n) {
    if :: subscribed -> wire!CHUNK(a, n) :: else fi
}
byte ended_in;             /* ghost: the attempt whose log has the end */
inline published_end(a, outcome) {
    ended_in = a;
    if :: subscribed -> wire!(DONE + outcome), a, length[a] :: else fi
}
inline issued(a) { skip }
inline returned(a) { skip }

#include "postgres.pml"
#include "redis.pml"

#define chunks_of(a) (length[a] - ((end_ != NONE && ended_in == a) -> 1 : 0)) /* the field seq */

/* Turn.cs, TurnCursor.cs, as the client's gateway knows them */
bit t_known, t_ending, t_end;
byte t_attempt, t_last;
#define LIVE     1
#define CATCHING 2
#define OVER     3
byte mode, c_attempt, c_seq;
byte ending_as, ending_attempt; /* the task that persists the end */
bit ending_text;           /* the end came with its text; otherwise that is read from the log */

/* The client */
byte k_attempt, k_seq;
bit k_end, k_gone;

inline send_chunk(a, n) {
    assert(!k_end && (k_attempt == 0 || k_attempt == a)); /* I5: another attempt only after a reset */
    assert(n == k_seq + 1);                               /* I5: no gap, no duplicate */
    k_attempt = a; k_seq = n;
    c_seq = n
}
inline send_reset(a) { assert(!k_end); k_attempt = a; k_seq = 0 }
inline send_end() {
    assert(!k_end);                                       /* one done */
    assert(status > PENDING);                             /* done is sent from the row */
    assert(lost || status == FAILED || chunks_of(attempt) == 0 || (k_seq == chunks_of(attempt) && k_attempt == attempt)); /* every token came first */
    k_end = 1; mode = OVER
}

inline move_to(a) {
    if
    :: a > c_attempt ->
        if :: a > 1 && has(CURSOR_RESET) -> send_reset(a) :: else fi;
        c_attempt = a; c_seq = 0
    :: else
    fi
}
inline advance(a, n) {
    if
    :: a > t_attempt -> t_attempt = a; t_last = n
    :: a == t_attempt && n > t_last -> t_last = n
    :: else
    fi
}
#define up_to_date ((c_attempt == t_attempt && c_seq >= t_last) || t_last == 0)
/* I1: without a fault the channel alone suffices. */
inline catch_up() { assert(faults > 0 || leaves > 0); mode = CATCHING }
inline start_ending(outcome, a, text) { t_ending = 1; ending_as = outcome; ending_attempt = a; ending_text = text }
#define has_end(a) (ended_in == a && length[a] > 0)
inline on_persisted() {
    t_ending = 1; t_end = 1;
    if
    :: mode == LIVE && !up_to_date && has(END_BEHIND) -> catch_up()
    :: mode == LIVE && (up_to_date || !has(END_BEHIND)) -> send_end()
    :: else
    fi
}

/* The worker and the sweep in one: an attempt that is lost is followed by the next one. */
active proctype Answerer() {
    byte m, n, r;
    if
    :: !has(SUBSCRIBE_FIRST) || subscribed
    fi;
    d_step { accept(); m = 1 };
next:
    atomic { n = 0; open_lua(m, m, r); if :: r == ENDED -> goto over :: else fi };
    do
    :: atomic { n < CHUNKS -> append_lua(m, m, n + 1, r); n++; if :: r == ENDED -> goto over :: r == OK :: else -> goto again fi }
    :: atomic { n == CHUNKS -> finish_lua(m, m, n + 1, r); if :: r == FENCED || r == LOST -> goto again :: else -> goto over fi }
    :: atomic { may_fail -> fault(); goto again } /* killed, or its lease ran out */
    od;
again:
    atomic {
        if
        :: status > PENDING -> goto over
        :: status == PENDING && m < ATTEMPTS -> m++; next_attempt(m - 1, r); goto next
        :: status == PENDING && m == ATTEMPTS -> end_lua(m, FAILED, r); goto over
        fi };
over:
end:
    atomic { status == PENDING && end_ == NONE -> goto again } /* the end was lost before it was persisted */
}

/* A client elsewhere cancels. */
active proctype Canceller() {
    byte m, r;
end:
    d_step { status == PENDING -> m = (fence > 0 -> fence : attempt); end_lua(m, CANCELLED, r) }
}

/* Another gateway persists what it heard. */
active proctype Another() {
end:
    d_step { status == PENDING && end_ != NONE -> finish_turn(end_, fence, (end_ == COMPLETED)) }
}

/* Redis loses the conversation's slot; a connection is cut. */
active proctype Faults() {
    byte x, y, z;
end:
    do
    :: d_step { may_fail && (fence != 0 || end_ != NONE) -> fault(); lost = 1;
        fence = 0; claim_of_fence = 0; end_ = NONE; end_by = 0; length[1] = 0; length[2] = 0; author[1] = 0; author[2] = 0 }
    :: d_step { may_fail && (length[1] != 0 || length[2] != 0) -> fault(); lost = 1; length[1] = 0; length[2] = 0; author[1] = 0; author[2] = 0 }
    :: atomic { may_fail && subscribed && t_known && mode != OVER -> fault(); subscribed = 0;
        do :: nempty(wire) -> wire?x, y, z :: empty(wire) -> break od;
        x = 0; y = 0; z = 0 }
    od
}

/* The gateway. Each branch is one step under the feed's gate; reads of the stores happen between two of them. */
#define behind (t_attempt < fence || (t_attempt == fence && t_last < chunks_of(fence)))
#define log_helps (mode == LIVE && !up_to_date && length[t_attempt] > c_seq)
#define must_check (t_known && empty(wire) && mode != OVER && mode != CATCHING && !t_ending && \
    (behind || log_helps || end_ != NONE || (status > PENDING && !t_end && (fence > 0 || has(RESYNC_ROW)))))

active proctype Gateway() {
    byte kind, a, n, p_attempt, p_after, p_last, s_attempt, s_seq, s_end, s_row, s_row_attempt, before, p_end;
    /* TurnStarter: subscribe, then commit and dispatch */
    atomic {
        if
        :: has(SUBSCRIBE_FIRST)
        :: !has(SUBSCRIBE_FIRST) -> status >= PENDING
        fi;
        subscribed = 1; t_known = 1; mode = LIVE };
end:
    do
    /* ConversationFeed.Payloads.cs */
    :: atomic { nempty(wire) ->
        wire?kind, a, n;
        if
        :: !t_known || mode == OVER
        :: else ->
            if
            :: kind == RESET -> advance(a, 0); if :: mode == LIVE -> move_to(t_attempt) :: else fi
            :: kind == CHUNK && (a >= t_attempt || !has(FEED_OLD)) ->
                advance(a, n);
                if
                :: mode == LIVE ->
                    move_to(a);
                    if
                    :: n == c_seq + 1 || !has(CURSOR_NEXT) -> send_chunk(a, n)
                    :: else ->
                        if :: n > c_seq && has(CURSOR_GAP) -> catch_up() :: else fi
                    fi
                :: else
                fi
            :: kind == CHUNK && a < t_attempt && has(FEED_OLD)
            :: kind > DONE ->
                if
                :: !t_ending || !has(END_ONCE) -> advance(a, n - 1); start_ending(kind - DONE, a, 1)
                :: else
                fi
            fi
        fi;
        kind = 0; a = 0; n = 0 }
    /* TurnPersister.cs */
    :: atomic { ending_as != NONE ->
        if
        :: ending_as != COMPLETED || ending_text || has_end(ending_attempt) || !has(PERSIST_TEXT) ->
            finish_turn(ending_as, ending_attempt, (ending_text || has_end(ending_attempt)));
            on_persisted()
        :: else ->
            if
            :: end_ == ending_as && fence == ending_attempt -> finish_turn(FAILED, ending_attempt, 0); on_persisted()
            :: else ->
                if
                :: status > PENDING -> on_persisted()
                :: else -> t_ending = !has(LOST_END)
                fi
            fi
        fi;
        ending_as = NONE; ending_attempt = 0; ending_text = 0 }
    /* ConversationFeed.Replay.cs: the page is read outside the gate. */
    :: d_step { mode == CATCHING && !k_gone ->
        p_attempt = c_attempt; p_after = c_seq;
        p_last = (p_attempt > 0 -> chunks_of(p_attempt) : 0);
        p_end = ((p_attempt > 0 && fence == p_attempt) -> end_ : NONE) };
page:
        atomic {
            before = c_seq;
            do
            :: c_seq < p_last && c_attempt == p_attempt && mode == CATCHING -> send_chunk(c_attempt, c_seq + 1)
            :: else -> break
            od;
            if :: p_end && !t_ending -> start_ending(p_end, p_attempt, 1) :: else fi;
            if
            :: t_attempt > c_attempt -> move_to(t_attempt) /* another page */
            :: else ->
                if
                :: c_seq < t_last && c_seq > before /* another page */
                :: else ->
                    if
                    :: t_end -> send_end()
                    :: else -> mode = (has(REPLAY_SWITCH) -> LIVE : OVER)
                    fi
                fi
            fi;
            p_attempt = 0; p_after = 0; p_last = 0; p_end = 0; before = 0 }
    /* After a reconnect, and for a silent channel: ResyncAsync. */
    :: atomic { !subscribed && t_known && !k_gone -> subscribed = 1 }
    :: d_step { must_check && has(RESYNC) && subscribed -> s_attempt = fence; s_seq = (fence > 0 -> chunks_of(fence) : 0); s_end = end_ };
        if
        :: s_attempt == 0 ->
            d_step { s_row = (has(RESYNC_ROW) -> status : PENDING) };
            if
            :: s_row > PENDING ->
                d_step { s_attempt = fence; s_seq = (fence > 0 -> chunks_of(fence) : 0) };
                atomic { advance(s_attempt, s_seq); if :: !t_end -> on_persisted() :: else fi }
            :: else
            fi
        :: else ->
            atomic {
                if
                :: t_ending
                :: else ->
                    advance(s_attempt, s_seq);
                    if :: s_end != NONE -> start_ending(s_end, s_attempt, 0) :: else fi;
                    if
                    :: mode == LIVE -> move_to(t_attempt); if :: !up_to_date -> catch_up() :: else fi
                    :: else
                    fi
                fi }
        fi;
        atomic { s_attempt = 0; s_seq = 0; s_end = 0; s_row = 0 }
    /* The client leaves and comes to another gateway, which does not know the turn. Its last chunk may not have reached it. */
    :: atomic { leaves < LEAVES && t_known && !k_end && status >= PENDING ->
        leaves++; t_known = 0; t_ending = 0; t_end = 0; t_attempt = 0; t_last = 0; mode = 0; c_attempt = 0; c_seq = 0;
        ending_as = NONE; ending_attempt = 0; ending_text = 0; subscribed = 1;
        do :: nempty(wire) -> wire?kind, a, n :: empty(wire) -> break od;
        kind = 0; a = 0; n = 0;
        if
        :: k_seq > 0 -> k_seq--
        :: true
        fi };
        d_step { s_row = status; s_row_attempt = attempt }; /* FindTurnAsync */
        do /* payloads that arrive meanwhile belong to an unknown turn */
        :: nempty(wire) -> atomic { wire?kind, a, n; kind = 0; a = 0; n = 0 }
        :: true -> break
        od;
        atomic { s_attempt = fence; s_seq = (fence > 0 -> chunks_of(fence) : 0) }; /* StoredTurn.ReadAsync */
        do
        :: nempty(wire) -> atomic { wire?kind, a, n; kind = 0; a = 0; n = 0 }
        :: true -> break
        od;
        atomic { /* Resume */
            t_known = 1;
            before = (s_attempt > 0 -> s_attempt : s_row_attempt);
            advance(before, s_seq);
            before = 0;
            if :: s_row > PENDING -> t_ending = 1; t_end = 1 :: else fi;
            c_attempt = t_attempt; c_seq = 0;
            if
            :: s_attempt > 0 && (k_attempt == t_attempt || !has(RESUME_ATTEMPT)) && (k_seq <= t_last || !has(RESUME_AFTER)) -> c_seq = k_seq
            :: else ->
                if
                :: k_attempt > 0 && (s_attempt > 0 || s_row == PENDING) -> send_reset(t_attempt)
                :: else
                fi
            fi;
            if
            :: has(RESUME_END) && s_row > PENDING && s_attempt == 0 -> send_end()
            :: else -> catch_up()
            fi;
            s_attempt = 0; s_seq = 0; s_row = 0; s_row_attempt = 0 }
    od
}

/* When no process can go on, the client has its end: never silence. */
active proctype Judge() {
    timeout;
    assert(status > PENDING && persisted == 1 && k_end)
}
