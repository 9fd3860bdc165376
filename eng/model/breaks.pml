/* Names of the guards. spin -DBREAK=NAME removes one guard from the model; a check must then find a violation. */
#ifndef BREAK
#define BREAK 0
#endif
#define has(guard) (BREAK != guard)

/* Redis: the conversation's slot */
#define OPEN_ENDED        1
#define OPEN_LATER        2
#define OPEN_CLAIM        3
#define APPEND_FENCE      4
#define APPEND_ENDED      5
#define APPEND_LOST       6
#define APPEND_REPEAT     7
#define FINISH_ENDED      8
#define FINISH_BY         9
#define FINISH_FENCE     10
#define FINISH_LENGTH    11
#define END_ENDED        12
#define END_OTHER        13
#define OPEN_RAISE       14
#define APPEND_CLAIM     15
#define FINISH_CLAIM     16
/* Redis: the dispatch slot */
#define ENQUEUE_KNOWN    20
#define ENQUEUE_MARK     21
#define CLAIM_LEASE      22
#define ANSWER_LEASE     23
#define INSPECT_HELD     24
#define INSPECT_REMOVE   25
/* Postgres */
#define PERSIST_PENDING  30
#define NEXT_SEEN        31
#define NEXT_PENDING     32
#define RETURN_SEEN      33
/* Order of steps in gateway and worker */
#define COMMIT_FIRST     40
#define CANCEL_TWICE     41
#define SWEEP_END        42
#define SWEEP_LAST       43
#define SWEEP_TWICE      44
#define SWEEP_ANSWERED   45
#define TELL_ROW         46
#define GIVE_BACK        47
#define GIVE_BACK_LOOK   48
#define TIDY             49
#define LET_GO           50
#define PERSIST_FIRST    51
#define SWEEP_MARK       52
#define PERSIST_TEXT     53
#define LOST_END         54
/* The feed of a gateway and its client */
#define SUBSCRIBE_FIRST  60
#define CURSOR_NEXT      61
#define CURSOR_GAP       62
#define CURSOR_RESET     63
#define FEED_OLD         64
#define REPLAY_SWITCH    65
#define RESUME_ATTEMPT   66
#define RESUME_AFTER     67
#define END_BEHIND       68
#define END_ONCE         69
#define RESYNC           70
#define RESYNC_ROW       71
#define RESUME_END       72
