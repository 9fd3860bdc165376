/* What a script answers */
#define OK        1
#define FENCED    2
#define LOST      3
#define ENDED     4

/* Outcomes, and the status of the row */
#define NONE      0
#define PENDING   1
#define COMPLETED 2
#define CANCELLED 3
#define FAILED    4

/* Where an entry is */
#define QUEUE     1
#define LEASE     2
#define ANSWERED  3
