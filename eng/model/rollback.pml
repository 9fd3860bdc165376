/* Redis returns with older data: a snapshot that is restored, or a replica that lacked the last writes. */
byte s_fence, s_claim, s_end, s_by, s_length[ATTEMPTS + 1], s_author[ATTEMPTS + 1], s_where[ATTEMPTS + 1];

active proctype Rollback() {
    /* A snapshot before the claim, or in the middle of an answer. */
end:
    d_step { status == PENDING ->
        s_fence = fence; s_claim = claim_of_fence; s_end = end_; s_by = end_by;
        s_length[1] = length[1]; s_author[1] = author[1]; s_where[1] = where_[1];
        s_length[ATTEMPTS] = length[ATTEMPTS]; s_author[ATTEMPTS] = author[ATTEMPTS]; s_where[ATTEMPTS] = where_[ATTEMPTS] };
end2:
    d_step { may_fail && status == PENDING && claims > 0 ->
        fault(); lost = 1;
        fence = s_fence; claim_of_fence = s_claim; end_ = s_end; end_by = s_by;
        length[1] = s_length[1]; author[1] = s_author[1]; where_[1] = s_where[1];
        length[ATTEMPTS] = s_length[ATTEMPTS]; author[ATTEMPTS] = s_author[ATTEMPTS]; where_[ATTEMPTS] = s_where[ATTEMPTS];
        s_fence = 0; s_claim = 0; s_end = 0; s_by = 0;
        s_length[1] = 0; s_author[1] = 0; s_where[1] = 0; s_length[ATTEMPTS] = 0; s_author[ATTEMPTS] = 0; s_where[ATTEMPTS] = 0 }
}
