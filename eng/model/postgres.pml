/* Postgres: the turn's row and the statements that change it. Each is one transaction. */
byte status;     /* NONE: not accepted */
byte attempt;
byte persisted;  /* ghost: how often the row ended */

/* accept_turn */
inline accept() { status = PENDING; attempt = 1 }

/* finish_turn: DELETE FROM web_turns …; PENDING is a row there */
inline finish_turn(outcome, last_attempt, whole) {
    if
    :: status == PENDING || !has(PERSIST_PENDING) ->
        assert(persisted == 0);                       /* I4: persisted exactly once */
        assert(outcome != COMPLETED || whole);         /* I4: a completed turn has its whole text */
        assert(lost || away || outcome == end_);      /* cancel and done: the end in the log decides */
        persisted++;
        status = outcome;
        if
        :: last_attempt > 0 -> attempt = last_attempt
        :: else
        fi
    :: else
    fi
}

/* NextAttemptAsync: UPDATE web_turns SET attempt = seen + 1 WHERE attempt = seen */
inline next_attempt(seen, r) {
    if
    :: (status == PENDING || !has(NEXT_PENDING)) && (attempt == seen || !has(NEXT_SEEN)) ->
        attempt = seen + 1;
        issued(seen + 1);
        r = 1
    :: else -> r = 0
    fi
}

/* ReturnAttemptAsync: UPDATE web_turns SET attempt = given - 1 WHERE attempt = given */
inline return_attempt(given) {
    if
    :: status == PENDING && (attempt == given || !has(RETURN_SEEN)) -> attempt = given - 1; returned(given)
    :: else
    fi
}
