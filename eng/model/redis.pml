/* Redis: one inline for each script that changes a turn. A script is one d_step, as Redis runs it.
   One turn. A claim id names one claim, as the GUID of OpenAsync does. */

/* {conversation}:turn:T */
byte fence;                /* attempt; 0: missing */
byte claim_of_fence;       /* claim */
byte end_;                 /* end; NONE: missing */
byte end_by;               /* by; 0: gateway */
/* {conversation}:log:T:A, index A */
byte length[ATTEMPTS + 1];    /* LLEN */
byte author[ATTEMPTS + 1]; /* ghost: the claim that wrote the entries */

/* {dispatch}: an entry T:A is in one of four places. */
byte where_[ATTEMPTS + 1];
bit mark;                  /* {dispatch}:cancelled:…, the early cancel */

inline open_lua(a, c, r) {
    if
    :: has(OPEN_ENDED) && end_ != NONE -> r = ENDED
    :: else ->
        if
        :: has(OPEN_LATER) && fence > a -> r = FENCED
        :: has(OPEN_CLAIM) && fence == a && claim_of_fence != c -> r = FENCED
        :: else ->
            if
            :: fence < a || !has(OPEN_RAISE) -> fence = a; claim_of_fence = c; published_reset(a)
            :: else
            fi;
            r = OK
        fi
    fi
}

inline append_lua(a, c, n, r) {
    if
    :: has(APPEND_FENCE) && fence != a -> r = FENCED
    :: else ->
        if
        :: has(APPEND_ENDED) && end_ != NONE -> r = ENDED
        :: else ->
            if
            :: has(APPEND_CLAIM) && claim_of_fence != c -> r = FENCED
            :: else ->
                if
                :: has(APPEND_LOST) && length[a] + 1 < n -> r = LOST
                :: else ->
                    if
                    :: has(APPEND_REPEAT) && length[a] >= n
                    :: else ->
                        push(a, c, n);
                        published_chunk(a, n)
                    fi;
                    r = OK
                fi
            fi
        fi
    fi
}

inline finish_lua(a, c, n, r) {
    if
    :: has(FINISH_ENDED) && end_ != NONE ->
        if
        :: has(FINISH_BY) && end_by == a && (claim_of_fence == c || !has(FINISH_CLAIM)) -> r = OK
        :: else -> r = ENDED
        fi
    :: else ->
        if
        :: (has(FINISH_FENCE) && fence != a) || (has(FINISH_CLAIM) && claim_of_fence != c) -> r = FENCED
        :: else ->
            if
            :: has(FINISH_LENGTH) && length[a] + 1 != n -> r = LOST
            :: else ->
                push(a, c, n);
                ended_once();
                end_ = COMPLETED; end_by = a;
                published_end(a, COMPLETED);
                r = OK
            fi
        fi
    fi
}

/* r: 0 ended, ENDED, or 16 + the attempt that is open instead. */
inline end_lua(a, outcome, r) {
    if
    :: has(END_ENDED) && end_ != NONE -> r = ENDED
    :: else ->
        if
        :: has(END_OTHER) && fence != 0 && fence != a -> r = 16 + fence
        :: else ->
            ended_once();
            length[a]++;
            fence = a; end_ = outcome; end_by = 0;
            published_end(a, outcome);
            r = 0
        fi
    fi
}

inline enqueue_lua(a, with_mark, r) {
    if
    :: has(ENQUEUE_KNOWN) && where_[a] != NONE -> r = 0
    :: else ->
        if
        :: has(ENQUEUE_MARK) && with_mark && mark -> r = 2
        :: else -> assert(status != NONE); /* I4: nothing is dispatched that is not stored */
            where_[a] = QUEUE; r = 1
        fi
    fi
}

inline claim_lua(a) {
    where_[a] = (has(CLAIM_LEASE) -> LEASE : NONE)
}

inline answer_lua(a) {
    if
    :: !has(ANSWER_LEASE) || where_[a] == LEASE -> where_[a] = ANSWERED
    :: else
    fi
}

inline remove_lua(a) { where_[a] = NONE }
